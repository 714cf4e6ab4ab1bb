// Every public function of the message types and helpers that takes a view or a span, called with
// {}: a null pointer and no bytes. Under UBSan this finds a memcpy of null and its like.
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_format.h"
#include "fasthttp/args.h"
#include "fasthttp/bytes.h"
#include "fasthttp/cookie.h"
#include "fasthttp/date.h"
#include "fasthttp/error.h"
#include "fasthttp/etag.h"
#include "fasthttp/forwarding.h"
#include "fasthttp/head_for_test.h"
#include "fasthttp/header.h"
#include "fasthttp/http1/chunked.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/http1/known_field.h"
#include "fasthttp/http1/serialize.h"
#include "fasthttp/quality.h"
#include "fasthttp/range.h"
#include "fasthttp/request.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/response.h"
#include "fasthttp/uri.h"
#include "gtest/gtest.h"

namespace fasthttp {
namespace {

struct Row {
  const char* name;
  std::function<void()> call;
};

bool NoVisit(std::string_view, std::string_view) { return true; }

// Rows are calls; the macro keeps the name beside them.
#define ROW(...)                               \
  Row {                                        \
    #__VA_ARGS__, [&] { (void)(__VA_ARGS__); } \
  }

class NullViews : public ::testing::Test {
 protected:
  void Run(const std::vector<Row>& rows) {
    for (const Row& row : rows) {
      SCOPED_TRACE(row.name);
      row.call();
      row.call();  // On what the first call left.
    }
  }

