// The rows of from-nethttp.md: each code of its second column, run by the test that its third
// names.
#include <string>
#include <string_view>
#include <utility>

#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

namespace {

using fasthttp::RequestCtx;

constexpr std::string_view kGet =
    "GET /a%20b?name=Ann&x=1 HTTP/1.1\r\nHost: Example.com:81\r\nAccept: text/html\r\n"
    "Cookie: session=4711; theme=dark\r\nReferer: http://other/\r\nUser-Agent: test/1\r\n\r\n";
constexpr std::string_view kForm =
    "POST /form?x=1 HTTP/1.1\r\nHost: h\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\nname=Bob&y=2";

fasthttp::Response Ask(fasthttp::RequestHandler handler, std::string_view raw) {
  fasthttptest::TestServer server(std::move(handler));
  absl::StatusOr<fasthttp::Response> response = server.Do(raw);
  EXPECT_TRUE(response.ok()) << response.status();
  return response.ok() ? *std::move(response) : fasthttp::Response();
}

// What `handler`, which answers with what it found, finds in a request.
std::string Found(fasthttp::RequestHandler handler, std::string_view raw = kGet) {
  fasthttp::Response response = Ask(std::move(handler), raw);
  return std::string(response.Body());
}

TEST(FromNetHttp, Body) {
  EXPECT_EQ(Found(
                [](RequestCtx& ctx) {
                  std::string_view body = ctx.PostBody();
                  ctx.SetBody(body);
                },
                kForm),
            "name=Bob&y=2");
}

TEST(FromNetHttp, Path) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              std::string_view path = ctx.Path();
              ctx.SetBody(path);
            }),
            "/a b");
}

TEST(FromNetHttp, Url) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              const fasthttp::URI& uri = ctx.URI();
              ctx.SetBody(uri.FullURI());
            }),
            "http://example.com:81/a%20b?name=Ann&x=1");
}

TEST(FromNetHttp, Method) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              std::string_view method = ctx.Method();
              ctx.SetBody(method);
            }),
            "GET");
}

TEST(FromNetHttp, Header) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              const fasthttp::RequestHeader& header = ctx.request().header();
              header.VisitAll([&](std::string_view name, std::string_view) {
                absl::Format(&ctx, "%s,", name);
              });
            }),
            "Host,Accept,Cookie,Referer,User-Agent,");
}

TEST(FromNetHttp, HeaderGet) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              std::string_view accept = ctx.request().header().Peek("Accept");
              ctx.SetBody(accept);
            }),
            "text/html");
}

TEST(FromNetHttp, Host) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              std::string_view host = ctx.Host();
              ctx.SetBody(host);
            }),
            "example.com:81");
}

TEST(FromNetHttp, Form) {
  EXPECT_EQ(Found(
                [](RequestCtx& ctx) {
                  auto add = [&](std::string_view name, std::string_view value) {
                    absl::Format(&ctx, "%s is %s;", name, value);
                  };
                  ctx.QueryArgs().VisitAll(add);
                  ctx.PostArgs().VisitAll(add);
                },
                kForm),
            "x is 1;name is Bob;y is 2;");
}

TEST(FromNetHttp, PostForm) {
  EXPECT_EQ(Found(
                [](RequestCtx& ctx) {
                  const fasthttp::Args& form = ctx.PostArgs();
                  absl::Format(&ctx, "%s %d", form.Peek("name"), form.Has("x"));
                },
                kForm),
            "Bob 0");
}

TEST(FromNetHttp, FormValue) {
  auto handler = [](RequestCtx& ctx) {
    std::string_view name = ctx.FormValue("name");
    ctx.SetBody(name);
  };
  EXPECT_EQ(Found(handler, kGet), "Ann");
  EXPECT_EQ(Found(handler, kForm), "Bob");
}

TEST(FromNetHttp, RemoteAddr) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              std::string peer = ctx.RemoteAddr().ToString();
              ctx.SetBody(peer);
            }),
            "TestServer");
}

TEST(FromNetHttp, RequestUri) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              std::string_view target = ctx.RequestURI();
              ctx.SetBody(target);
            }),
            "/a%20b?name=Ann&x=1");
}

TEST(FromNetHttp, Tls) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              bool encrypted = ctx.IsTLS();
              ctx.SetBody(encrypted ? "yes" : "no");
            }),
            "no");
}

TEST(FromNetHttp, Cookie) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              std::string_view session = ctx.request().header().Cookie("session");
              ctx.SetBody(session);
            }),
            "4711");
}

TEST(FromNetHttp, Referer) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              std::string_view referer = ctx.Referer();
              ctx.SetBody(referer);
            }),
            "http://other/");
}

TEST(FromNetHttp, UserAgent) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              std::string_view agent = ctx.UserAgent();
              ctx.SetBody(agent);
            }),
            "test/1");
}

TEST(FromNetHttp, ResponseHeader) {
  fasthttp::Response r = Ask(
      [](RequestCtx& ctx) {
        fasthttp::ResponseHeader& fields = ctx.response().header();
        fields.Add("X-Many", "1");
        fields.Add("X-Many", "2");
      },
      kGet);
  EXPECT_EQ(r.header().PeekAll("X-Many").size(), 2u);
}

