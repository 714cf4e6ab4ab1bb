#include "adaptor/httplib.h"

#include <algorithm>
#include <exception>
#include <regex>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/base/check.h"
#include "fasthttp/body_writer.h"
#include "fasthttp/server.h"
#include "fasthttp/status.h"
#include "fasthttp/task.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::Errc;
using fasthttp::RequestCtx;

httplib::Request MakeRequest(const RequestCtx& ctx) {
  httplib::Request request;
  const fasthttp::RequestHeader& header = ctx.request().header();
  request.method = ctx.Method();
  request.target = ctx.RequestURI();
  request.path = ctx.Path();
  request.version = header.IsHTTP11() ? "HTTP/1.1" : "HTTP/1.0";
  header.VisitAll(
      [&](std::string_view name, std::string_view value) { request.headers.emplace(name, value); });
  for (const fasthttp::Args* args : {&ctx.QueryArgs(), &ctx.PostArgs()}) {
    args->VisitAll([&](std::string_view name, std::string_view value) {
      request.params.emplace(name, value);
    });
  }
  request.body = ctx.PostBody();
  request.content_length_ = request.body.size();
  const fasthttp::Addr remote = ctx.RemoteAddr();
  request.remote_addr = remote.IpString();
  request.remote_port = remote.port();
  const fasthttp::Addr local = ctx.LocalAddr();
  request.local_addr = local.IpString();
  request.local_port = local.port();
  return request;
}

httplib::ContentReader MakeReader(const httplib::Request& request) {
  return httplib::ContentReader(
      [&request](httplib::ContentReceiver receiver) {
        return request.body.empty() || receiver(request.body.data(), request.body.size());
      },
      [](httplib::MultipartContentHeader, httplib::ContentReceiver) { return false; });
}

// Asks the provider for the body, piece by piece. False if it gave up.
bool RunProvider(httplib::Response& response,
                 absl::FunctionRef<bool(std::string_view piece)> write) {
  const bool sized = response.content_length_ != 0;
  size_t offset = 0;
  bool open = true;
  bool done = false;
  httplib::DataSink sink;
  sink.write = [&](const char* data, size_t size) {
    // Never a byte beyond what was declared.
    if (sized) size = std::min(size, response.content_length_ - offset);
    if (open) open = write({data, size});
    offset += size;
    return open;
  };
  sink.done = [&] { done = true; };
  sink.is_writable = [&] { return open; };
  while (open && !done && (!sized || offset < response.content_length_)) {
    const size_t left = sized ? response.content_length_ - offset : 0;
    if (!response.content_provider_(offset, left, sink)) return false;
  }
  return open;
}

// The body goes out as the provider makes it; without a length, every piece at once.
void SendFromProvider(httplib::Response& from, RequestCtx& ctx) {
  const bool sized = from.content_length_ != 0;
  if (sized) ctx.response().header().SetContentLength(static_cast<int64_t>(from.content_length_));
  if (ctx.IsHead()) return;
  fasthttp::BodyWriter* out = nullptr;
  from.content_provider_success_ = RunProvider(from, [&](std::string_view piece) {
    if (out == nullptr) out = &ctx.StartBodyStream();
    return out->TryWrite(piece) == Errc::kOk && (sized || out->TryFlush() == Errc::kOk);
  });
  if (from.content_provider_success_) return;
  if (out != nullptr) return out->Abort();
  ctx.Error("the content provider gave up", fasthttp::kStatusInternalServerError);
}

void WriteResponse(httplib::Response& from, RequestCtx& ctx) {
  fasthttp::Response& to = ctx.response();
  to.SetStatusCode(from.status == -1 ? fasthttp::kStatusOK : from.status);
  for (const auto& [name, value] : from.headers) to.header().Add(name, value);
  if (!from.content_provider_) {
    to.SetBodyOwned(std::move(from.body));
    return;
  }
  SendFromProvider(from, ctx);
}

// A route's pattern. Those without special characters are compared before std::regex sees them.
struct Pattern {
  explicit Pattern(const std::string& text)
      : text(text), is_literal(text.find_first_of("^$\\.*+?()[]{}|") == text.npos), regex(text) {}

  bool Matches(httplib::Request& request) const {
    if (is_literal && request.path != text) return false;
    return std::regex_match(request.path, request.matches, regex);
  }

  std::string text;
  bool is_literal;
  std::regex regex;
};

template <typename Handler>
struct RouteList {
  void Add(const std::string& pattern, Handler handler) {
    routes.emplace_back(Pattern(pattern), std::move(handler));
    all_literal = all_literal && routes.back().first.is_literal;
  }

  const Handler* Find(httplib::Request& request) const {
    for (const auto& [pattern, handler] : routes) {
      if (pattern.Matches(request)) return &handler;
    }
    return nullptr;
  }

  std::vector<std::pair<Pattern, Handler>> routes;
  bool all_literal = true;
};

}  // namespace

struct HttplibServer::Routes {
  struct OfMethod {
    RouteList<Handler> plain;
    RouteList<HandlerWithContentReader> reading;
  };

  OfMethod* ForMethod(std::string_view method) {
    if (method == "GET" || method == "HEAD") return &get;
    if (method == "POST") return &post;
    if (method == "PUT") return &put;
    if (method == "PATCH") return &patch;
    if (method == "DELETE") return &delete_;
    if (method == "OPTIONS") return &options;
    return nullptr;
  }

  void Serve(RequestCtx& ctx);
  void Route(httplib::Request& request, httplib::Response& response);

  OfMethod get, post, put, patch, delete_, options;
  HandlerWithResponse pre_routing;
  Handler post_routing;
  Handler error_handler;
  ExceptionHandler exception_handler;
  httplib::Headers default_headers;
};

