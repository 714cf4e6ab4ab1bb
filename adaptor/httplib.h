// HttplibServer, NewHttplibHandler: serve handlers that were written for cpp-httplib.
//
// A program keeps its handlers and routes; the type of its server changes:
//
//   fasthttpadaptor::HttplibServer server;       // was: httplib::Server server;
//   server.Get("/hi", [](const httplib::Request& req, httplib::Response& res) {
//     res.set_content("Hello " + req.get_param_value("name"), "text/plain");
//   });
//   server.listen("0.0.0.0", 8080);
//
// Connections, limits, timeouts, keep-alive, framing and HEAD are those of fasthttp::Server: for
// other settings than the defaults, or to serve both styles side by side, give NewHandler() to a
// server of your own. A handler may block like every handler, and must not hold a std::mutex across
// a call that waits.
//
// What handlers see: method, target, path (decoded and normalised), version, headers, params of the
// query and of a urlencoded form, body, remote_addr and remote_port, local_addr and local_port,
// matches. Not filled: files, since the server parses no multipart forms yet; ranges, and no
// response is cut to one, which RFC 9110, section 14.2, leaves to the server; ssl. Of a response:
// status (200 if it was left), headers, body, set_redirect, and content providers: the body is sent
// as they make it, those without a length piece by piece, a slow client makes their sink.write wait
// and false tells that it has gone. Their resources are released with whether they got to their
// end. A provider that gives up makes a 500, or cuts the connection if a part was sent. Its reason
// is not sent.
//
// When not to use it: for new handlers. Every field and parameter costs two allocations.
//
// Needs cpp-httplib 0.11 or newer with its compiled half (Debian: libcpp-httplib-dev), which brings
// OpenSSL into the program.
#ifndef FASTHTTP_ADAPTOR_HTTPLIB_H_
#define FASTHTTP_ADAPTOR_HTTPLIB_H_

#include <httplib.h>

#include <cstddef>
#include <memory>
#include <string>

#include "fasthttp/request_ctx.h"

namespace fasthttpadaptor {

// One handler for every request, without routes. Not empty; called from all loops at once.
fasthttp::RequestHandler NewHttplibHandler(httplib::Server::Handler handler);
// The same for one that reads its body piece by piece. The multipart form of the reader gives
// false.
fasthttp::RequestHandler NewHttplibHandler(httplib::Server::HandlerWithContentReader handler);

// Thread class: registration is thread-compatible and comes before NewHandler() or listen(); after
// that the handlers are called from all loops at once.
class HttplibServer {
 public:
  using Handler = httplib::Server::Handler;
  using HandlerWithContentReader = httplib::Server::HandlerWithContentReader;
  using HandlerWithResponse = httplib::Server::HandlerWithResponse;
  using ExceptionHandler = httplib::Server::ExceptionHandler;

  // Longer paths are answered 414 if a route with special characters would have to be tried on
  // them: std::regex needs stack for every byte. Bytes of the decoded path.
  static constexpr size_t kMaxPatternPath = 4096;

  HttplibServer();
  HttplibServer(const HttplibServer&) = delete;
  HttplibServer& operator=(const HttplibServer&) = delete;
  ~HttplibServer();

  // `pattern` is a regular expression (ECMAScript, std::regex) for the whole path. The first route
  // of the method that matches is taken; those with a content reader come before the others. HEAD
  // takes the routes of GET. No route: 404. A malformed pattern throws std::regex_error.
  HttplibServer& Get(const std::string& pattern, Handler handler);
  HttplibServer& Post(const std::string& pattern, Handler handler);
  HttplibServer& Post(const std::string& pattern, HandlerWithContentReader handler);
  HttplibServer& Put(const std::string& pattern, Handler handler);
  HttplibServer& Put(const std::string& pattern, HandlerWithContentReader handler);
  HttplibServer& Patch(const std::string& pattern, Handler handler);
  HttplibServer& Patch(const std::string& pattern, HandlerWithContentReader handler);
  HttplibServer& Delete(const std::string& pattern, Handler handler);
  HttplibServer& Delete(const std::string& pattern, HandlerWithContentReader handler);
  HttplibServer& Options(const std::string& pattern, Handler handler);

  // Called before the routes; Handled ends the request.
  HttplibServer& set_pre_routing_handler(HandlerWithResponse handler);
  // Called when the routes are done, whatever came of it.
  HttplibServer& set_post_routing_handler(Handler handler);
  // Called for responses of 400 and above, after that.
  HttplibServer& set_error_handler(Handler handler);
  // Called with what a handler throws. Without one an exception reaches the server, which answers
  // 500 and ends the connection.
  HttplibServer& set_exception_handler(ExceptionHandler handler);
  // Sent with every response that does not have them.
  HttplibServer& set_default_headers(httplib::Headers headers);

  // What was registered so far, for a fasthttp::Server. It does not need this object any more.
  fasthttp::RequestHandler NewHandler() const;

  // Serves on the default runtime until the process ends; false if it can't listen there.
  bool listen(const std::string& host, int port);

 private:
  struct Routes;

  std::shared_ptr<Routes> routes_;
};

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_HTTPLIB_H_
