// The code blocks of messages.md.
#include <string>
#include <string_view>
#include <vector>

#include "fasthttp/args.h"
#include "fasthttp/bytes.h"
#include "fasthttp/cookie.h"
#include "fasthttp/error.h"
#include "fasthttp/head_for_test.h"
#include "fasthttp/header_names.h"
#include "fasthttp/quality.h"
#include "fasthttp/request_ctx.h"
#include "fasthttp/uri.h"
#include "gtest/gtest.h"

namespace fasthttp {
namespace {

std::vector<std::string> log_lines;

void Handle(fasthttp::RequestCtx& ctx) {
  std::string_view user = ctx.QueryArgs().Peek("user");  // A view into the request.
  ctx.response().header().Set("X-User", user);           // Copied by the setter: fine.
  log_lines.push_back(std::string(user));                // Outlives the handler: own it.
}

TEST(MessagesGuide, Lifetime) {
  TestHead head("GET /?user=ann HTTP/1.1\r\nHost: h\r\n\r\n");
  RequestCtx ctx;
  ctx.Bind(nullptr, head.head(), false);
  Handle(ctx);
  EXPECT_EQ(ctx.response().header().Peek("X-User"), "ann");
  EXPECT_EQ(log_lines.back(), "ann");
}

TEST(MessagesGuide, Fields) {
  TestHead head("GET / HTTP/1.1\r\nHost: h\r\nVia: 1.1 a\r\naccept: x/y\r\nVIA: 1.1 b\r\n\r\n");
  RequestCtx ctx;
  ctx.Bind(nullptr, head.head(), false);
  std::string hops;
  const fasthttp::RequestHeader& header = ctx.request().header();
  std::string_view type = header.Peek(fasthttp::kHeaderAccept);  // The first value; any case.
  bool absent = !header.Has("X-Absent");                         // Peek gives {} for both.
  for (std::string_view via : header.PeekAll("Via")) hops.append(via).append(";");
  header.VisitAll([&](std::string_view name, std::string_view value) {
    hops.append(name).append("=").append(value).append(";");  // Order and case as received.
  });
  EXPECT_EQ(type, "x/y");
  EXPECT_TRUE(absent);
  EXPECT_EQ(hops, "1.1 a;1.1 b;Host=h;Via=1.1 a;accept=x/y;VIA=1.1 b;");
}

void Negotiate(fasthttp::RequestCtx& ctx) {
  constexpr std::string_view kTypes[] = {"application/json", "text/html"};
  std::string_view accept = ctx.request().header().Peek(fasthttp::kHeaderAccept);
  std::string_view type = fasthttp::NegotiateType(accept, kTypes);
  if (type.empty()) return ctx.Error("not acceptable", fasthttp::kStatusNotAcceptable);
  ctx.SetContentType(type);
  ctx.response().header().Add(fasthttp::kHeaderVary, fasthttp::kHeaderAccept);
}

TEST(MessagesGuide, Negotiation) {
  TestHead head("GET / HTTP/1.1\r\nHost: h\r\nAccept: text/*, */*;q=0.1\r\n\r\n");
  RequestCtx ctx;
  ctx.Bind(nullptr, head.head(), false);
  Negotiate(ctx);
  EXPECT_EQ(ctx.response().ContentType(), "text/html");
}

void Forward(fasthttp::RequestCtx& ctx) {
  fasthttp::RequestHeader& header = ctx.request().header();
  header.DisableSpecialHeader();  // Every field keeps its place and its case.
  header.SetHost("backend.example");
}

TEST(MessagesGuide, Order) {
  TestHead head("GET / HTTP/1.1\r\nuser-agent: u\r\nHost: a\r\nX: 1\r\n\r\n");
  RequestCtx ctx;
  ctx.Bind(nullptr, head.head(), false);
  Forward(ctx);
  EXPECT_EQ(ctx.request().header().String(),
            "GET / HTTP/1.1\r\nuser-agent: u\r\nHost: backend.example\r\nX: 1\r\n\r\n");
}

TEST(MessagesGuide, Bytes) {
  std::string_view bytes = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhiGET ...";
  fasthttp::Request request;
  absl::StatusOr<size_t> used = request.Read(bytes);  // As strict as a server.
  if (used.ok()) bytes.remove_prefix(*used);          // The next request begins here.
  EXPECT_EQ(request.Body(), "hi");
  EXPECT_EQ(bytes, "GET ...");
}

TEST(MessagesGuide, Setters) {
  RequestCtx ctx;
  std::string_view input = "a\r\nSet-Cookie: admin=1";
  fasthttp::ResponseHeader& header = ctx.response().header();
  header.Set("x-note", input);         // "X-Note"; control bytes become spaces.
  header.Add("Vary", "Accept");        // One more field of that name.
  header.Set("not a token", "value");  // Ignored: no such name can be written.
  EXPECT_EQ(header.Peek("X-Note"), "a  Set-Cookie: admin=1");
  EXPECT_EQ(header.Len(), 2u);
}

TEST(MessagesGuide, Errors) {
  fasthttp::Args args;
  args.Parse("page=12&size=x");
  absl::StatusOr<uint64_t> page = args.GetUint("page");
  absl::StatusOr<uint64_t> size = args.GetUint("size");
  bool bad = fasthttp::ErrcOf(size.status()) == fasthttp::Errc::kBadNumber;

  fasthttp::URI uri;
  bool parsed = uri.Parse("http://example.com/a/../b?x#y").ok();
  bool moved = uri.Update("../c").ok();  // An error would leave the URI as it was.
  EXPECT_EQ(*page, 12u);
  EXPECT_TRUE(bad);
  EXPECT_TRUE(parsed && moved);
  EXPECT_EQ(uri.FullURI(), "http://example.com/c");
}

TEST(MessagesGuide, Buffers) {
  std::string buffer;
  std::string_view name = "<b>", key = "a b";
  buffer.clear();  // Keeps its memory: the next request allocates nothing.
  fasthttp::AppendHTMLEscape(buffer, name);
  buffer.push_back('?');
  fasthttp::AppendQuotedArg(buffer, key);
  fasthttp::AppendUint(buffer, 42);
  EXPECT_EQ(buffer, "&lt;b&gt;?a+b42");
}

TEST(MessagesGuide, Cookies) {
  TestHead head("GET / HTTP/1.1\r\nHost: h\r\nCookie: session=s1; theme=dark\r\n\r\n");
  RequestCtx ctx;
  ctx.Bind(nullptr, head.head(), false);
  std::string_view session = ctx.request().header().Cookie("session");
  fasthttp::Cookie cookie;
  cookie.SetKey("session");
  cookie.SetValue(session);
  cookie.SetHTTPOnly(true);
  cookie.SetSameSite(fasthttp::CookieSameSite::kLax);
  ctx.response().header().SetCookie(cookie);
  EXPECT_EQ(ctx.response().header().Peek("Set-Cookie"), "session=s1; HttpOnly; SameSite=Lax");
}

}  // namespace
}  // namespace fasthttp