void HttplibServer::Routes::Serve(RequestCtx& ctx) {
  httplib::Request request = MakeRequest(ctx);
  httplib::Response response;
  try {
    Route(request, response);
  } catch (...) {
    if (!exception_handler) throw;
    exception_handler(request, response, std::current_exception());
    if (response.status == -1) response.status = fasthttp::kStatusInternalServerError;
  }
  if (post_routing) post_routing(request, response);
  if (response.status >= 400 && error_handler) error_handler(request, response);
  for (const auto& [name, value] : default_headers) {
    if (!response.has_header(name)) response.headers.emplace(name, value);
  }
  WriteResponse(response, ctx);
}

void HttplibServer::Routes::Route(httplib::Request& request, httplib::Response& response) {
  if (pre_routing && pre_routing(request, response) == httplib::Server::HandlerResponse::Handled) {
    return;
  }
  const Handler* plain = nullptr;
  const HandlerWithContentReader* reading = nullptr;
  if (OfMethod* routes = ForMethod(request.method)) {
    auto find = [&] {
      reading = routes->reading.Find(request);
      if (reading == nullptr) plain = routes->plain.Find(request);
    };
    if (routes->reading.all_literal && routes->plain.all_literal) {
      find();
    } else if (request.path.size() > kMaxPatternPath) {
      response.status = fasthttp::kStatusRequestURITooLong;
      return;
    } else if (!fasthttp::RunOnLargeStack(find).ok()) {
      response.status = fasthttp::kStatusServiceUnavailable;
      return;
    }
  }
  if (reading != nullptr) {
    (*reading)(request, response, MakeReader(request));
  } else if (plain != nullptr) {
    (*plain)(request, response);
  } else {
    response.status = fasthttp::kStatusNotFound;
  }
}

HttplibServer::HttplibServer() : routes_(std::make_shared<Routes>()) {}
HttplibServer::~HttplibServer() = default;

HttplibServer& HttplibServer::Get(const std::string& pattern, Handler handler) {
  routes_->get.plain.Add(pattern, std::move(handler));
  return *this;
}

HttplibServer& HttplibServer::Post(const std::string& pattern, Handler handler) {
  routes_->post.plain.Add(pattern, std::move(handler));
  return *this;
}

HttplibServer& HttplibServer::Post(const std::string& pattern, HandlerWithContentReader handler) {
  routes_->post.reading.Add(pattern, std::move(handler));
  return *this;
}

HttplibServer& HttplibServer::Put(const std::string& pattern, Handler handler) {
  routes_->put.plain.Add(pattern, std::move(handler));
  return *this;
}

HttplibServer& HttplibServer::Put(const std::string& pattern, HandlerWithContentReader handler) {
  routes_->put.reading.Add(pattern, std::move(handler));
  return *this;
}

HttplibServer& HttplibServer::Patch(const std::string& pattern, Handler handler) {
  routes_->patch.plain.Add(pattern, std::move(handler));
  return *this;
}

HttplibServer& HttplibServer::Patch(const std::string& pattern, HandlerWithContentReader handler) {
  routes_->patch.reading.Add(pattern, std::move(handler));
  return *this;
}

HttplibServer& HttplibServer::Delete(const std::string& pattern, Handler handler) {
  routes_->delete_.plain.Add(pattern, std::move(handler));
  return *this;
}

HttplibServer& HttplibServer::Delete(const std::string& pattern, HandlerWithContentReader handler) {
  routes_->delete_.reading.Add(pattern, std::move(handler));
  return *this;
}

HttplibServer& HttplibServer::Options(const std::string& pattern, Handler handler) {
  routes_->options.plain.Add(pattern, std::move(handler));
  return *this;
}

HttplibServer& HttplibServer::set_pre_routing_handler(HandlerWithResponse handler) {
  routes_->pre_routing = std::move(handler);
  return *this;
}

HttplibServer& HttplibServer::set_post_routing_handler(Handler handler) {
  routes_->post_routing = std::move(handler);
  return *this;
}

HttplibServer& HttplibServer::set_error_handler(Handler handler) {
  routes_->error_handler = std::move(handler);
  return *this;
}

HttplibServer& HttplibServer::set_exception_handler(ExceptionHandler handler) {
  routes_->exception_handler = std::move(handler);
  return *this;
}

HttplibServer& HttplibServer::set_default_headers(httplib::Headers headers) {
  routes_->default_headers = std::move(headers);
  return *this;
}

fasthttp::RequestHandler HttplibServer::NewHandler() const {
  return [routes = std::make_shared<Routes>(*routes_)](RequestCtx& ctx) { routes->Serve(ctx); };
}

bool HttplibServer::listen(const std::string& host, int port) {
  const bool v6 = host.find(':') != host.npos;
  const std::string address =
      v6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
  return fasthttp::ListenAndServe(address, NewHandler()).ok();
}

// --- Without routes ---------------------------------------------------------------------------

fasthttp::RequestHandler NewHttplibHandler(httplib::Server::Handler handler) {
  FASTHTTP_CHECK(static_cast<bool>(handler), "NewHttplibHandler needs a handler");
  return [handler = std::move(handler)](RequestCtx& ctx) {
    httplib::Request request = MakeRequest(ctx);
    httplib::Response response;
    handler(request, response);
    WriteResponse(response, ctx);
  };
}

fasthttp::RequestHandler NewHttplibHandler(httplib::Server::HandlerWithContentReader handler) {
  FASTHTTP_CHECK(static_cast<bool>(handler), "NewHttplibHandler needs a handler");
  return [handler = std::move(handler)](RequestCtx& ctx) {
    httplib::Request request = MakeRequest(ctx);
    httplib::Response response;
    handler(request, response, MakeReader(request));
    WriteResponse(response, ctx);
  };
}

}  // namespace fasthttpadaptor
