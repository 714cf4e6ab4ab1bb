#include "adaptor/adaptor.h"

#include <algorithm>
#include <streambuf>

#include "adaptor/detect_content_type.h"
#include "fasthttp/args.h"
#include "fasthttp/base/check.h"
#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "fasthttp/status.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::EqualsIgnoreCase;

// Reads bytes where they are.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view bytes) {
    char* begin = const_cast<char*>(bytes.data());  // A get area is never written to.
    setg(begin, begin, begin + bytes.size());
  }

 private:
  pos_type seekoff(off_type offset, std::ios_base::seekdir from,
                   std::ios_base::openmode which) override {
    const off_type size = egptr() - eback();
    off_type base = 0;
    if (from == std::ios_base::cur) base = gptr() - eback();
    if (from == std::ios_base::end) base = size;
    const bool valid = offset >= -base && offset <= size - base;
    if (!valid || !(which & std::ios_base::in)) return pos_type(off_type(-1));
    setg(eback(), eback() + base + offset, egptr());
    return pos_type(base + offset);
  }
  pos_type seekpos(pos_type position, std::ios_base::openmode which) override {
    return seekoff(off_type(position), std::ios_base::beg, which);
  }
};

class ViewStream final : public std::istream {
 public:
  explicit ViewStream(std::string_view bytes) : std::istream(nullptr), buffer_(bytes) {
    rdbuf(&buffer_);
  }

 private:
  ViewBuffer buffer_;
};

// Writes straight into the context's response.
class BufferedWriter final : public ResponseWriter {
 public:
  explicit BufferedWriter(fasthttp::Response& response) : response_(response) {}

  fasthttpadaptor::Header& Header() override { return header_; }

  void WriteHeader(int code) override {
    if (committed_) return;
    const bool valid = code >= 100 && code <= 999;
    if (valid && code < 200 && code != fasthttp::kStatusSwitchingProtocols) return;
    if (!valid) {
      bad_code_ = true;
      committed_ = true;
      response_.Reset();
      response_.SetStatusCode(fasthttp::kStatusInternalServerError);
      return;
    }
    response_.SetStatusCode(code);
    Commit();
  }

  absl::Status Write(std::string_view bytes) override {
    if (!committed_) Commit();
    if (bad_code_) return absl::InvalidArgumentError("WriteHeader was given no status code");
    if (fasthttp::StatusCodeHasNoBody(response_.StatusCode())) {
      return absl::FailedPreconditionError("the status code allows no body");
    }
    response_.AppendBody(bytes);
    return absl::OkStatus();
  }

  // When the handler has returned.
  void Finish() {
    if (!committed_) Commit();
    fasthttp::ResponseHeader& header = response_.header();
    if (header.HasContentType() || no_type_ || response_.Body().empty()) return;
    if (!header.ContentEncoding().empty()) return header.SetNoDefaultContentType(true);
    header.SetContentType(DetectContentType(response_.Body()));
  }

 private:
  void Commit() {
    committed_ = true;
    fasthttp::ResponseHeader& header = response_.header();
    for (const auto& [name, value] : header_) {
      if (value.empty() && EqualsIgnoreCase(name, "Content-Type")) {
        no_type_ = true;
        header.SetNoDefaultContentType(true);
      }
      header.Add(name, value);
    }
  }

  fasthttp::Response& response_;
  fasthttpadaptor::Header header_;
  bool committed_ = false;
  bool bad_code_ = false;
  bool no_type_ = false;  // The handler wants none.
};

fasthttp::Args ParseQuery(std::string_view query) {
  fasthttp::Args args;
  (void)args.Parse(query);  // Without a cap nothing is dropped.
  return args;
}

}  // namespace

// --- Header -----------------------------------------------------------------------------------

void Header::Set(std::string_view name, std::string_view value) {
  std::string text(value);  // May be a view of a field that is removed here.
  std::string key(name);
  Del(key);
  fields_.push_back({std::move(key), std::move(text)});
}

void Header::Add(std::string_view name, std::string_view value) {
  fields_.push_back({std::string(name), std::string(value)});
}

std::string_view Header::Get(std::string_view name) const {
  for (const Field& field : fields_) {
    if (EqualsIgnoreCase(field.name, name)) return field.value;
  }
  return {};
}

std::vector<std::string_view> Header::Values(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Field& field : fields_) {
    if (EqualsIgnoreCase(field.name, name)) values.push_back(field.value);
  }
  return values;
}

bool Header::Has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [name](const Field& field) { return EqualsIgnoreCase(field.name, name); });
}

void Header::Del(std::string_view name) {
  std::string key(name);  // May be a view of a name that is removed here.
  std::erase_if(fields_, [&](const Field& field) { return EqualsIgnoreCase(field.name, key); });
}

// --- Request ----------------------------------------------------------------------------------

std::string URL::QueryValue(std::string_view name) const {
  return std::string(ParseQuery(query).Peek(name));
}

std::vector<std::string> URL::QueryValues(std::string_view name) const {
  fasthttp::Args args = ParseQuery(query);
  std::vector<std::string> values;
  for (std::string_view value : args.PeekMulti(name)) values.emplace_back(value);
  return values;
}

Request::Request() = default;
Request::~Request() = default;

std::istream& Request::BodyStream() const {
  if (stream_ == nullptr) stream_ = std::make_unique<ViewStream>(body);
  return *stream_;
}

absl::Status ConvertRequest(const fasthttp::RequestCtx& ctx, Request& request) {
  if (absl::Status status = ctx.request().ParseURI(); !status.ok()) return status;
  const fasthttp::RequestHeader& from = ctx.request().header();
  request.stream_.reset();
  request.method = from.Method();
  request.url.path = ctx.URI().Path();
  request.url.raw_path = ctx.URI().PathOriginal();
  request.url.query = ctx.URI().QueryString();
  request.request_uri = from.RequestURI();
  request.proto = from.IsHTTP11() ? "HTTP/1.1" : "HTTP/1.0";
  request.header.clear();
  request.transfer_encoding.clear();
  from.VisitAll([&](std::string_view name, std::string_view value) {
    if (EqualsIgnoreCase(name, "Transfer-Encoding")) {
      request.transfer_encoding.emplace_back(value);
    } else {
      request.header.Add(name, value);
    }
  });
  request.host = ctx.Host();
  request.remote_addr = ctx.RemoteAddr().ToString();
  request.tls = ctx.IsTLS();
  request.body = ctx.PostBody();
  return absl::OkStatus();
}

// --- The handler ------------------------------------------------------------------------------

fasthttp::RequestHandler NewFastHTTPHandler(HandlerFunc handler) {
  FASTHTTP_CHECK(static_cast<bool>(handler), "NewFastHTTPHandler needs a handler");
  return [handler = std::move(handler)](fasthttp::RequestCtx& ctx) {
    Request request;
    if (absl::Status status = ConvertRequest(ctx, request); !status.ok()) return ctx.Error(status);
    BufferedWriter writer(ctx.response());
    handler(writer, request);
    writer.Finish();
  };
}

}  // namespace fasthttpadaptor