  std::string text_;
};

TEST_F(NullViews, Bytes) {
  uint64_t number = 1;
  double real = 1;
  int64_t seconds = 1;
  IPv4Bytes ip;
  ByteRange range;
  const std::string_view offers[] = {{}};
  Run({ROW(IsToken({})),
       ROW(IsFieldValue({})),
       ROW(EqualsIgnoreCase({}, {})),
       ROW(AppendLower(text_, {})),
       ROW(AppendNormalizedHeaderKey(text_, {})),
       ROW(AppendWithoutNewLines(text_, {})),
       ROW(TrimOws({})),
       ROW(ParseUint({}, number)),
       ROW(ParseUint({}).ok()),
       ROW(ParseUfloat({}, real)),
       ROW(ParseUfloat({}).ok()),
       ROW(ParseIPv4({}, ip)),
       ROW(ParseIPv4({}).ok()),
       ROW(AppendQuotedArg(text_, {})),
       ROW(AppendQuotedPath(text_, {})),
       ROW(AppendUnquotedArg(text_, {})),
       ROW(AppendUnquotedPath(text_, {})),
       ROW(ParseHTTPDate({}, seconds)),
       ROW(ParseHTTPDate({}).ok()),
       ROW(ParseCookieDate({}, seconds)),
       ROW(IsETag({})),
       ROW(ETagListMatchesWeakly({}, {})),
       ROW(ETagListMatchesStrongly({}, {})),
       ROW(QualityOf({}, {})),
       ROW(NegotiateType({}, {})),
       ROW(NegotiateType("*/*", offers)),
       ROW(NegotiateEncoding({}, {})),
       ROW(NegotiateEncoding({}, offers)),
       ROW(NegotiateLanguage({}, {})),
       ROW(NegotiateLanguage("*", offers)),
       ROW(ParseByteRange({}, 0, range)),
       ROW(ParseByteRange({}, 0).ok()),
       ROW(AppendHTMLEscape(text_, {})),
       ROW(ToStatus(Errc::kBadUri, {}).ok())});
  EXPECT_EQ(text_, "");
  AppendJSONQuoted(text_, {});
  EXPECT_EQ(text_, "\"\"");
  EXPECT_EQ(absl::StrFormat("%s", JSONQuoted({})), "\"\"");
}

TEST_F(NullViews, Http1) {
  using namespace http1;  // NOLINT: the test is about it.
  uint64_t length = 0;
  size_t count = 0;
  size_t consumed = 0;
  std::string_view data;
  char out[1024];
  ChunkedDecoder decoder;
  StatusBlockCache cache;
  const std::string padding(kPadding, '\0');
  Head head;
  Run({ROW(LookupKnownField({})), ROW(EqualFold({}, {})), ROW(IsValidHost({})),
       ROW(ListHasToken({}, {})), ROW(ParseContentLength({}, &length)), ROW(IsForbiddenTrailer({})),
       ROW(decoder.Decode(nullptr, 0, &consumed, &data)),
       ROW(ParseTrailers({padding.data(), 0}, {}, &count)), ROW(WriteResponseHead(out, {})),
       ROW(WriteRequestHead(out, {})), ROW(ResponseHeadBound({})), ROW(RequestHeadBound({})),
       ROW(cache.Refresh({}, {})), ROW(cache.Get(200)), ROW(head.UseArena({}))});
  ParseProgress progress;
  head.UseInlineFields();
  EXPECT_EQ(ParseRequestHead({padding.data(), 0}, {}, Leniency::kStrict, progress, head),
            Errc::kNeedMore);
  TestHead parsed("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(parsed.head()->Find(std::string_view()), nullptr);
}

TEST_F(NullViews, Uri) {
  URI uri;
  std::string host;
  Run({ROW(AppendNormalizedPath(text_, {})), ROW(IsScheme({})), ROW(AppendCanonicalHost(host, {})),
       ROW(uri.Parse({}, {})), ROW(uri.Parse({})), ROW(uri.TryParse({}, {})),
       ROW(uri.BindPlain({}, {}, 0)), ROW(uri.SetScheme({})), ROW(uri.SetHost({})),
       ROW(uri.SetPath({})), ROW(uri.SetQueryString({})), ROW(uri.SetHash({})),
       ROW(uri.SetUsername({})), ROW(uri.SetPassword({})), ROW(uri.Update({})),
       ROW(uri.MutableQueryArgs()), ROW(uri.FullURI())});
  EXPECT_EQ(uri.RequestURI(), "/");
}

TEST_F(NullViews, ArgsAndCookie) {
  Args args;
  Cookie cookie;
  std::string_view line, name, value;
  Run({ROW(args.Parse({})), ROW(args.Peek({})), ROW(args.PeekMulti({})), ROW(args.Has({})),
       ROW(args.Set({}, {})), ROW(args.SetNoValue({})), ROW(args.SetUint({}, 1)),
       ROW(args.Add({}, {})), ROW(args.AddNoValue({})), ROW(args.GetUint({}).ok()),
       ROW(args.GetUfloat({}).ok()), ROW(args.GetUintOrZero({})), ROW(args.GetUfloatOrZero({})),
       ROW(args.GetBool({})), ROW(args.QueryString()), ROW(args.Sort()), ROW(args.Del({}))});
  EXPECT_EQ(args.Len(), 0u);
  Run({ROW(cookie.SetKey({})), ROW(cookie.SetValue({})), ROW(cookie.SetDomain({})),
       ROW(cookie.SetPath({})), ROW(cookie.String()), ROW(cookie.Parse({})),
       ROW(cookie.TryParse({})), ROW(NextRequestCookie(line, name, value)),
       ROW(VisitRequestCookies({}, NoVisit))});
}

// What both headers have.
template <typename Header>
std::vector<Row> HeaderRows(Header& header) {
  return {ROW(header.SetContentType({})),
          ROW(header.SetContentEncoding({})),
          ROW(header.Peek(std::string_view())),
          ROW(header.PeekAll({})),
          ROW(header.Has({})),
          ROW(header.Set({}, {})),
          ROW(header.Add({}, {})),
          ROW(header.SetCanonical({}, {})),
          ROW(header.Set("X-A", {})),
          ROW(header.Add("X-A", {})),
          ROW(header.Set("Cookie", {})),
          ROW(header.Set("Connection", {})),
          ROW(header.Set("Trailer", {})),
          ROW(header.Set("Content-Length", {})),
          ROW(header.Set("Set-Cookie", {})),
          ROW(header.Del({})),
          ROW(header.DelCookie({})),
          ROW(header.SetTrailer({})),
          ROW(header.AddTrailer({})),
          ROW(header.MutableTrailers().Has({})),
          ROW(header.MutableTrailers().Peek({})),
          ROW(header.MutableTrailers().Del({})),
          ROW(header.MutableTrailers().AddReceived({}, {}))};
}

TEST_F(NullViews, RequestHeader) {
  RequestHeader header;
  RequestHeader received;
  TestHead head("GET / HTTP/1.1\r\nHost: h\r\nCookie: a=1\r\n\r\n");
  received.Bind(head.head());
  Run({ROW(received.Peek(std::string_view())), ROW(received.PeekAll({})), ROW(received.Has({})),
       ROW(received.Cookie({})), ROW(received.HasAcceptEncoding({}))});
  Run(HeaderRows(header));
  Run(HeaderRows(received));
  RequestHeader listed;
  listed.DisableSpecialHeader();
  Run(HeaderRows(listed));
  Run({ROW(header.SetMethod({})), ROW(header.SetRequestURI({})), ROW(header.SetHost({})),
       ROW(header.SetUserAgent({})), ROW(header.SetReferer({})), ROW(header.HasAcceptEncoding({})),
       ROW(header.SetMultipartFormBoundary({})), ROW(header.Cookie({})),
       ROW(header.SetCookie({}, {})), ROW(AddForwardedHeaders(header, {}, {}, {})),
       ROW(VisitHeaderParams({}, [](std::string_view, std::string_view) { return true; }))});
}

TEST_F(NullViews, ResponseHeader) {
  ResponseHeader header;
  Run(HeaderRows(header));
  Run({ROW(header.SetServer({})), ROW(header.PeekCookie({})), ROW(header.DelClientCookie({}))});
}

TEST_F(NullViews, RequestAndResponse) {
  Request request;
  Response response;
  Run({ROW(request.SetRequestURI({})), ROW(request.SetHost({})), ROW(request.SetBody({})),
       ROW(request.SetBodyString({})), ROW(request.SetBodyRaw({})),
       ROW(request.SetBodyOwned(std::string_view(), [] {})), ROW(request.AppendBody({})),
       ROW(request.AppendBodyString({})), ROW(request.Write({})), ROW(response.SetBody({})),
       ROW(response.SetBodyRaw({})), ROW(response.AppendBody({})), ROW(response.SetContentType({})),
       ROW(request.Read({}).ok()), ROW(response.Read({}, {}).ok()),
       ROW(request.header().Read({}).ok()), ROW(response.header().Read({}).ok())});
  EXPECT_EQ(request.Body(), "");
  EXPECT_EQ(response.Body(), "");
}

TEST_F(NullViews, RequestCtx) {
  RequestCtx ctx;
  Run({ROW(ctx.FormValue({})), ROW(ctx.SetContentType({})), ROW(ctx.SetBody({})),
       ROW(ctx.SetBodyString({})), ROW(ctx.Write({})), ROW(ctx.WriteString({})),
       ROW(ctx.Success({}, {})), ROW(ctx.Error({}, 400)), ROW(ctx.Redirect({}, 302)),
       ROW(ctx.SetUserValue({}, 1)), ROW(ctx.UserValue({})), ROW(ctx.RemoveUserValue({}))});
}

}  // namespace
}  // namespace fasthttp
