// NewFastHTTPHandler: runs handlers of the style (ResponseWriter&, const Request&), which know the
// standard library's types and nothing of this one, as handlers of a fasthttp::Server.
// NewStdHandler: the way back.
//
//   void Legacy(fasthttpadaptor::ResponseWriter& w, const fasthttpadaptor::Request& r) {
//     w.Header().Set("X-Served-By", "legacy");
//     w.WriteHeader(fasthttp::kStatusCreated);
//     if (!w.Write("you asked for " + r.url.path).ok()) return;
//   }
//   server: {.handler = fasthttpadaptor::NewFastHTTPHandler(Legacy)}
//
// For moving existing code over, one handler after the other: both styles serve side by side.
// Handlers written for Boost.Beast and cpp-httplib, and plain functions of texts, have fronts of
// their own: adaptor/beast.h, adaptor/httplib.h, adaptor/text.h.
//
// When not to use it: for new handlers. A hello takes about 1.3 times the instructions of a native
// one; it allocates nothing either.
//
// The response, whose size nothing limits but memory, goes out when the handler returns, or as a
// stream from ResponseWriter::Flush on. The handler may block like every handler (fasthttp/task.h);
// an exception that leaves it becomes a 500, or cuts what was flushed, and ends the connection.
//
// Thread class: the handlers that are returned may be called from all loops at once.
#ifndef FASTHTTP_ADAPTOR_ADAPTOR_H_
#define FASTHTTP_ADAPTOR_ADAPTOR_H_

#include <type_traits>
#include <utility>

#include "adaptor/request.h"
#include "adaptor/response_writer.h"
#include "fasthttp/request_ctx.h"

namespace fasthttpadaptor {

// From a function or lambda, which must not be empty.
fasthttp::RequestHandler NewFastHTTPHandler(HandlerFunc handler);

// From an object with a method ServeHTTP(ResponseWriter&, const Request&) const, which is moved or
// copied into the handler.
template <typename T>
  requires requires(const std::decay_t<T>& object, ResponseWriter& w, const Request& r) {
    object.ServeHTTP(w, r);
  }
fasthttp::RequestHandler NewFastHTTPHandler(T&& object) {
  return NewFastHTTPHandler(
      HandlerFunc([object = std::forward<T>(object)](ResponseWriter& w, const Request& r) {
        object.ServeHTTP(w, r);
      }));
}

// From a pointer to such an object, which may be a smart one; a plain pointer's object must outlive
// the server. Its ServeHTTP need not be const, but is called from all loops at once all the same.
template <typename Pointer>
  requires requires(const std::decay_t<Pointer>& object, ResponseWriter& w, const Request& r) {
    object->ServeHTTP(w, r);
  }
fasthttp::RequestHandler NewFastHTTPHandler(Pointer&& object) {
  return NewFastHTTPHandler(
      HandlerFunc([object = std::forward<Pointer>(object)](ResponseWriter& w, const Request& r) {
        object->ServeHTTP(w, r);
      }));
}

// The way back: a native handler as one of the standard style, to mount it in a mux of that style,
// to wrap it in that style's middleware, or to call it with a Recorder. It must not be empty.
//
// The handler gets a RequestCtx of its own. Under a server it shows the connection, the received
// bytes and the user values of the request's own context (what it sets there stays inside), and may
// be pinned; TimeoutHandler works. Called with a Request of a test's own, it has no connection.
// The response is written to the ResponseWriter when the handler has returned, or as it is
// streamed, after the fields that the caller has set there. A handler that hijacks the connection
// does so behind the writer's back, when its response is sent. EarlyHints is kUnsupported.
HandlerFunc NewStdHandler(fasthttp::RequestHandler handler);

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_ADAPTOR_H_
