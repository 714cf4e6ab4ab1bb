// Request::Read and Response::Read: the table of raw-byte cases, and what the table does not have.
#include "fasthttp/message_reader.h"

#include <string>
#include <string_view>

#include "fasthttp/error.h"
#include "fasthttp/request.h"
#include "fasthttp/response.h"
#include "gtest/gtest.h"
#include "testing/http_cases.h"

namespace fasthttp {
namespace {

using http1::Leniency;

Errc AsRead(Errc errc) { return errc == Errc::kNeedMore ? Errc::kUnexpectedEof : errc; }

TEST(RequestRead, EveryCaseOfTheTable) {
  Request request;
  int cases = 0;
  for (const testing::RequestCase& c : testing::RequestCases()) {
    if (c.leniency != Leniency::kStrict) continue;
    SCOPED_TRACE(c.name);
    ++cases;
    absl::StatusOr<size_t> used = request.Read(c.raw + "GET /next HTTP/1.1\r\n");
    if (c.errc == Errc::kNeedMore) used = request.Read(c.raw);
    ASSERT_EQ(ErrcOf(used.status()), AsRead(c.errc));
    if (!used.ok()) {
      EXPECT_EQ(request.Body(), "");
      EXPECT_EQ(request.header().Len(), 0u);
      continue;
    }
    EXPECT_EQ(*used, c.raw.size());
    EXPECT_EQ(request.header().Method(), c.method);
    EXPECT_EQ(request.header().RequestURI(), c.target);
    EXPECT_EQ(request.Body(), c.body);
    // What framing lets through has a target and a host that mean something.
    EXPECT_EQ(request.TryParseURI(), Errc::kOk);
    EXPECT_EQ(request.URI().Host().empty(), request.header().Host().empty());
    for (const testing::CaseField& trailer : c.trailers) {
      ASSERT_NE(request.header().Trailers(), nullptr);
      EXPECT_EQ(request.header().Trailers()->Peek(trailer.name), trailer.value);
    }
    if (c.trailers.empty() && !request.header().Has("Trailer")) {
      EXPECT_EQ(request.header().Trailers(), nullptr);
    }
  }
  EXPECT_GT(cases, 400);
}

TEST(RequestRead, APipelineOneAfterTheOther) {
  const std::string first =
      "POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  const std::string second = "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n";
  Request request;
  absl::StatusOr<size_t> used = request.Read(first + second);
  ASSERT_TRUE(used.ok()) << used.status();
  EXPECT_EQ(*used, first.size());
  EXPECT_EQ(request.Body(), "abc");
  ASSERT_TRUE(request.Read((first + second).substr(*used)).ok());
  EXPECT_EQ(request.RequestURI(), "/2");
  EXPECT_EQ(request.Body(), "");
}

TEST(RequestRead, SEC_BodiesAreBounded) {
  Request request;
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  auto read = [&](std::string_view rest) {
    return ErrcOf(request.Read(head + std::string(rest), 4).status());
  };
  EXPECT_EQ(read("Content-Length: 4\r\n\r\nabcd"), Errc::kOk);
  EXPECT_EQ(read("Content-Length: 5\r\n\r\nabcde"), Errc::kBodyTooLarge);
  EXPECT_EQ(read("Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"), Errc::kOk);
  EXPECT_EQ(read("Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"), Errc::kBodyTooLarge);
}

TEST(RequestRead, ItsOwnBytes) {
  Request request;
  request.SetBody("GET /own HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(request.Read(request.Body()).ok());
  EXPECT_EQ(request.RequestURI(), "/own");
}

TEST(RequestRead, EveryPrefixIsIncomplete) {
  const std::string whole =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: "
      "v\r\n\r\n";
  Request request;
  for (size_t n = 0; n < whole.size(); ++n) {
    EXPECT_EQ(ErrcOf(request.Read(whole.substr(0, n)).status()), Errc::kUnexpectedEof) << n;
  }
  ASSERT_TRUE(request.Read(whole).ok());
  EXPECT_EQ(request.header().Trailers()->Peek("T"), "v");
}

std::string_view NameOf(http1::MethodId id) {
  if (id == http1::MethodId::kHead) return "HEAD";
  return id == http1::MethodId::kConnect ? "CONNECT" : "GET";
}

TEST(ResponseRead, EveryCaseOfTheTable) {
  Response response;
  int cases = 0;
  for (const testing::ResponseCase& c : testing::ResponseCases()) {
    if (c.leniency != Leniency::kStrict) continue;
    // Read goes on to the final response.
    if (c.errc == Errc::kOk && c.status < 200 && !c.upgrade) continue;
    SCOPED_TRACE(c.name);
    ++cases;
    absl::StatusOr<size_t> used = response.Read(c.raw, NameOf(c.request_method));
    ASSERT_EQ(ErrcOf(used.status()), AsRead(c.errc));
    if (!used.ok()) continue;
    EXPECT_EQ(response.StatusCode(), c.status);
    EXPECT_EQ(response.Body(), c.body);
  }
  EXPECT_GT(cases, 40);
}

TEST(ResponseRead, SEC_InterimResponsesAreBounded) {
  auto read = [](int interim) {
    std::string bytes;
    for (int i = 0; i < interim; ++i) bytes += "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    bytes += "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    Response response;
    return ErrcOf(response.Read(bytes).status());
  };
  EXPECT_EQ(read(0), Errc::kOk);
  EXPECT_EQ(read(100), Errc::kOk);
  EXPECT_EQ(read(101), Errc::kTooManyInterimResponses);
}

TEST(ResponseRead, WhatIsWrittenReadsBackAsTheSame) {
  Response written;
  written.SetStatusCode(201);
  written.header().Set("X-A", "1");
  written.header().SetContentLength(-1);
  written.SetBody("hello");
  const std::string bytes = written.String();
  EXPECT_EQ(bytes,
            "HTTP/1.1 201 Created\r\nContent-Type: text/plain; charset=utf-8\r\nX-A: 1\r\n"
            "Content-Length: 5\r\n\r\nhello");
  Response read;
  absl::StatusOr<size_t> used = read.Read(bytes + "HTTP/1.1 ");
  ASSERT_TRUE(used.ok()) << used.status();
  EXPECT_EQ(*used, bytes.size());
  EXPECT_EQ(read.String(), bytes);
}

TEST(ResponseString, NeverABodyWhereNoneIsAllowed) {
  Response response;
  response.SetBody("x");
  response.SetStatusCode(204);
  EXPECT_EQ(response.String(),
            "HTTP/1.1 204 No Content\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
  response.SetStatusCode(200);
  response.SetSkipBody(true);
  response.ResetBody();
  response.header().SetContentLength(7);
  EXPECT_EQ(response.String(), "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
}

TEST(RequestString, IsWhatAClientSends) {
  Request request;
  request.SetRequestURI("http://u:p@Example.com:81/a/../b c?d=e#f");
  request.header().SetMethod("POST");
  request.header().Set("X-A", "1");
  request.header().SetContentLength(99);
  request.header().SetCookie("k", "v");
  request.SetBody("hello");
  const std::string bytes = request.String();
  EXPECT_EQ(bytes,
            "POST /b%20c?d=e HTTP/1.1\r\nHost: example.com:81\r\nContent-Type: "
            "application/octet-stream\r\nContent-Length: 5\r\nX-A: 1\r\nCookie: k=v\r\n"
            "Authorization: Basic dTpw\r\n\r\nhello");
  std::string appended = "before";
  ASSERT_TRUE(request.AppendBytes(appended).ok());
  EXPECT_EQ(appended, "before" + bytes);
  Request read;
  absl::StatusOr<size_t> used = read.Read(bytes + "GET /");
  ASSERT_TRUE(used.ok()) << used.status();
  EXPECT_EQ(*used, bytes.size());
  EXPECT_EQ(read.header().Peek("Authorization"), "Basic dTpw");
  EXPECT_EQ(read.header().Cookie("k"), "v");
  EXPECT_EQ(read.Body(), "hello");
}

TEST(RequestString, FramingFitsTheBody) {
  Request request;
  request.SetRequestURI("http://h/");
  EXPECT_EQ(request.String(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  request.SetBody("x");  // Sent on GET too.
  request.header().SetContentType("a/b");
  EXPECT_EQ(request.String(),
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Type: a/b\r\nContent-Length: 1\r\n\r\nx");
  ASSERT_TRUE(request.header().SetTrailer("X-Sum").ok());
  request.header().Set("X-Sum", "7");
  EXPECT_EQ(request.String(),
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n"
            "Trailer: X-Sum\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 7\r\n\r\n");
  request.Reset();
  request.header().SetMethod("POST");
  request.SetRequestURI("http://h/");
  EXPECT_EQ(request.String(), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  request.MutablePostArgs().Set("a", "b c");
  EXPECT_EQ(request.String(),
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            "Content-Length: 5\r\n\r\na=b+c");
}

TEST(RequestString, WhatCannotBeSentAppendsNothing) {
  auto failure = [](const char* method, const char* uri) {
    Request request;
    request.header().SetMethod(method);
    request.SetRequestURI(uri);
    std::string bytes = "kept";
    const Errc errc = ErrcOf(request.AppendBytes(bytes));
    EXPECT_EQ(bytes == "kept", errc != Errc::kOk);
    EXPECT_EQ(request.String().empty(), errc != Errc::kOk);
    return errc;
  };
  EXPECT_EQ(failure("GET", "/x"), Errc::kMissingHost);
  EXPECT_EQ(failure("GET", "http://a b/"), Errc::kBadHost);
  EXPECT_EQ(failure("GET", "1http://a/"), Errc::kBadUri);
  EXPECT_EQ(failure("CONNECT", "/x"), Errc::kBadTarget);
  EXPECT_EQ(failure("CONNECT", "h"), Errc::kBadTarget);
  EXPECT_EQ(failure("CONNECT", "h:"), Errc::kBadTarget);
  EXPECT_EQ(failure("CONNECT", "[::1]"), Errc::kBadTarget);
  EXPECT_EQ(failure("CONNECT", "h:443"), Errc::kOk);
  Request star;
  star.header().SetHost("h");
  star.SetRequestURI("*");
  EXPECT_EQ(star.String(), "");
  star.header().SetMethod("OPTIONS");
  EXPECT_EQ(star.String(), "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(RequestString, EveryCaseOfTheTableReadsBackAsTheSame) {
  int cases = 0;
  for (const testing::RequestCase& c : testing::RequestCases()) {
    if (c.errc != Errc::kOk || c.leniency != Leniency::kStrict) continue;
    Request request, again;
    ASSERT_TRUE(request.Read(c.raw).ok());
    std::string bytes;
    if (!request.AppendBytes(bytes).ok()) {  // HTTP/1.0 without Host.
      EXPECT_EQ(request.Host(), "") << c.name;
      continue;
    }
    SCOPED_TRACE(c.name + ": " + bytes);
    ++cases;
    absl::StatusOr<size_t> used = again.Read(bytes);
    ASSERT_TRUE(used.ok()) << used.status();
    EXPECT_EQ(*used, bytes.size());
    EXPECT_EQ(again.header().Method(), request.header().Method());
    // A zone means nothing to the other side (RFC 6874, section 4).
    if (request.Host().find('%') == std::string_view::npos) {
      EXPECT_EQ(again.Host(), request.Host());
    }
    EXPECT_EQ(again.URI().Path(), request.URI().Path());
    EXPECT_EQ(again.URI().QueryString(), request.URI().QueryString());
    EXPECT_EQ(again.Body(), request.Body());
    EXPECT_EQ(again.String(), bytes);
  }
  EXPECT_GT(cases, 100);
}

TEST(Request, MayContinue) {
  Request request;
  EXPECT_FALSE(request.MayContinue());
  request.header().Set("Expect", "100-Continue");
  EXPECT_TRUE(request.MayContinue());
  request.header().Set("Expect", "200-ok");
  EXPECT_FALSE(request.MayContinue());
}

TEST(RequestHeaderRead, TakesTheHeadAlone) {
  const std::string head = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";
  RequestHeader header;
  header.Set("X-Old", "1");
  absl::StatusOr<size_t> used = header.Read(head + "hello");
  ASSERT_TRUE(used.ok()) << used.status();
  EXPECT_EQ(*used, head.size());
  EXPECT_EQ(header.String(), head);
  EXPECT_EQ(header.ContentLength(), 5);
  EXPECT_EQ(ErrcOf(header.Read(head.substr(0, 20)).status()), Errc::kUnexpectedEof);
  EXPECT_EQ(header.Len(), 0u);
  EXPECT_EQ(ErrcOf(header.Read("POST / HTTP/1.1\r\n\r\n").status()), Errc::kMissingHost);
}

TEST(ResponseHeaderRead, TakesTheHeadAlone) {
  const std::string head = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  ResponseHeader header;
  header.Set("X-Old", "1");
  absl::StatusOr<size_t> used = header.Read(head + "HTTP/1.1 200 OK\r\n");
  ASSERT_TRUE(used.ok()) << used.status();
  EXPECT_EQ(*used, head.size());
  EXPECT_EQ(header.String(), head);
  EXPECT_EQ(ErrcOf(header.Read("HTTP/1.1 200 OK\r\n").status()), Errc::kUnexpectedEof);
  EXPECT_EQ(header.Len(), 0u);
  EXPECT_EQ(header.StatusCode(), 200);
  EXPECT_EQ(ErrcOf(header.Read("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n").status()),
            Errc::kBadContentLength);
}

TEST(ResponseRead, SEC_BodiesAreBounded) {
  Response response;
  EXPECT_EQ(ErrcOf(response.Read("HTTP/1.1 200 OK\r\n\r\nabcd", "GET", 4).status()), Errc::kOk);
  EXPECT_EQ(ErrcOf(response.Read("HTTP/1.1 200 OK\r\n\r\nabcde", "GET", 4).status()),
            Errc::kBodyTooLarge);
}

}  // namespace
}  // namespace fasthttp
