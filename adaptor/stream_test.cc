// Flush and Hijack: responses of standard-style handlers that go out while they are made, and
// connections that they take over.
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "adaptor/adaptor.h"
#include "adaptor/recorder.h"
#include "fasthttp/fasthttp.h"
#include "fasthttp/hijack.h"
#include "gtest/gtest.h"
#include "testing/sim_seeds.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttpadaptor {
namespace {

using fasthttp::Errc;
using fasthttp::ErrcOf;
using fasthttp::HijackedConn;
using fasthttp::IoResult;
using fasthttp::RequestCtx;
using fasthttp::testing::SimServer;
using fasthttp::testing::WireClient;
using fasthttp::testing::WireResponse;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

class Streams : public fasthttp::testing::SimSeedTest {
 protected:
  static fasthttp::ServerSettings Serving(HandlerFunc handler) {
    return {.handler = NewFastHTTPHandler(std::move(handler))};
  }
};

INSTANTIATE_TEST_SUITE_P(Loops, Streams, fasthttp::testing::kSimSeeds,
                         fasthttp::testing::NameOfSimSeed);

// --- Flush ------------------------------------------------------------------------------------

TEST_P(Streams, FlushSendsWhatIsThereAndSwitchesToChunks) {
  SimServer sim(Serving([](ResponseWriter& w, const Request&) {
                  w.Header().Set("X-A", "1");
                  w.WriteHeader(201);
                  ASSERT_TRUE(w.Write("<html>first").ok());
                  ASSERT_TRUE(w.Flush().ok());
                  w.WriteHeader(500);  // Too late, like this:
                  w.Header().Set("X-A", "2");
                  ASSERT_TRUE(fasthttp::Sleep(absl::Seconds(10)).ok());
                  ASSERT_TRUE(w.Write(" second").ok());
                  w.BodyStream() << " third";
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    ASSERT_EQ(client.Send(kGet), Errc::kOk);
    absl::Time begin = sim.sim().Now();
    const std::string first = client.Until("<html>first");
    EXPECT_LT(sim.sim().Now() - begin, absl::Seconds(10));
    EXPECT_NE(first.find("HTTP/1.1 201"), first.npos) << first;
    EXPECT_NE(first.find("X-A: 1\r\n"), first.npos) << first;
    EXPECT_NE(first.find("Transfer-Encoding: chunked\r\n"), first.npos) << first;
    EXPECT_NE(first.find("Content-Type: text/html; charset=utf-8\r\n"), first.npos) << first;
    EXPECT_EQ(first.find("Content-Length"), first.npos) << first;
    const std::string rest = client.Until("0\r\n\r\n");
    EXPECT_NE(rest.find(" second third"), rest.npos) << rest;
    // The connection goes on, and the adaptor's objects are used again.
    ASSERT_EQ(client.Send(kGet), Errc::kOk);
    WireResponse r = client.Read();
    EXPECT_EQ(r.errc, Errc::kOk);
    EXPECT_EQ(r.body, "<html>first second third");
    EXPECT_EQ(r.Field("X-A"), "1");
  });
}

TEST_P(Streams, WithoutFlushTheResponseHasALength) {
  SimServer sim(Serving([](ResponseWriter& w, const Request&) {
                  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(w.Write("0123456789").ok());
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse r = client.Ask(kGet);
    EXPECT_EQ(r.Field("Content-Length"), "50000");
    EXPECT_EQ(r.body.size(), 50000u);
  });
}

TEST_P(Streams, ADeclaredLengthIsHonoured) {
  Errc beyond = Errc::kOk;
  SimServer sim(Serving([&](ResponseWriter& w, const Request& r) {
                  w.Header().Set("Content-Length", "10");
                  ASSERT_TRUE(w.Write("01234").ok());
                  ASSERT_TRUE(w.Flush().ok());
                  if (r.url.path == "/short") return;
                  ASSERT_TRUE(w.Write("56789").ok());
                  if (r.url.path == "/long") beyond = ErrcOf(w.Write("!"));
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse r = client.Ask(kGet);
    EXPECT_EQ(r.errc, Errc::kOk);
    EXPECT_EQ(r.Field("Content-Length"), "10");
    EXPECT_EQ(r.CountOf("Transfer-Encoding"), 0u);
    EXPECT_EQ(r.body, "0123456789");
    ASSERT_EQ(client.Send("GET /short HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kOk);
    EXPECT_NE(client.Read().errc, Errc::kOk);
    WireClient other = sim.Dial();
    ASSERT_EQ(other.Send("GET /long HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kOk);
    (void)other.Until("56789");
    sim.Settle();
  });
  EXPECT_EQ(beyond, Errc::kProgramming);
}

TEST_P(Streams, FlushOfNothingSendsTheHead) {
  SimServer sim(Serving([](ResponseWriter& w, const Request&) {
                  ASSERT_TRUE(w.Flush().ok());
                  ASSERT_TRUE(fasthttp::Sleep(absl::Seconds(10)).ok());
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    ASSERT_EQ(client.Send(kGet), Errc::kOk);
    const std::string head = client.Until("\r\n\r\n");
    EXPECT_EQ(head.find("Content-Type"), head.npos) << head;
    EXPECT_EQ(client.Until("0\r\n\r\n"), "0\r\n\r\n");
  });
}

TEST_P(Streams, HeadAndCodesWithoutABodySendNone) {
  SimServer sim(Serving([](ResponseWriter& w, const Request& r) {
                  if (r.url.path == "/none") w.WriteHeader(204);
                  const absl::Status written = w.Write("text");
                  EXPECT_EQ(written.ok(), r.url.path != "/none");
                  ASSERT_TRUE(w.Flush().ok());
                  EXPECT_EQ(w.Write("more").ok(), r.url.path != "/none");
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    ASSERT_EQ(client.Send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kOk);
    WireResponse r = client.Read(fasthttp::http1::MethodId::kHead);
    EXPECT_EQ(r.status, 200);
    r = client.Ask("GET /none HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(r.status, 204);
    EXPECT_EQ(r.body, "");
  });
}

TEST_P(Streams, ASlowReaderHoldsTheHandlerBack) {
  constexpr size_t kAll = 4 << 20;
  size_t written = 0;
  SimServer sim(Serving([&](ResponseWriter& w, const Request&) {
                  ASSERT_TRUE(w.Flush().ok());
                  const std::string piece(16 << 10, 'x');
                  while (written < kAll) {
                    ASSERT_TRUE(w.Write(piece).ok());
                    written += piece.size();
                  }
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    ASSERT_EQ(client.Send(kGet), Errc::kOk);
    sim.Sleep(absl::Seconds(1));
    EXPECT_GT(written, 0u);
    EXPECT_LT(written, kAll / 2);
    WireResponse r = client.Read();
    EXPECT_EQ(r.errc, Errc::kOk);
    EXPECT_EQ(r.body.size(), kAll);
  });
  EXPECT_EQ(written, kAll);
}

TEST_P(Streams, AClientThatGoesEndsTheStream) {
  Errc last = Errc::kOk;
  SimServer sim(Serving([&](ResponseWriter& w, const Request&) {
                  for (int i = 0; i < 1000 && last == Errc::kOk; ++i) {
                    last = ErrcOf(w.Write("tick"));
                    if (last == Errc::kOk) last = ErrcOf(w.Flush());
                    if (last == Errc::kOk) last = ErrcOf(fasthttp::Sleep(absl::Seconds(1)));
                  }
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    ASSERT_EQ(client.Send(kGet), Errc::kOk);
    (void)client.Until("tick");
    client.conn().Close();
    sim.Sleep(absl::Seconds(5));
    EXPECT_EQ(last, Errc::kClientGone);
  });
}

TEST_P(Streams, ExceptionsBeforeAndAfterFlush) {
  int told = 0;
  fasthttp::ServerSettings settings = Serving([](ResponseWriter& w, const Request& r) {
    ASSERT_TRUE(w.Write("half").ok());
    if (r.url.path == "/after") {
      ASSERT_TRUE(w.Flush().ok());
    }
    throw std::runtime_error("broken");
  });
  settings.error_handler = [&](RequestCtx&, const absl::Status&) { ++told; };
  SimServer sim(std::move(settings), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse r = client.Ask("GET /before HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(r.status, 500);
    EXPECT_EQ(r.body.find("half"), r.body.npos);
    EXPECT_FALSE(r.keep_alive);
    WireClient other = sim.Dial();
    ASSERT_EQ(other.Send("GET /after HTTP/1.1\r\nHost: h\r\n\r\n"), Errc::kOk);
    r = other.Read();
    EXPECT_NE(r.errc, Errc::kOk);  // No clean end.
  });
  EXPECT_EQ(told, 2);
}

TEST_P(Streams, FlushAfterABadCodeIsAnError) {
  SimServer sim(Serving([](ResponseWriter& w, const Request&) {
                  w.WriteHeader(1000);
                  EXPECT_EQ(ErrcOf(w.Flush()), Errc::kProgramming);
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask(kGet).status, 500);
  });
}

// --- Hijack -----------------------------------------------------------------------------------

void Echo(HijackedConn& conn) {
  char room[64];
  for (;;) {
    IoResult n = conn.Read(room);
    if (!n.ok() || n.bytes() == 0) return;
    if (conn.Write({room, n.bytes()}) != Errc::kOk) return;
  }
}

TEST_P(Streams, HijackSendsNoResponseOfItsOwn) {
  bool returned = false;
  SimServer sim(Serving([&](ResponseWriter& w, const Request&) {
                  w.Header().Set("X-Never", "sent");
                  ASSERT_TRUE(w.Hijack([&](HijackedConn& conn) {
                                 EXPECT_TRUE(returned);
                                 ASSERT_EQ(conn.Write("raw;"), Errc::kOk);
                                 Echo(conn);
                               }).ok());
                  returned = true;
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    // What was sent behind the request is read first.
    ASSERT_EQ(client.Send(absl::StrCat(kGet, "behind;")), Errc::kOk);
    std::string got = client.Until("behind;");
    EXPECT_EQ(got, "raw;behind;");
    ASSERT_EQ(client.Send("later;"), Errc::kOk);
    EXPECT_EQ(client.Until("later;"), "later;");
    client.Finish();
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

TEST_P(Streams, UnflushedBytesComeFirst) {
  SimServer sim(
      Serving([](ResponseWriter& w, const Request&) {
        ASSERT_TRUE(w.Write("HTTP/1.1 101 Switching Protocols\r\n\r\n").ok());
        ASSERT_TRUE(w.Hijack([](HijackedConn& conn) { (void)conn.Write("frames"); }).ok());
      }),
      Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    ASSERT_EQ(client.Send(kGet), Errc::kOk);
    EXPECT_EQ(client.Until("frames"), "HTTP/1.1 101 Switching Protocols\r\n\r\nframes");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

TEST_P(Streams, TheFirstEventDecides) {
  int hijacked = 0;
  SimServer sim(
      Serving([&](ResponseWriter& w, const Request& r) {
        if (r.url.path == "/flushed") {
          ASSERT_TRUE(w.Flush().ok());
          EXPECT_EQ(ErrcOf(w.Hijack([&](HijackedConn&) { ++hijacked; })), Errc::kProgramming);
          EXPECT_TRUE(w.Write("streamed").ok());
          return;
        }
        ASSERT_TRUE(w.Hijack([&](HijackedConn& conn) {
                       ++hijacked;
                       (void)conn.Write("once");
                     }).ok());
        EXPECT_EQ(ErrcOf(w.Hijack([&](HijackedConn&) { hijacked += 100; })), Errc::kProgramming);
        EXPECT_EQ(ErrcOf(w.Write("never")), Errc::kProgramming);
        EXPECT_EQ(ErrcOf(w.Flush()), Errc::kProgramming);
        w.WriteHeader(404);
      }),
      Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    WireResponse r = client.Ask("GET /flushed HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(r.body, "streamed");
    EXPECT_EQ(hijacked, 0);
    ASSERT_EQ(client.Send(kGet), Errc::kOk);
    EXPECT_EQ(client.Until("once"), "once");
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
  EXPECT_EQ(hijacked, 1);
}

TEST_P(Streams, AnExceptionAfterHijackIsAnsweredAndTheConnectionEnds) {
  bool called = false;
  SimServer sim(Serving([&](ResponseWriter& w, const Request&) {
                  ASSERT_TRUE(w.Hijack([&](HijackedConn&) { called = true; }).ok());
                  throw std::runtime_error("broken");
                }),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    ASSERT_EQ(client.Send(kGet), Errc::kOk);
    (void)client.Until("never");
    sim.Settle();
  });
  EXPECT_FALSE(called);
}

// --- Requests ---------------------------------------------------------------------------------

TEST_P(Streams, ARequestIsReadAsItComes) {
  std::string words;
  bool early = false;
  fasthttp::ServerSettings settings = Serving([&](ResponseWriter& w, const Request& r) {
    std::string word;
    while (r.BodyStream() >> word) {
      words += word + ";";
      early = early || word == "one";
    }
    EXPECT_TRUE(r.BodyStream().eof());
    EXPECT_FALSE(r.BodyStream().bad());
    EXPECT_TRUE(r.BodyStreamStatus().ok());
    ASSERT_TRUE(w.Write(words).ok());
  });
  settings.stream_request_body = true;
  SimServer sim(std::move(settings), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    ASSERT_EQ(client.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\none t"),
              Errc::kOk);
    sim.Sleep(absl::Seconds(1));
    EXPECT_TRUE(early);
    ASSERT_EQ(client.Send("wo 333"), Errc::kOk);
    EXPECT_EQ(client.Read().body, "one;two;333;");
    words.clear();
    // In chunks, and the connection goes on.
    EXPECT_EQ(client
                  .Ask("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "3\r\na b\r\n2\r\n c\r\n0\r\n\r\n")
                  .body,
              "a;b;c;");
  });
}

TEST_P(Streams, ARequestThatBreaksOffIsNotOneThatEnds) {
  Errc why = Errc::kOk;
  bool bad = false;
  fasthttp::ServerSettings settings = Serving([&](ResponseWriter&, const Request& r) {
    std::string word;
    while (r.BodyStream() >> word) continue;
    bad = r.BodyStream().bad();
    why = ErrcOf(r.BodyStreamStatus());
  });
  settings.stream_request_body = true;
  SimServer sim(std::move(settings), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    ASSERT_EQ(client.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\none t"),
              Errc::kOk);
    client.conn().Close();
    sim.Sleep(absl::Seconds(1));
  });
  EXPECT_TRUE(bad);
  EXPECT_TRUE(why == Errc::kUnexpectedEof || why == Errc::kClientGone) << fasthttp::ErrcName(why);
}

TEST_P(Streams, BodyReadsAStreamedRequestWhole) {
  fasthttp::ServerSettings settings = Serving([](ResponseWriter& w, const Request& r) {
    absl::StatusOr<std::string_view> body = r.ReadBody();
    if (!body.ok()) return w.WriteHeader(fasthttp::HttpStatusOf(body.status()));
    EXPECT_EQ(*body, r.Body());
    ASSERT_TRUE(w.Write(*body).ok());
  });
  settings.stream_request_body = true;
  settings.max_request_body_size = 10;
  SimServer sim(std::move(settings), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(client.Ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello").body,
              "hello");
    WireResponse r = client.Ask(
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        "b\r\nhello world\r\n0\r\n\r\n");
    EXPECT_EQ(r.status, 413);
  });
}

TEST_P(Streams, ANativeHandlerReadsAStreamedRequestToo) {
  fasthttp::ServerSettings settings = Serving(NewStdHandler([](RequestCtx& ctx) {
    EXPECT_TRUE(ctx.request().IsBodyStream());
    char block[4];
    for (;;) {
      absl::StatusOr<size_t> n = ctx.RequestBodyStream().Read(block);
      ASSERT_TRUE(n.ok()) << n.status();
      if (*n == 0) break;
      ctx.Write({block, *n});
    }
  }));
  settings.stream_request_body = true;
  SimServer sim(std::move(settings), Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(
          client.Ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world").body,
          "hello world");
    }
  });
}

TEST(Recorder, FlushesAndHasNoConnection) {
  Recorder recorder;
  ASSERT_TRUE(recorder.Write("one").ok());
  EXPECT_FALSE(recorder.Flushed());
  ASSERT_TRUE(recorder.Flush().ok());
  ASSERT_TRUE(recorder.Write(" two").ok());
  EXPECT_TRUE(recorder.Flushed());
  EXPECT_EQ(recorder.Result().Body(), "one two");
  EXPECT_EQ(recorder.Result().ContentType(), "text/plain; charset=utf-8");
  Recorder other;
  EXPECT_EQ(ErrcOf(other.Hijack([](HijackedConn&) {})), Errc::kUnsupported);
}

TEST(ResponseWriter, OfATestNeedNotFlushNorHijack) {
  struct Own final : ResponseWriter {
    fasthttpadaptor::Header& Header() override { return header; }
    void WriteHeader(int) override {}
    absl::Status Write(std::string_view) override { return absl::OkStatus(); }
    fasthttpadaptor::Header header;
  };
  Own writer;
  EXPECT_TRUE(writer.Flush().ok());
  EXPECT_EQ(ErrcOf(writer.Hijack([](HijackedConn&) {})), Errc::kUnsupported);
}

// --- The way back -----------------------------------------------------------------------------

TEST_P(Streams, ANativeStreamGoesThroughTheWriter) {
  SimServer sim(Serving(NewStdHandler([](RequestCtx& ctx) {
                  ctx.SetStatusCode(201);
                  ctx.SetContentType("text/event-stream");
                  ctx.Write("zero;");
                  fasthttp::BodyWriter& out = ctx.StartBodyStream();
                  EXPECT_EQ(&out, &ctx.StartBodyStream());
                  absl::Format(&out, "one;");
                  ASSERT_TRUE(out.Flush().ok());
                  ASSERT_TRUE(fasthttp::Sleep(absl::Seconds(10)).ok());
                  ASSERT_TRUE(out.Write("two;").ok());
                  EXPECT_EQ(out.Written(), 8u);
                })),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    for (int round = 0; round < 2; ++round) {
      ASSERT_EQ(client.Send(kGet), Errc::kOk);
      absl::Time begin = sim.sim().Now();
      const std::string first = client.Until("one;");
      EXPECT_LT(sim.sim().Now() - begin, absl::Seconds(10));
      EXPECT_NE(first.find("HTTP/1.1 201"), first.npos) << first;
      EXPECT_NE(first.find("Content-Type: text/event-stream\r\n"), first.npos) << first;
      const std::string rest = client.Until("0\r\n\r\n");
      EXPECT_NE(rest.find("two;"), rest.npos) << rest;
    }
  });
}

class Letters final : public fasthttp::BodyReader {
 public:
  explicit Letters(bool fails) : fails_(fails) {}
  absl::StatusOr<size_t> Read(std::span<char> into) override {
    if (next_ > 'e') {
      if (fails_) return absl::UnavailableError("no more letters");
      return 0;
    }
    into[0] = next_++;
    return 1;
  }

 private:
  const bool fails_;
  char next_ = 'a';
};

TEST_P(Streams, ANativeBodyStreamGoesThroughTheWriter) {
  SimServer sim(Serving(NewStdHandler([](RequestCtx& ctx) {
                  if (ctx.Path() == "/writer") {
                    return ctx.SetBodyStreamWriter(
                        [](fasthttp::BodyWriter& out) { absl::Format(&out, "written"); });
                  }
                  const bool fails = ctx.Path() == "/fails";
                  ctx.SetBodyStream(std::make_unique<Letters>(fails), ctx.Path() == "/3" ? 3 : -1);
                })),
                Options());
  auto ask = [](WireClient& client, std::string_view path) {
    return client.Ask(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: h\r\n\r\n"));
  };
  sim.Run([&] {
    WireClient client = sim.Dial();
    EXPECT_EQ(ask(client, "/writer").body, "written");
    EXPECT_EQ(ask(client, "/").body, "abcde");
    WireResponse r = ask(client, "/3");
    EXPECT_EQ(r.body, "abc");
    EXPECT_EQ(r.Field("Content-Length"), "3");
    EXPECT_NE(ask(client, "/fails").errc, Errc::kOk);
  });
}

TEST_P(Streams, ANativeHijackComesAfterTheResponse) {
  SimServer sim(Serving(NewStdHandler([](RequestCtx& ctx) {
                  ctx.SetStatusCode(fasthttp::kStatusSwitchingProtocols);
                  ctx.response().header().Set("Connection", "Upgrade");
                  ctx.response().header().Set("Upgrade", "echo");
                  ctx.Hijack(Echo);
                  EXPECT_TRUE(ctx.Hijacked());
                })),
                Options());
  sim.Run([&] {
    WireClient client = sim.Dial();
    ASSERT_EQ(client.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"
                          "\r\n"),
              Errc::kOk);
    const std::string head = client.Until("\r\n\r\n");
    EXPECT_NE(head.find("HTTP/1.1 101"), head.npos) << head;
    ASSERT_EQ(client.Send("hello"), Errc::kOk);
    EXPECT_EQ(client.Until("hello"), "hello");
    client.Finish();
    EXPECT_EQ(client.ReadEnd(), Errc::kOk);
  });
}

}  // namespace
}  // namespace fasthttpadaptor
