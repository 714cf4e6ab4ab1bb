// Flush and Hijack of standard-style handlers over real sockets, on loops with threads: with our
// own client, and with curl and Python's.
#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "adaptor/adaptor.h"
#include "fasthttp/fasthttp.h"
#include "fasthttp/hijack.h"
#include "gtest/gtest.h"
#include "testing/peer_process.h"
#include "testing/wire_client.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::BlockingConn;
using fasthttp::Errc;
using fasthttp::ErrcOf;
using fasthttp::HijackedConn;
using fasthttp::IoResult;
using fasthttp::testing::Directory;
using fasthttp::testing::kPatience;
using fasthttp::testing::OutputOf;
using fasthttp::testing::WireClient;
using fasthttp::testing::WireResponse;

constexpr size_t kLarge = 20 << 20;  // More than the sockets of a pair hold.

std::string Get(std::string_view target) {
  return absl::StrCat("GET ", absl::string_view(target.data(), target.size()),
                      " HTTP/1.1\r\nHost: h\r\n\r\n");
}

void Echo(HijackedConn& conn) {
  char block[100];
  for (;;) {
    IoResult n = conn.Read(block);
    if (!n.ok() || n.bytes() == 0) return;
    if (conn.Write({block, n.bytes()}) != Errc::kOk) return;
  }
}

class StreamSocket : public ::testing::Test {
 protected:
  StreamSocket()
      : runtime_({.threads = 2}),
        clients_({.threads = 1}),
        server_({.handler = NewFastHTTPHandler(
                     [this](ResponseWriter& w, const Request& r) { Handle(w, r); }),
                 .runtime = &runtime_}) {
    absl::StatusOr<fasthttp::Addr> address = server_.Start("127.0.0.1:0");
    EXPECT_TRUE(address.ok()) << address.status();
    if (address.ok()) host_ = address->ToString();
  }

  void Handle(ResponseWriter& w, const Request& r) {
    if (r.url.path == "/parts") return Parts(w);
    if (r.url.path == "/large") return Large(w);
    if (r.url.path == "/endless") return Endless(w);
    if (r.url.path == "/hijack") return Upgrade(w);
    absl::Status written;
    if (r.url.path == "/go-on") go_on_.store(true);
    if (r.url.path == "/written") written = w.Write(absl::StrCat(written_.load()));
    EXPECT_TRUE(written.ok());
  }

  // The second part is sent when somebody who has seen the first one says so.
  void Parts(ResponseWriter& w) {
    ASSERT_TRUE(w.Write("first part\n").ok());
    ASSERT_TRUE(w.Flush().ok());
    const absl::Time end = absl::Now() + kPatience;
    while (!go_on_.load() && absl::Now() < end) {
      ASSERT_TRUE(fasthttp::Sleep(absl::Milliseconds(1)).ok());
    }
    EXPECT_TRUE(go_on_.exchange(false));
    ASSERT_TRUE(w.Write("second part\n").ok());
  }

  void Large(ResponseWriter& w) {
    written_.store(0);
    ASSERT_TRUE(w.Flush().ok());
    const std::string piece(64 << 10, 'x');
    while (written_.load() < kLarge) {
      ASSERT_TRUE(w.Write(piece).ok());
      written_.fetch_add(piece.size());
    }
  }

  void Endless(ResponseWriter& w) {
    absl::Status status;
    while (status.ok()) {
      status = w.Write("data: tick\n\n");
      if (status.ok()) status = w.Flush();
      if (status.ok()) status = fasthttp::Sleep(absl::Milliseconds(1));
    }
    ended_.store(ErrcOf(status));
  }

  static void Upgrade(ResponseWriter& w) {
    absl::Format(
        &w, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    EXPECT_TRUE(w.Hijack(Echo).ok());
  }

  WireClient Dialled() {
    absl::StatusOr<BlockingConn> conn = fasthttp::Dial(host_, absl::Now() + kPatience, &clients_);
    if (!conn.ok()) {
      ADD_FAILURE() << conn.status();
      return {};
    }
    conn->SetDeadline(absl::Now() + kPatience);
    return WireClient(*std::move(conn));
  }

  template <typename Predicate>
  static bool Eventually(Predicate&& predicate) {
    for (int i = 0; i < 30'000 && !predicate(); ++i) absl::SleepFor(absl::Milliseconds(2));
    return predicate();
  }

  std::string Url(std::string_view path) const {
    return absl::StrCat("http://", host_, absl::string_view(path.data(), path.size()));
  }
  static std::string Curl(const std::string& arguments) {
    return OutputOf(
        absl::StrCat("curl --silent --show-error --max-time 60 --noproxy '*' ", arguments));
  }

  fasthttp::Runtime runtime_;
  fasthttp::Runtime clients_;
  std::string host_;
  std::atomic<bool> go_on_{false};
  std::atomic<size_t> written_{0};
  std::atomic<Errc> ended_{Errc::kOk};
  fasthttp::Server server_;
};

TEST_F(StreamSocket, TheFirstPartComesBeforeTheHandlerEnds) {
  clients_.Run([&] {
    WireClient client = Dialled();
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(client.Send(Get("/parts")), Errc::kOk);
      const std::string first = client.Until("first part\n\r\n");
      EXPECT_NE(first.find("Transfer-Encoding: chunked\r\n"), first.npos) << first;
      EXPECT_EQ(first.find("second"), first.npos);
      go_on_.store(true);
      const std::string rest = client.Until("0\r\n\r\n");
      EXPECT_NE(rest.find("second part\n"), rest.npos) << rest;
    }
  });
}

TEST_F(StreamSocket, ASlowReaderHoldsTheHandlerBack) {
  clients_.Run([&] {
    WireClient client = Dialled();
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(client.Send(Get("/large")), Errc::kOk);
      (void)client.Until("xxx");
      EXPECT_TRUE(fasthttp::Sleep(absl::Milliseconds(50)).ok());  // Until the handler waits.
      EXPECT_LT(written_.load(), kLarge);
      size_t got = 0;
      std::string tail;
      char room[64 << 10];
      while (!absl::EndsWith(tail, "0\r\n\r\n")) {
        IoResult n = client.conn().Read(room);
        ASSERT_TRUE(n.ok() && n.bytes() > 0);
        got += n.bytes();
        tail.append(room, n.bytes());
        tail.erase(0, tail.size() - std::min<size_t>(tail.size(), 5));
      }
      EXPECT_EQ(written_.load(), kLarge);
      EXPECT_GT(got, kLarge / 2);
    }
  });
}

