// NewFastHTTPHandler: runs handlers of the style (ResponseWriter&, const Request&), which know the
// standard library's types and nothing of this one, as handlers of a fasthttp::Server.
//
//   void Legacy(fasthttpadaptor::ResponseWriter& w, const fasthttpadaptor::Request& r) {
//     w.Header().Set("X-Served-By", "legacy");
//     w.WriteHeader(fasthttp::kStatusCreated);
//     if (!w.Write("you asked for " + r.url.path).ok()) return;
//   }
//   server: {.handler = fasthttpadaptor::NewFastHTTPHandler(Legacy)}
//
// For moving existing code over, one handler after the other: both styles serve side by side. When
// not to use it: for new handlers. A Request copies what a RequestCtx only refers to, about one
// allocation for each long field.
//
// Both directions are buffered: the handler is called with the whole request, and the response,
// whose size nothing limits but memory, goes out when it returns. It may block like every handler
// (fasthttp/task.h); an exception that leaves it becomes a 500 and ends the connection.
//
// Thread class: what NewFastHTTPHandler returns may be called from all loops at once. The rest is
// thread-compatible.
#ifndef FASTHTTP_ADAPTOR_ADAPTOR_H_
#define FASTHTTP_ADAPTOR_ADAPTOR_H_

#include <cstddef>
#include <cstdint>
#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "fasthttp/request_ctx.h"

namespace fasthttpadaptor {

// The fields of a message: an ordered multimap. Names are compared with ASCII case folded and kept
// as they were given; duplicates stay, in order. Lookups are linear.
//
// Views are valid until the next call that changes the Header.
class Header {
 public:
  struct Field {
    std::string name;
    std::string value;
  };

  // Replaces all fields of that name by one.
  void Set(std::string_view name, std::string_view value);
  // Appends one, whatever is there.
  void Add(std::string_view name, std::string_view value);
  // The first value; {} if there is none (Has tells).
  std::string_view Get(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // All values of that name, in order.
  std::vector<std::string_view> Values(std::string_view name) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  bool Has(std::string_view name) const;
  // Removes all fields of that name.
  void Del(std::string_view name);

  size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }
  void clear() { fields_.clear(); }
  // Every field in order: for (const auto& [name, value] : header).
  std::vector<Field>::const_iterator begin() const { return fields_.begin(); }
  std::vector<Field>::const_iterator end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

// The parts of a request's target.
struct URL {
  // Percent-decoded and normalised, so that "/a/%2e%2e/b" is "/b": as RequestCtx::Path().
  std::string path;
  // As received.
  std::string raw_path;
  // Behind "?", not decoded.
  std::string query;

  // The first value of `name` in the query, decoded; "" if there is none.
  std::string QueryValue(std::string_view name) const;
  // All of them, in order.
  std::vector<std::string> QueryValues(std::string_view name) const;
};

// A request that owns all its bytes.
struct Request {
  Request();
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request();

  std::string method = "GET";
  URL url;
  std::string request_uri;         // The target as received.
  std::string proto = "HTTP/1.1";  // Or "HTTP/1.0".
  // All fields as received, also duplicates and Host, but without Transfer-Encoding.
  fasthttpadaptor::Header header;
  std::vector<std::string> transfer_encoding;  // {"chunked"}, or nothing.
  std::string host;         // Lower case, with the port; an absolute target's wins over the field.
  std::string remote_addr;  // "1.2.3.4:5678".
  bool tls = false;
  std::string body;  // Without its chunked coding.

  // `body` as a stream: one for the request, made at the first call and read on by later ones. It
  // can be positioned. Don't change `body` any more then.
  std::istream& BodyStream() const ABSL_ATTRIBUTE_LIFETIME_BOUND;

 private:
  friend absl::Status ConvertRequest(const fasthttp::RequestCtx& ctx, Request& request);

  mutable std::unique_ptr<std::istream> stream_;
};

// How a handler answers. An abstract class, so that a test may call a handler with a writer of its
// own. Use it in the handler only: it is gone when that returns.
class ResponseWriter {
 public:
  ResponseWriter() = default;
  ResponseWriter(const ResponseWriter&) = delete;
  ResponseWriter& operator=(const ResponseWriter&) = delete;
  virtual ~ResponseWriter() = default;

  // The fields to send. They are taken over by the first WriteHeader or Write; changes after that
  // have no effect. CR, LF and NUL in them become spaces. Managed by the server, and ignored here:
  // Date, Transfer-Encoding, and Content-Length unless the request was HEAD.
  //
  // A handler that sets no Content-Type gets the one that DetectContentType finds in the first 512
  // bytes of the body; none if the body is empty, if Content-Encoding is set, or if Content-Type
  // was set to "".
  virtual fasthttpadaptor::Header& Header() = 0;

  // Decides the status code, once: later calls have no effect. Without it the first Write, or
  // returning, sends 200, or the code that was set on the RequestCtx before. Codes from 100 to 199
  // are no answer and are skipped, but 101. A code outside 100 to 999 is a mistake of the program:
  // the answer becomes an empty 500, and every Write says so.
  virtual void WriteHeader(int code) = 0;

  // Appends to the body. An error if the code allows none (204, 304) or was no code; the bytes are
  // dropped then. In the answer to HEAD they are counted and not sent.
  [[nodiscard]] virtual absl::Status Write(std::string_view bytes) = 0;
};

// Called from all loops at once, hence const: a mutable lambda does not compile.
using HandlerFunc = absl::AnyInvocable<void(ResponseWriter&, const Request&) const>;

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

// Fills `request` with the one of `ctx`; what it held is lost. Unlike the ctx, it may be kept when
// the handler has returned. kBadUri or kBadHost if the target does not parse, which a Server has
// ruled out before it calls a handler.
[[nodiscard]] absl::Status ConvertRequest(const fasthttp::RequestCtx& ctx, Request& request);

}  // namespace fasthttpadaptor

#endif  // FASTHTTP_ADAPTOR_ADAPTOR_H_
