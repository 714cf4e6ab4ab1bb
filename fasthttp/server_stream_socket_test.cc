// Streamed responses and hijacked connections over real sockets, on loops with threads.
#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fasthttp/conn.h"
#include "fasthttp/error.h"
#include "fasthttp/hijack.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using testing::WireClient;

constexpr size_t kLarge = 20 << 20;  // More than the sockets of a pair hold.

std::string Get(std::string_view target) {
  return absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: h\r\n\r\n");
}

void ParkedEcho(HijackedConn& conn) {
  char block[3];
  IoResult n = conn.Read(block);
  if (!n.ok() || n.bytes() == 0) return;
  if (conn.Write({block, n.bytes()}) == Errc::kOk) conn.Park(ParkedEcho);
}

class StreamSocket : public ::testing::Test {
 protected:
  StreamSocket()
      : runtime_({.threads = 2}),
        clients_({.threads = 1}),
        server_({.handler = [this](RequestCtx& ctx) { Handle(ctx); }, .runtime = &runtime_}) {
    absl::StatusOr<Addr> address = server_.Start("127.0.0.1:0");
    EXPECT_TRUE(address.ok()) << address.status();
    if (address.ok()) host_ = address->ToString();
  }

  void Handle(RequestCtx& ctx) {
    if (ctx.Path() == "/hijack") {
      return ctx.Hijack([](HijackedConn& conn) { conn.Park(ParkedEcho); });
    }
    BodyWriter& out = ctx.StartBodyStream();
    absl::Status status;
    if (ctx.Path() == "/endless") {
      while (status.ok()) {
        status = out.Write("data: tick\n\n");
        if (status.ok()) status = out.Flush();
        if (status.ok()) status = Sleep(absl::Milliseconds(1));
      }
      ended_.store(ErrcOf(status));
      return;
    }
    for (size_t left = kLarge; left != 0 && status.ok(); left -= 1 << 20) {
      status = out.Write(std::string(1 << 20, 'x'));
    }
    EXPECT_TRUE(status.ok()) << status;
    if (ctx.Path() == "/abort") out.Abort();
  }

  WireClient Dialled() {
    absl::StatusOr<BlockingConn> conn = Dial(host_, absl::Now() + absl::Seconds(60), &clients_);
    if (!conn.ok()) {
      ADD_FAILURE() << conn.status();
      return {};
    }
    conn->SetDeadline(absl::Now() + absl::Seconds(60));
    return WireClient(*std::move(conn));
  }

  template <typename Predicate>
  static bool Eventually(Predicate&& predicate) {
    for (int i = 0; i < 30'000 && !predicate(); ++i) absl::SleepFor(absl::Milliseconds(2));
    return predicate();
  }

  Runtime runtime_;
  Runtime clients_;
  std::string host_;
  std::atomic<Errc> ended_{Errc::kOk};
  Server server_;
};

TEST_F(StreamSocket, AWriterWaitsForTheSocket) {
  clients_.Run([&] {
    WireClient client = Dialled();
    for (int i = 0; i < 2; ++i) {
      (void)client.Send(Get("/large"));
      EXPECT_TRUE(Sleep(absl::Milliseconds(50)).ok());  // Until the writer waits.
      EXPECT_EQ(client.Read().body.size(), kLarge);
    }
  });
}

TEST_F(StreamSocket, ACutIsSeenAsOne) {
  clients_.Run([&] {
    WireClient client = Dialled();
    (void)client.Send(Get("/abort"));
    const Errc errc = client.Read().errc;
    EXPECT_TRUE(errc == Errc::kConnectionReset || errc == Errc::kUnexpectedEof) << ErrcName(errc);
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

TEST_F(StreamSocket, AParkedConnectionGoesOn) {
  clients_.Run([&] {
    WireClient client = Dialled();
    (void)client.Send(Get("/hijack") + "early bytes");
    EXPECT_EQ(client.Read().status, 200);
    std::string got = client.buffered();
    for (std::string_view more : {"", "later bytes", "and more"}) {
      (void)client.Send(more);
      const size_t want = (more.empty() ? 11 : more.size()) - got.size();
      std::string bytes(want, '\0');
      EXPECT_EQ(client.conn().ReadFull({bytes.data(), want}), Errc::kOk);
      EXPECT_EQ(got + bytes, more.empty() ? "early bytes" : more);
      got.clear();
      EXPECT_TRUE(Sleep(absl::Milliseconds(5)).ok());
    }
    EXPECT_EQ(server_.Stats().connections_hijacked, 1u);
    client.Finish();
    char byte;
    IoResult end = client.conn().Read({&byte, 1});
    EXPECT_TRUE(end.ok() && end.bytes() == 0) << ErrcName(end.errc());
  });
  EXPECT_TRUE(Eventually([&] { return server_.Stats().connections_hijacked == 0; }));
}

TEST_F(StreamSocket, ShutdownEndsParkedConnections) {
  clients_.Run([&] {
    WireClient client = Dialled();
    EXPECT_EQ(client.Ask(Get("/hijack")).status, 200);
    EXPECT_TRUE(server_.Shutdown(absl::Seconds(60)).ok());
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

}  // namespace
}  // namespace fasthttp
