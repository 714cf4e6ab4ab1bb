#include "testing/response_reader.h"

#include <string>

#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "util/pipe_conns.h"

namespace fasthttptest {
namespace {

using fasthttp::Errc;
using fasthttp::Response;
using fasthttp::http1::MethodId;
using fasthttp::runtime::Loop;
using fasthttp::runtime::TaskList;

// Reads what a server would have sent, in pieces of `piece` bytes.
Errc Read(std::string_view raw, Response& response, MethodId method = MethodId::kGet,
          size_t piece = 1 << 20) {
  SimRuntime sim;
  TaskList tasks;
  Errc errc = Errc::kOk;
  sim.Run([&] {
    fasthttputil::PipeConns pipe;
    tasks.Spawn(*Loop::Current(), [&](Loop&) {
      Errc sent = Errc::kOk;
      for (size_t i = 0; i < raw.size() && sent == Errc::kOk; i += piece) {
        sent = pipe.conn1().Write(raw.substr(i, piece));
      }
      pipe.conn1().CloseWrite();
    });
    errc = ReadResponse(pipe.conn2(), method, response);
    pipe.conn2().Close();  // Ends a writer that has more.
    while (!tasks.AllDone()) (void)fasthttp::runtime::SleepFor(*Loop::Current(), 1);
  });
  return errc;
}

TEST(ReadResponse, EveryFraming) {
  Response r;
  EXPECT_EQ(Read("HTTP/1.1 201 Made\r\nContent-Length: 3\r\nX-A: 1\r\n\r\nabc", r), Errc::kOk);
  EXPECT_EQ(r.StatusCode(), 201);
  EXPECT_EQ(r.Body(), "abc");
  EXPECT_EQ(r.header().Peek("X-A"), "1");
  r.Reset();
  EXPECT_EQ(Read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "2\r\nab\r\n1;x=y\r\nc\r\n0\r\nX-T: v\r\n\r\n",
                 r),
            Errc::kOk);
  EXPECT_EQ(r.Body(), "abc");
  ASSERT_NE(r.header().Trailers(), nullptr);
  EXPECT_EQ(r.header().Trailers()->Peek("X-T"), "v");
  r.Reset();
  EXPECT_EQ(Read("HTTP/1.0 200 OK\r\n\r\nto the end", r), Errc::kOk);
  EXPECT_EQ(r.Body(), "to the end");
  r.Reset();
  EXPECT_EQ(Read("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", r), Errc::kOk);
  EXPECT_EQ(r.Body(), "");
  r.Reset();
  EXPECT_EQ(Read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", r, MethodId::kHead), Errc::kOk);
  EXPECT_EQ(r.Body(), "");
}

TEST(ReadResponse, SkipsInterimAnswersButNot101) {
  Response r;
  EXPECT_EQ(Read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                 r),
            Errc::kOk);
  EXPECT_EQ(r.StatusCode(), 200);
  EXPECT_FALSE(r.header().Has("Link"));
  EXPECT_EQ(r.Body(), "ok");
  EXPECT_EQ(Read("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", r), Errc::kOk);
  EXPECT_EQ(r.StatusCode(), 101);
}

TEST(ReadResponse, AnyPieces) {
  const std::string raw =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: v\r\n\r\n";
  for (size_t piece = 1; piece < raw.size(); ++piece) {
    Response r;
    EXPECT_EQ(Read(raw, r, MethodId::kGet, piece), Errc::kOk) << piece;
    EXPECT_EQ(r.Body(), "hello") << piece;
  }
}

TEST(ReadResponse, CutOffAtEveryByte) {
  for (std::string_view raw :
       {std::string_view("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
        std::string_view(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")}) {
    for (size_t n = 0; n < raw.size(); ++n) {
      Response r;
      EXPECT_EQ(Read(raw.substr(0, n), r), Errc::kUnexpectedEof) << n;
    }
  }
}

TEST(ReadResponse, Malformed) {
  Response r;
  EXPECT_EQ(Read("HTTP/1.1 2x0 OK\r\n\r\n", r), Errc::kBadStatusLine);
  EXPECT_EQ(Read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", r),
            Errc::kLengthAndTransferEncoding);
  EXPECT_EQ(Read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", r), Errc::kBadChunk);
  EXPECT_EQ(Read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: x\r\n\r\n", r),
            Errc::kBadTrailer);
}

TEST(ReadResponse, MoreFieldsThanAHeadHoldsInline) {
  std::string raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  for (int i = 0; i < 300; ++i) raw += "X-" + std::to_string(i) + ": v\r\n";
  Response r;
  EXPECT_EQ(Read(raw + "\r\n", r), Errc::kOk);
  EXPECT_EQ(r.header().Peek("X-299"), "v");
}

}  // namespace
}  // namespace fasthttptest