TEST_F(StreamSocket, AClientThatGoesEndsTheStream) {
  for (bool reset : {false, true}) {
    ended_.store(Errc::kOk);
    clients_.Run([&] {
      WireClient client = Dialled();
      (void)client.Send(Get("/endless"));
      char block[512];
      EXPECT_TRUE(client.conn().Read(block).ok());
      reset ? client.conn().Reset() : client.conn().Close();
    });
    EXPECT_TRUE(Eventually([&] { return ended_.load() == Errc::kClientGone; }));
  }
  EXPECT_TRUE(Eventually([&] { return server_.GetOpenConnectionsCount() == 0; }));
}

TEST_F(StreamSocket, AHijackedConnectionIsTheHandlers) {
  clients_.Run([&] {
    WireClient client = Dialled();
    // What was sent behind the request is the handler's too.
    EXPECT_EQ(client.Send(absl::StrCat(Get("/hijack"), "early;")), Errc::kOk);
    const std::string first = client.Until("early;");
    EXPECT_TRUE(absl::StartsWith(first, "HTTP/1.1 101 Switching Protocols\r\n")) << first;
    EXPECT_EQ(first.find("Content-Length"), first.npos) << first;
    EXPECT_EQ(client.Send("later;"), Errc::kOk);
    EXPECT_EQ(client.Until("later;"), "later;");
    client.Finish();
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
  EXPECT_TRUE(Eventually([&] { return server_.GetOpenConnectionsCount() == 0; }));
}

// --- Other people's clients -------------------------------------------------------------------

TEST_F(StreamSocket, CurlReadsStreamsAndIsUpgraded) {
  SKIP_WITHOUT("curl");
  for (const char* version : {"--http1.1", "--http1.0"}) {
    go_on_.store(true);
    EXPECT_EQ(Curl(absl::StrCat("-N ", version, " ", Url("/parts"))), "first part\nsecond part\n");
  }
  EXPECT_EQ(Curl(absl::StrCat("-o /dev/null -w '%{http_code} %{size_download}' --limit-rate 100M ",
                              Url("/large"))),
            absl::StrCat("200 ", kLarge));
  const std::string head = Curl(
      absl::StrCat("-i --max-time 1 -H 'Connection: Upgrade' -H 'Upgrade: echo' ", Url("/hijack")));
  EXPECT_TRUE(absl::StrContains(head, "HTTP/1.1 101 Switching Protocols\r\n")) << head;
}

TEST_F(StreamSocket, PythonReadsPartsReadsSlowlyAndIsUpgraded) {
  SKIP_WITHOUT("python3");
  const Directory directory;
  const std::string script = directory.Write("client.py", R"(
import http.client
import socket
import sys

def ask(path):
    conn = http.client.HTTPConnection(sys.argv[1], timeout=60)
    conn.request("GET", path)
    return conn.getresponse()

parts = ask("/parts")
print(parts.status, parts.readline())
ask("/go-on").read()
print(parts.read())

large = ask("/large")
large.read(1)
print(int(ask("/written").read()) < int(sys.argv[2]))
print(1 + len(large.read()))

host, port = sys.argv[1].split(":")
raw = socket.create_connection((host, int(port)), timeout=60)
raw.sendall(b"GET /hijack HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly;")
file = raw.makefile("rb")
print(file.readline())
while file.readline() != b"\r\n":
    pass
print(file.read(6))
raw.sendall(b"later;")
raw.shutdown(socket.SHUT_WR)
print(file.read())
)");
  EXPECT_EQ(OutputOf(absl::StrCat("python3 ", script, " ", host_, " ", kLarge)),
            absl::StrCat("200 b'first part\\n'\n"
                         "b'second part\\n'\n"
                         "True\n",
                         kLarge,
                         "\n"
                         "b'HTTP/1.1 101 Switching Protocols\\r\\n'\n"
                         "b'early;'\n"
                         "b'later;'\n"));
}

}  // namespace
}  // namespace fasthttpadaptor
