// WireClient: the other side of a server under test, byte by byte.
//
//   WireClient client(*listener.Dial());
//   (void)client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
//   WireResponse response = client.Read();
//   EXPECT_EQ(response.status, 200);
//   EXPECT_EQ(client.ReadEnd(), Errc::kOk);
//
// Sends whatever it is given and reads strictly: a response that the library's own parser and
// framing rules refuse is an error. Nothing is retried or skipped, interim responses come out too.
//
// Thread class: that of BlockingConn.
#ifndef TESTING_WIRE_CLIENT_H_
#define TESTING_WIRE_CLIENT_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fasthttp/base/errc.h"
#include "fasthttp/conn.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"

namespace fasthttp::testing {

struct WireResponse {
  // kOk, or why there is no response: kUnexpectedEof for an end in its middle, kConnectionClosed
  // for one before its first byte, an error of the transport, or what is wrong with its bytes.
  Errc errc = Errc::kOk;
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool keep_alive = false;
  std::string head;  // As received.

  // The first value of that name, any case; "" if there is none.
  std::string_view Field(std::string_view name) const;
  size_t CountOf(std::string_view name) const;
};

class WireClient {
 public:
  WireClient() = default;
  explicit WireClient(BlockingConn conn) : conn_(std::move(conn)) {}

  Errc Send(std::string_view bytes) { return conn_.Write(bytes); }
  // No more to come from this side.
  void Finish() { conn_.CloseWrite(); }

  // The next response, to a request with this method.
  WireResponse Read(http1::MethodId request_method = http1::MethodId::kGet);
  WireResponse Ask(std::string_view request) {
    Errc errc = Send(request);
    (void)errc;  // A server may refuse a request before it has it all: its answer says so.
    return Read();
  }

  // What comes as it comes, up to and with `text`; all of it if that never comes.
  std::string Until(std::string_view text);
  // Why nothing more comes, kConnectionClosed for a clean end; what came until then is buffered().
  Errc UntilTheEnd();

  // kOk if the connection ends here, by a FIN and without a byte more; kUnsupported if bytes come;
  // else the transport's error.
  Errc ReadEnd();

  BlockingConn& conn() { return conn_; }
  // Received and not yet read.
  const std::string& buffered() const { return buffer_; }

 private:
  Errc Receive();
  Errc ReadBody(const http1::Framing& framing, std::string* body);

  BlockingConn conn_;
  std::string buffer_;
};

}  // namespace fasthttp::testing

#endif  // TESTING_WIRE_CLIENT_H_