TEST(FromNetHttp, ResponseHeaderSet) {
  fasthttp::Response r =
      Ask([](RequestCtx& ctx) { ctx.response().header().Set("X-Served-By", "a"); }, kGet);
  EXPECT_EQ(r.header().Peek("X-Served-By"), "a");
}

TEST(FromNetHttp, ContentType) {
  fasthttp::Response r = Ask(
      [](RequestCtx& ctx) {
        ctx.SetContentType("application/json");
        ctx.SetBody("{}");
      },
      kGet);
  EXPECT_EQ(r.ContentType(), "application/json");
}

TEST(FromNetHttp, SetCookie) {
  fasthttp::Response r = Ask(
      [](RequestCtx& ctx) {
        fasthttp::Cookie cookie;
        cookie.SetKey("session");
        cookie.SetValue("4711");
        cookie.SetHTTPOnly(true);
        ctx.response().header().SetCookie(cookie);
      },
      kGet);
  EXPECT_EQ(r.header().Peek("Set-Cookie"), "session=4711; HttpOnly");
}

void Ticks(fasthttp::BodyWriter& out) {
  for (int i = 0; i < 2; ++i) {
    absl::Format(&out, "tick;");
    if (!out.Flush().ok()) return;
  }
}

TEST(FromNetHttp, Write) {
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              ctx.Write("a part");
              ctx.Write("a part");
            }),
            "a parta part");
  EXPECT_EQ(Found([](RequestCtx& ctx) {
              ctx.Write("a part");
              ctx.SetBody("all of it");
            }),
            "all of it");
  EXPECT_EQ(Found([](RequestCtx& ctx) { ctx.SetBodyStreamWriter(Ticks); }), "tick;tick;");
}

TEST(FromNetHttp, WriteHeader) {
  fasthttp::Response r = Ask(
      [](RequestCtx& ctx) {
        ctx.SetBody("before the code");
        ctx.SetStatusCode(fasthttp::kStatusCreated);
      },
      kGet);
  EXPECT_EQ(r.StatusCode(), 201);
  EXPECT_EQ(r.Body(), "before the code");
}

void Echo(fasthttp::HijackedConn& conn) {
  char block[64];
  fasthttp::IoResult n = conn.Read(block);
  if (n.ok()) (void)conn.Write({block, n.bytes()});
}

TEST(FromNetHttp, Hijack) {
  fasthttptest::TestServer server([](RequestCtx& ctx) {
    ctx.SetStatusCode(fasthttp::kStatusSwitchingProtocols);
    ctx.response().header().Set("Connection", "Upgrade");
    ctx.Hijack(Echo);
  });
  absl::StatusOr<fasthttp::BlockingConn> conn = server.Dial();
  ASSERT_TRUE(conn.ok()) << conn.status();
  ASSERT_EQ(conn->Write("GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n\r\nhello"),
            fasthttp::Errc::kOk);
  std::string got;
  char block[256];
  for (;;) {
    fasthttp::IoResult n = conn->Read(block);
    if (!n.ok() || n.bytes() == 0) break;
    got.append(block, n.bytes());
  }
  EXPECT_EQ(got.substr(0, 12), "HTTP/1.1 101");
  EXPECT_EQ(got.substr(got.find("\r\n\r\n") + 4), "hello");
}

TEST(FromNetHttp, Error) {
  fasthttp::Response r = Ask(
      [](RequestCtx& ctx) {
        ctx.Write("half a page");
        ctx.Error("no such user", fasthttp::kStatusNotFound);
      },
      kGet);
  EXPECT_EQ(r.StatusCode(), 404);
  EXPECT_EQ(r.Body(), "no such user");
}

TEST(FromNetHttp, Redirect) {
  fasthttp::Response r = Ask(
      [](RequestCtx& ctx) { ctx.Redirect("/new?x=1", fasthttp::kStatusMovedPermanently); }, kGet);
  EXPECT_EQ(r.StatusCode(), 301);
  EXPECT_EQ(r.header().Peek("Location"), "http://example.com:81/new?x=1");
}

TEST(FromNetHttp, NotFound) {
  fasthttp::Response r = Ask([](RequestCtx& ctx) { ctx.NotFound(); }, kGet);
  EXPECT_EQ(r.StatusCode(), 404);
}

void Foo(RequestCtx& ctx) { ctx.SetBody("foo"); }
void Bar(RequestCtx& ctx) { ctx.SetBody("bar"); }

void Mux(fasthttp::RequestCtx& ctx) {
  if (ctx.Path() == "/foo") return Foo(ctx);
  if (ctx.Path() == "/bar") return Bar(ctx);
  ctx.Error("not found", fasthttp::kStatusNotFound);
}

TEST(FromNetHttp, Mux) {
  EXPECT_EQ(Found(Mux, "GET /foo HTTP/1.1\r\nHost: h\r\n\r\n"), "foo");
  EXPECT_EQ(Found(Mux, "GET /bar HTTP/1.1\r\nHost: h\r\n\r\n"), "bar");
  EXPECT_EQ(Found(Mux, "GET /baz HTTP/1.1\r\nHost: h\r\n\r\n"), "not found");
}

}  // namespace
