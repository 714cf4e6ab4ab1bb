#include <algorithm>
#include <string>
#include <vector>

#include "fasthttp/error.h"
#include "fasthttp/head_for_test.h"
#include "fasthttp/header.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"

namespace fasthttp {
namespace {

using testing_internal::AllocCounter;
using testing_internal::kAllocCounterAvailable;

constexpr std::string_view kGet =
    "GET /path?x=1 HTTP/1.1\r\n"
    "Host: Example.com\r\n"
    "user-AGENT: tool/1\r\n"
    "X-One: 1\r\n"
    "Cookie: a=1; b=2\r\n"
    "x-one: 2\r\n"
    "Accept-Encoding: gzip;q=0.5, br;q=0, *;q=0.1\r\n"
    "Cookie: c=3\r\n"
    "\r\n";

std::string Shown(const RequestHeader& header) {
  std::string shown;
  header.VisitAll([&](std::string_view name, std::string_view value) {
    shown.append(name).append(": ").append(value).append("\n");
  });
  return shown;
}

std::vector<std::string> Strings(const FieldViews& views) { return {views.begin(), views.end()}; }

TEST(RequestHeader, EmptyOne) {
  RequestHeader header;
  EXPECT_EQ(header.Method(), "GET");
  EXPECT_TRUE(header.IsGet());
  EXPECT_EQ(header.RequestURI(), "/");
  EXPECT_EQ(header.Host(), "");
  EXPECT_EQ(header.Peek("x"), "");
  EXPECT_FALSE(header.Has("x"));
  EXPECT_EQ(header.Len(), 0u);
  EXPECT_EQ(header.ContentLength(), 0);
  EXPECT_FALSE(header.ConnectionClose());
  EXPECT_EQ(header.Cookie("a"), "");
  EXPECT_EQ(header.RawHeaders(), "");
  EXPECT_TRUE(header.IsHTTP11());
}

TEST(RequestHeader, ReceivedIsAViewInOrderWithItsCase) {
  TestHead head(kGet);
  RequestHeader header;
  header.Bind(head.head());
  EXPECT_EQ(header.Method(), "GET");
  EXPECT_TRUE(header.IsGet());
  EXPECT_FALSE(header.IsPost());
  EXPECT_EQ(header.RequestURI(), "/path?x=1");
  EXPECT_EQ(header.Host(), "Example.com");
  EXPECT_EQ(header.UserAgent(), "tool/1");
  EXPECT_EQ(header.Peek("User-Agent"), "tool/1");
  EXPECT_EQ(header.Peek("X-ONE"), "1");
  EXPECT_EQ(Strings(header.PeekAll("x-one")), (std::vector<std::string>{"1", "2"}));
  EXPECT_TRUE(header.Has("X-One"));
  EXPECT_FALSE(header.Has("X-Two"));
  EXPECT_EQ(header.Len(), 7u);
  EXPECT_EQ(Shown(header),
            "Host: Example.com\nuser-AGENT: tool/1\nX-One: 1\nCookie: a=1; b=2\nx-one: 2\n"
            "Accept-Encoding: gzip;q=0.5, br;q=0, *;q=0.1\nCookie: c=3\n");
  EXPECT_EQ(header.RawHeaders(), kGet.substr(kGet.find("Host")));
  EXPECT_EQ(header.Host().data(), head.bytes().data() + head.bytes().find("Example"));
}

TEST(RequestHeader, CookiesOfAllFieldsCount) {
  TestHead head(kGet);
  RequestHeader header;
  header.Bind(head.head());
  EXPECT_EQ(header.Cookie("a"), "1");
  EXPECT_EQ(header.Cookie("b"), "2");
  EXPECT_EQ(header.Cookie("c"), "3");
  EXPECT_EQ(header.Cookie("d"), "");
  header.SetCookie("b", "9");
  header.SetCookie("e", "5");
  EXPECT_EQ(header.CookieLine(), "a=1; b=9; c=3; e=5");
  header.DelCookie("a");
  EXPECT_EQ(header.CookieLine(), "b=9; c=3; e=5");
  header.DelAllCookies();
  EXPECT_EQ(header.CookieLine(), "");
  EXPECT_FALSE(header.Has("Cookie"));
}

TEST(RequestHeader, FirstChangeCopiesTheHead) {
  TestHead head(kGet);
  RequestHeader header;
  header.Bind(head.head());
  std::string_view before = header.Host();
  header.Set("X-New", "n");
  EXPECT_EQ(header.head(), nullptr);
  EXPECT_EQ(before, "Example.com");
  EXPECT_EQ(header.RequestURI(), "/path?x=1");
  EXPECT_EQ(Shown(header),
            "Host: Example.com\nUser-Agent: tool/1\nX-One: 1\nx-one: 2\n"
            "Accept-Encoding: gzip;q=0.5, br;q=0, *;q=0.1\nX-New: n\nCookie: a=1; b=2; c=3\n");
  EXPECT_EQ(header.RawHeaders(), "");
  header.Reset();
  EXPECT_EQ(Shown(header), "");
}

TEST(RequestHeader, SetAddDelKeepOrder) {
  RequestHeader header;
  header.Add("b", "1");
  header.Add("a", "2");
  header.Add("b", "3");
  header.Add("c", "4");
  EXPECT_EQ(Shown(header), "B: 1\nA: 2\nB: 3\nC: 4\n");
  header.Set("B", "9");
  EXPECT_EQ(Shown(header), "B: 9\nA: 2\nC: 4\n");
  header.Del("a");
  EXPECT_EQ(Shown(header), "B: 9\nC: 4\n");
  header.Del("nothing");
  EXPECT_EQ(header.Len(), 2u);
}

TEST(RequestHeader, TrapDelIsStable) {
  RequestHeader header;
  for (std::string_view name : {"a", "b", "c", "d", "e"}) header.Add(name, "x");
  header.Del("b");
  EXPECT_EQ(Strings(header.PeekKeys()), (std::vector<std::string>{"A", "C", "D", "E"}));
}

TEST(RequestHeader, NormalizingIsSwitchable) {
  RequestHeader header;
  header.Set("x-foo-BAR", "1");
  header.Set("etag", "2");
  header.SetCanonical("x-RAW", "3");
  header.DisableNormalizing();
  header.Set("x-baz", "4");
  header.Set("content-language", "5");
  EXPECT_EQ(Shown(header), "X-Foo-Bar: 1\nETag: 2\nx-RAW: 3\nx-baz: 4\ncontent-language: 5\n");
}

TEST(RequestHeader, SpecialFields) {
  RequestHeader header;
  header.Set("HOST", "h");
  header.Set("content-type", "t");
  header.Set("user-agent", "u");
  header.Set("content-length", "42");
  header.Set("connection", "Close");
  header.Set("cookie", "a=1");
  header.Add("cookie", "b=2");
  header.Set("trailer", "Foo, bar");
  EXPECT_EQ(header.Host(), "h");
  EXPECT_EQ(header.ContentType(), "t");
  EXPECT_EQ(header.UserAgent(), "u");
  EXPECT_EQ(header.ContentLength(), 42);
  EXPECT_TRUE(header.ConnectionClose());
  EXPECT_EQ(header.Cookie("b"), "2");
  EXPECT_EQ(header.Peek("Trailer"), "Foo, Bar");
  EXPECT_EQ(Shown(header),
            "Host: h\nUser-Agent: u\nContent-Type: t\nContent-Length: 42\nCookie: a=1; b=2\n"
            "Trailer: Foo, Bar\nConnection: close\n");
  for (std::string_view name : {"host", "content-type", "user-agent", "content-length",
                                "connection", "cookie", "trailer"}) {
    EXPECT_TRUE(header.Has(name)) << name;
    header.Del(name);
    EXPECT_FALSE(header.Has(name)) << name;
  }
  EXPECT_EQ(header.Len(), 0u);
}

TEST(RequestHeader, TrapManagedFieldsAreIgnored) {
  RequestHeader header;
  header.Set("Transfer-Encoding", "chunked");
  header.Add("transfer-encoding", "gzip");
  header.Set("Content-Length", "x");
  header.Set("Content-Length", "-5");
  header.Set("Content-Length", "99999999999999999999");
  EXPECT_EQ(header.Len(), 0u);
  EXPECT_EQ(header.ContentLength(), 0);
  header.SetContentLength(-1);
  EXPECT_EQ(header.ContentLength(), kContentLengthChunked);
}

TEST(RequestHeader, Connection) {
  RequestHeader header;
  header.Set("Connection", "Upgrade");
  EXPECT_FALSE(header.ConnectionClose());
  EXPECT_TRUE(header.ConnectionUpgrade());
  header.Set("Connection", "close");
  EXPECT_TRUE(header.ConnectionClose());
  EXPECT_FALSE(header.ConnectionUpgrade());
  header.Set("Connection", "keep-alive, Upgrade");
  EXPECT_FALSE(header.ConnectionClose());
  EXPECT_EQ(Shown(header), "Connection: keep-alive, Upgrade\n");
}

TEST(RequestHeader, ReceivedConnection) {
  auto closes = [](std::string_view version, std::string_view field) {
    std::string text = "GET / HTTP/1." + std::string(version) + "\r\nHost: h\r\n";
    text.append(field).append("\r\n");
    TestHead head(text);
    RequestHeader header;
    header.Bind(head.head());
    bool close = header.ConnectionClose();
    header.Set("X", "y");
    EXPECT_EQ(header.ConnectionClose(), close);
    EXPECT_EQ(header.IsHTTP11(), version == "1");
    header.ResetConnectionClose();
    EXPECT_FALSE(header.ConnectionClose());
    return close;
  };
  EXPECT_FALSE(closes("1", ""));
  EXPECT_TRUE(closes("1", "Connection: close\r\n"));
  EXPECT_TRUE(closes("1", "Connection: foo, CLOSE\r\n"));
  EXPECT_TRUE(closes("1", "Connection: foo\r\nConnection: close\r\n"));
  EXPECT_FALSE(closes("1", "Connection: closed\r\n"));
  EXPECT_TRUE(closes("0", ""));
  EXPECT_FALSE(closes("0", "Connection: Keep-Alive\r\n"));
}

TEST(RequestHeader, ReceivedContentLength) {
  auto length = [](std::string_view fields) {
    TestHead head("POST / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n");
    RequestHeader header;
    header.Bind(head.head());
    int64_t before = header.ContentLength();
    header.Set("X", "y");
    EXPECT_EQ(header.ContentLength(), before);
    return before;
  };
  EXPECT_EQ(length("Content-Length: 5\r\n"), 5);
  EXPECT_EQ(length("Transfer-Encoding: chunked\r\n"), kContentLengthChunked);
  EXPECT_EQ(length(""), 0);
}

TEST(RequestHeader, SEC_NoSetterLetsALineEndThrough) {
  std::string all;
  for (unsigned i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  RequestHeader header;
  header.SetMethod(all);
  header.SetRequestURI(all);
  header.SetHost(all);
  header.SetContentType(all);
  header.SetUserAgent(all);
  header.SetReferer(all);
  header.SetContentEncoding(all);
  header.SetMultipartFormBoundary(all);
  header.SetCookie(all, all);
  header.Set(all, all);
  header.Add(all, all);
  header.SetCanonical(all, all);
  header.Set("Connection", all);
  header.Add("Cookie", all);
  (void)header.SetTrailer(all);
  (void)header.AddTrailer(all);
  std::string text = Shown(header);
  text.erase(std::remove(text.begin(), text.end(), '\n'), text.end());
  text.append(header.Method()).append(header.RequestURI());
  for (const std::string& name : Strings(header.PeekKeys())) text.append(name);
  for (const std::string& name : Strings(header.PeekTrailerKeys())) text.append(name);
  EXPECT_EQ(text.find_first_of(std::string_view("\r\0", 2)), std::string::npos);
  bool line_end = false;
  header.VisitAll([&](std::string_view name, std::string_view value) {
    line_end |= name.find('\n') != name.npos || value.find('\n') != value.npos;
  });
  EXPECT_FALSE(line_end);
  EXPECT_EQ(header.Method().find('\n'), std::string_view::npos);
  EXPECT_EQ(header.RequestURI().find('\n'), std::string_view::npos);
}

// The fast path looks at eight bytes at a time: every byte at every place of every short length.
TEST(RequestHeader, SEC_ControlBytesAreFoundAtEveryPlace) {
  RequestHeader header;
  for (size_t size = 1; size <= 70; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (unsigned c = 0; c < 256; ++c) {
        std::string value(size, 'x');
        value[at] = static_cast<char>(c);
        std::string expected = value;
        if ((c < 0x20 && c != '\t') || c == 0x7F) expected[at] = ' ';
        header.SetUserAgent(value);
        ASSERT_EQ(header.UserAgent(), expected) << size << " " << at << " " << c;
        header.Set("X-List", value);
        ASSERT_EQ(header.Peek("X-List"), expected) << size << " " << at << " " << c;
      }
    }
  }
}

TEST(RequestHeader, AChangedHeaderStillShowsItsContentLength) {
  TestHead head("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  RequestHeader header;
  header.Bind(head.head());
  header.Set("X-A", "b");
  EXPECT_EQ(header.Peek("Content-Length"), "5");
  EXPECT_EQ(Shown(header), "Host: h\nContent-Length: 5\nX-A: b\n");
}

TEST(RequestHeader, SEC_ANameThatIsNotATokenIsIgnored) {
  RequestHeader header;
  for (std::string_view name : {"A B", "A:", "A\r\nB", "\xC3\x84", "A\t", "(A)"}) {
    header.Set(name, "v");
    header.Add(name, "v");
    header.SetCanonical(name, "v");
  }
  EXPECT_EQ(Shown(header), "");
  header.Set("!#$%&'*+-.^_`|~9aZ", "v");
  EXPECT_EQ(header.Len(), 1u);
}

TEST(RequestHeader, SEC_AMethodThatIsNotATokenIsIgnored) {
  RequestHeader header;
  header.SetMethod("POST");
  for (std::string_view method : {"GET /x HTTP/1.1\r\n\r\nGET", "G T", "G\t", "\x80"}) {
    header.SetMethod(method);
    EXPECT_EQ(header.Method(), "POST");
  }
  header.SetMethod("M-SEARCH");
  EXPECT_EQ(header.Method(), "M-SEARCH");
  header.SetMethod({});
  EXPECT_EQ(header.Method(), "GET");
}

TEST(RequestHeader, SEC_ATargetCannotEndItself) {
  RequestHeader header;
  header.SetRequestURI("/a b HTTP/1.1\r\nX: y\x7F\t\xC3\xA4");
  EXPECT_EQ(header.RequestURI(), "/a%20b%20HTTP/1.1%0D%0AX:%20y%7F%09\xC3\xA4");
  header.SetRequestURI(header.RequestURI().substr(0, 2));
  EXPECT_EQ(header.RequestURI(), "/a");
}

TEST(RequestHeader, SEC_AnInvalidHostCountsAsNone) {
  RequestHeader header;
  for (std::string_view host : {"a b", "a,b", "u@h", "h:99999", "[::1", "h/p", "h\r\nX: y"}) {
    header.SetHost("example.com:80");
    EXPECT_EQ(header.Host(), "example.com:80");
    header.SetHost(host);
    EXPECT_EQ(header.Host(), "") << host;
    header.Set("Host", "[::1]:80");
    header.Set("Host", host);
    EXPECT_FALSE(header.Has("Host")) << host;
  }
}

// A pair without a name: "=a=1" must not become the cookie "a".
TEST(RequestHeader, SEC_RewritingCookiesMakesNoNewNames) {
  RequestHeader header;
  header.Set("Cookie", "=a=1; b=2; c=\" 3\"");
  header.DelCookie("a");
  EXPECT_EQ(header.Cookie("a"), "");
  EXPECT_EQ(header.CookieLine(), "=a=1; b=2; c=3");
}

TEST(RequestHeader, SEC_CookieSetterCannotAddCookies) {
  RequestHeader header;
  header.SetCookie("a", "1; admin=1\r\nX: y");
  EXPECT_EQ(header.CookieLine(), "a=1  admin=1  X: y");
  EXPECT_EQ(header.Cookie("admin"), "");
}

TEST(RequestHeader, EmptyNameIsIgnored) {
  RequestHeader header;
  header.Set({}, "v");
  header.Add({}, "v");
  header.SetCanonical("", "v");
  EXPECT_EQ(header.Len(), 0u);
}

TEST(RequestHeader, ByteRange) {
  RequestHeader header;
  auto range = [&](int64_t start, int64_t end) {
    header.SetByteRange(start, end);
    return std::string(header.Peek("Range"));
  };
  EXPECT_EQ(range(0, 0), "bytes=0-0");
  EXPECT_EQ(range(5, 10), "bytes=5-10");
  EXPECT_EQ(range(5, -1), "bytes=5-");
  EXPECT_EQ(range(-7, 0), "bytes=-7");
  EXPECT_EQ(range(INT64_MIN, 0), "bytes=-9223372036854775808");
}

TEST(RequestHeader, DefectAcceptEncodingIsReallyParsed) {
  auto accepts = [](std::string_view value, std::string_view coding) {
    RequestHeader header;
    header.Set("Accept-Encoding", value);
    return header.HasAcceptEncoding(coding);
  };
  EXPECT_TRUE(accepts("gzip", "gzip"));
  EXPECT_TRUE(accepts("deflate,gzip", "gzip"));
  EXPECT_TRUE(accepts("gzip;q=1.0", "gzip"));
  EXPECT_TRUE(accepts("GZIP ; Q=0.001", "gzip"));
  EXPECT_TRUE(accepts("*", "br"));
  EXPECT_FALSE(accepts("*;q=0, gzip", "br"));
  EXPECT_FALSE(accepts("gzip;q=0, *", "gzip"));
  EXPECT_FALSE(accepts("gzip;q=0.0000", "gzip"));
  EXPECT_FALSE(accepts("xgzip, gzipx", "gzip"));
  EXPECT_FALSE(accepts("", "gzip"));
  EXPECT_FALSE(accepts("gzip;q=2", "gzip"));
  EXPECT_FALSE(RequestHeader().HasAcceptEncoding("gzip"));
}

TEST(RequestHeader, MultipartFormBoundary) {
  auto boundary = [](std::string_view type) {
    RequestHeader header;
    header.SetContentType(type);
    return std::string(header.MultipartFormBoundary());
  };
  EXPECT_EQ(boundary("multipart/form-data; boundary=foobar"), "foobar");
  EXPECT_EQ(boundary("multipart/form-data; a=b; boundary=\"foo bar\"; c=d"), "foo bar");
  EXPECT_EQ(boundary("Multipart/Form-Data;BOUNDARY=x"), "x");
  EXPECT_EQ(boundary("multipart/form-data"), "");
  EXPECT_EQ(boundary("multipart/form-datafoo; boundary=x"), "");
  EXPECT_EQ(boundary("text/plain; boundary=x"), "");
  RequestHeader header;
  header.SetMultipartFormBoundary("abc");
  EXPECT_EQ(header.ContentType(), "multipart/form-data; boundary=abc");
}

TEST(RequestHeader, Trailers) {
  RequestHeader header;
  EXPECT_EQ(ErrcOf(header.SetTrailer("x-a, Content-Length, bad name, X-B,,")), Errc::kBadTrailer);
  EXPECT_EQ(Strings(header.PeekTrailerKeys()), (std::vector<std::string>{"X-A", "X-B"}));
  EXPECT_TRUE(header.AddTrailer("X-C, x-a").ok());
  EXPECT_EQ(header.Peek("Trailer"), "X-A, X-B, X-C");
  header.Set("X-A", "1");
  std::string shown;
  header.VisitAllTrailer([&](std::string_view name, std::string_view value) {
    shown.append(name).append("=").append(value).append(";");
  });
  EXPECT_EQ(shown, "X-A=1;X-B=;X-C=;");
  EXPECT_TRUE(header.SetTrailer(header.Peek("Trailer").substr(5)).ok());
  EXPECT_EQ(header.Peek("Trailer"), "X-B, X-C");
}

TEST(RequestHeader, TrapReceivedTrailersStayApart) {
  TestHead head(kGet);
  RequestHeader header;
  header.Bind(head.head());
  EXPECT_EQ(header.MutableTrailers().AddReceived("X-Sum", "42"), Errc::kOk);
  EXPECT_EQ(header.Peek("X-Sum"), "");
  EXPECT_EQ(header.Trailers()->Peek("x-sum"), "42");
  for (std::string_view bad : {"Content-Length", "Host", "transfer-encoding", "X-Forwarded-For",
                               "X-Real-IP", "Set-Cookie", "Authorization", "", "a b"}) {
    EXPECT_EQ(header.MutableTrailers().AddReceived(bad, "1"), Errc::kBadTrailer) << bad;
  }
  EXPECT_EQ(header.MutableTrailers().AddReceived("X-Ctl", "a\nb"), Errc::kBadTrailer);
  header.Reset();
  EXPECT_EQ(header.PeekTrailerKeys().size(), 0u);
}

TEST(RequestHeader, ViewsIntoItselfAreFine) {
  RequestHeader header;
  header.Set("X-A", "a value that is long enough to matter");
  header.SetUserAgent("an agent with a name that is not short at all");
  header.SetUserAgent(header.UserAgent().substr(3));
  EXPECT_EQ(header.UserAgent(), "agent with a name that is not short at all");
  for (int i = 0; i < 200; ++i) header.Add(header.PeekKeys().back(), header.Peek("X-A"));
  EXPECT_EQ(header.PeekAll("X-A").size(), 201u);
  header.Set(header.PeekKeys().back(), header.Peek("X-A").substr(2));
  EXPECT_EQ(header.Peek("X-A"), "value that is long enough to matter");
  EXPECT_EQ(header.PeekAll("X-A").size(), 1u);
  header.Set("X-A", std::string(header.Peek("X-A")) + std::string(header.Peek("X-A")));
  header.Set("X-A", header.Peek("X-A"));
  EXPECT_EQ(header.Peek("X-A").size(), 70u);
  header.SetCookie("c", "cookie-value");
  header.SetCookie("d", header.Cookie("c"));
  header.SetCookie("c", header.Cookie("d").substr(7));
  EXPECT_EQ(header.CookieLine(), "c=value; d=cookie-value");
}

TEST(RequestHeader, ManyChangesDoNotGrowWithoutBound) {
  RequestHeader header;
  for (int i = 0; i < 100000; ++i) {
    header.Set("X-A", std::string(static_cast<size_t>(i % 100), 'x'));
    header.Add("X-B", "value");
    header.Del("X-B");
  }
  RequestHeader copy;
  header.CopyTo(copy);
  EXPECT_EQ(Shown(copy), Shown(header));
}

TEST(RequestHeader, CopyTo) {
  TestHead head(kGet);
  RequestHeader header, copy;
  header.Bind(head.head());
  header.CopyTo(copy);
  EXPECT_NE(header.head(), nullptr);
  EXPECT_EQ(copy.head(), nullptr);
  EXPECT_EQ(copy.UserAgent(), "tool/1");
  EXPECT_EQ(copy.CookieLine(), "a=1; b=2; c=3");
  RequestHeader second;
  copy.CopyTo(second);
  EXPECT_EQ(Shown(second), Shown(copy));
  RequestHeader moved = std::move(second);
  EXPECT_EQ(Shown(moved), Shown(copy));
}

TEST(RequestHeader, EmptyViews) {
  RequestHeader header;
  header.SetMethod({});
  header.SetRequestURI({});
  header.SetHost({});
  header.SetContentType({});
  header.SetUserAgent({});
  header.SetReferer({});
  header.SetContentEncoding({});
  header.SetMultipartFormBoundary({});
  header.Set("X", {});
  header.Add("X", {});
  header.SetCookie({}, {});
  header.DelCookie({});
  header.Del({});
  EXPECT_EQ(header.Peek(std::string_view()), "");
  EXPECT_FALSE(header.Has({}));
  EXPECT_EQ(header.Cookie({}), "");
  EXPECT_TRUE(header.SetTrailer({}).ok());
  VisitHeaderParams({}, [](std::string_view, std::string_view) { return true; });
}

TEST(RequestHeader, SteadyStateAllocatesNothing) {
  if (!kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer owns malloc";
  TestHead head(kGet);
  RequestHeader received, made;
  auto work = [&] {
    received.Bind(head.head());
    ASSERT_EQ(received.Peek("X-One"), "1");
    ASSERT_EQ(received.Cookie("c"), "3");
    received.Set("X-Added", "value");  // Copies the head.
    made.Reset();
    made.SetMethod("POST");
    made.SetRequestURI("/a-target-of-some-length");
    made.SetHost("example.com");
    made.Set("X-Something", "with a value");
    made.SetCookie("a", "1");
    made.SetCookie("b", "2");
  };
  work();
  work();
  AllocCounter counter;
  for (int i = 0; i < 100; ++i) work();
  EXPECT_EQ(counter.count(), 0u);
}

std::string Params(std::string_view value) {
  std::string shown;
  VisitHeaderParams(value, [&](std::string_view name, std::string_view v) {
    shown.append("[").append(name).append("|").append(v).append("]");
    return true;
  });
  return shown;
}

TEST(HeaderParams, Walk) {
  EXPECT_EQ(Params("text/plain ; foo=bar ; param2=\"dquote is: [\\\"], ok?\" ; version=1; q=0.324"),
            "[foo|bar][param2|dquote is: [\\\"], ok?][version|1][q|0.324]");
  EXPECT_EQ(Params("a"), "");
  EXPECT_EQ(Params("a;"), "");
  EXPECT_EQ(Params("a;b"), "");
  EXPECT_EQ(Params("a;b="), "");
  EXPECT_EQ(Params("a;b=c;d"), "[b|c]");
  EXPECT_EQ(Params("a;b=\"c"), "");
  EXPECT_EQ(Params("a;b=\"c\\"), "");
  EXPECT_EQ(Params("a;b=\"\""), "[b|]");
  EXPECT_EQ(Params("a;b=c d;e=f"), "[b|c]");
  EXPECT_EQ(Params("a;b=\"x;y=z\";c=d"), "[b|x;y=z][c|d]");
}

// --- DisableSpecialHeader ---

TEST(DisableSpecialHeader, AReceivedHeaderKeepsItsOrderWhenItIsChanged) {
  TestHead head(kGet);
  RequestHeader header;
  header.Bind(head.head());
  header.DisableSpecialHeader();
  EXPECT_TRUE(header.SpecialHeaderDisabled());
  header.Set("X-New", "n");
  header.SetUserAgent("tool/2");
  header.SetHost("other.example:81");
  EXPECT_EQ(Shown(header),
            "Host: other.example:81\nuser-AGENT: tool/2\nX-One: 1\nCookie: a=1; b=2\nx-one: 2\n"
            "Accept-Encoding: gzip;q=0.5, br;q=0, *;q=0.1\nCookie: c=3\nX-New: n\n");
  EXPECT_EQ(header.Host(), "other.example:81");
  EXPECT_EQ(header.Cookie("c"), "3");
  EXPECT_EQ(header.OtherFields().size(), 8u);
  header.Reset();
  EXPECT_FALSE(header.SpecialHeaderDisabled());
}

TEST(DisableSpecialHeader, FieldsAreWrittenInTheOrderInWhichTheyAreAdded) {
  RequestHeader header;
  header.DisableSpecialHeader();
  header.DisableNormalizing();
  header.Add("x-first", "1");
  header.SetContentType("a/b");
  header.Add("user-agent", "u");
  header.Add("hOST", "h");
  header.Set("X-Last", "2");
  EXPECT_EQ(Shown(header), "x-first: 1\nContent-Type: a/b\nuser-agent: u\nhOST: h\nX-Last: 2\n");
  EXPECT_EQ(header.ContentType(), "a/b");
  header.Del("content-type");
  EXPECT_FALSE(header.Has("Content-Type"));
  header.SetUserAgent({});
  EXPECT_FALSE(header.Has("User-Agent"));
}

TEST(DisableSpecialHeader, WhatHasASlotMovesToTheList) {
  RequestHeader header;
  header.Set("X-A", "1");
  header.SetHost("h");
  header.SetCookie("k", "v");
  header.SetUserAgent("u");
  std::string before = Shown(header);
  header.DisableSpecialHeader();
  EXPECT_EQ(Shown(header), before);
  EXPECT_EQ(header.OtherFields().size(), 4u);
  RequestHeader copy;
  header.CopyTo(copy);
  EXPECT_TRUE(copy.SpecialHeaderDisabled());
  EXPECT_EQ(Shown(copy), before);
}

TEST(EnableSpecialHeader, WhatHasASlotMovesBackToIt) {
  RequestHeader header;
  header.DisableSpecialHeader();
  header.Add("Cookie", "a=1");
  header.Add("X-A", "1");
  header.Add("User-Agent", "first");
  header.Add("Cookie", "b=2");
  header.Add("User-Agent", "last");
  header.SetHost("h");
  header.EnableSpecialHeader();
  EXPECT_FALSE(header.SpecialHeaderDisabled());
  EXPECT_EQ(Shown(header), "Host: h\nUser-Agent: last\nX-A: 1\nCookie: a=1; b=2\n");
  EXPECT_EQ(header.OtherFields().size(), 1u);
  header.SetHost("other");
  header.SetCookie("c", "3");
  EXPECT_EQ(Shown(header), "Host: other\nUser-Agent: last\nX-A: 1\nCookie: a=1; b=2; c=3\n");
}

TEST(EnableSpecialHeader, OfAReceivedHeader) {
  TestHead head(kGet);
  RequestHeader header;
  header.Bind(head.head());
  header.EnableSpecialHeader();  // They are on.
  EXPECT_EQ(header.Host(), "Example.com");
  header.DisableSpecialHeader();
  header.EnableSpecialHeader();
  EXPECT_EQ(header.Host(), "Example.com");
  EXPECT_EQ(header.Cookie("c"), "3");
  EXPECT_EQ(header.PeekAll("x-one").size(), 2u);
}

TEST(DisableSpecialHeader, SEC_FramingAndHostStayTheLibrarys) {
  TestHead head("POST / HTTP/1.1\r\nX: 1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  RequestHeader header;
  header.Bind(head.head());
  header.DisableSpecialHeader();
  header.Add("Transfer-Encoding", "chunked");
  header.Add("Content-Length", "7");
  header.Add("Content-Length", "x");
  header.Add("Host", "second");
  EXPECT_EQ(Shown(header), "Content-Length: 7\nX: 1\nHost: second\n");
  header.Add("Host", "not a host");
  EXPECT_FALSE(header.Has("Host"));
}

TEST(DisableSpecialHeader, Cookies) {
  RequestHeader header;
  header.DisableSpecialHeader();
  header.Add("Cookie", "a=1; b=2");
  header.Add("X", "y");
  header.Add("Cookie", "c=3");
  EXPECT_EQ(header.Cookie("c"), "3");
  header.SetCookie("b", "9");
  EXPECT_EQ(Shown(header), "Cookie: a=1; b=9; c=3\nX: y\n");
  header.DelCookie("a");
  header.DelCookie("b");
  header.DelCookie("c");
  EXPECT_EQ(Shown(header), "X: y\n");
}

// --- As text ---

TEST(RequestHeader, TrapTwoTextsDoNotShareMemory) {
  RequestHeader header;
  header.SetHost("a");
  const std::string first = header.String();
  header.SetHost("b");
  EXPECT_EQ(first, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(header.String(), "GET / HTTP/1.1\r\nHost: b\r\n\r\n");
}

TEST(RequestHeader, TextOfAReceivedHeaderIsWhatCame) {
  TestHead head(kGet);
  RequestHeader header;
  header.Bind(head.head());
  EXPECT_EQ(header.String(), kGet);
  RequestHeader chunked;
  chunked.SetContentLength(-1);
  EXPECT_EQ(chunked.String(), "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(RequestHeader, AcceptEncodingOfSeveralFieldsIsOneList) {
  TestHead head(
      "GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: br\r\nAccept-Encoding: gzip\r\n\r\n");
  RequestHeader header;
  header.Bind(head.head());
  EXPECT_TRUE(header.HasAcceptEncoding("br"));
  EXPECT_TRUE(header.HasAcceptEncoding("gzip"));
  EXPECT_FALSE(header.HasAcceptEncoding("zstd"));
}

TEST(RequestHeader, ATrailerThatWasAnnouncedIsThereOnceWhenItComes) {
  RequestHeader header;
  ASSERT_TRUE(header.SetTrailer("X-Sum, X-Other").ok());
  EXPECT_EQ(header.MutableTrailers().AddReceived("x-sum", "1"), Errc::kOk);
  EXPECT_EQ(header.MutableTrailers().AddReceived("x-sum", "2"), Errc::kOk);
  std::string shown;
  header.VisitAllTrailer([&](std::string_view name, std::string_view value) {
    shown.append(name).append("=").append(value).append(";");
  });
  EXPECT_EQ(shown, "X-Sum=1;X-Other=;x-sum=2;");
  EXPECT_EQ(header.Trailers()->Peek("X-SUM"), "1");
}

}  // namespace
}  // namespace fasthttp
