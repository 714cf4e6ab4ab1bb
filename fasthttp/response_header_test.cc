#include <algorithm>
#include <climits>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fasthttp/cookie.h"
#include "fasthttp/error.h"
#include "fasthttp/header.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"

namespace fasthttp {
namespace {

std::string Shown(const ResponseHeader& header) {
  std::string shown;
  header.VisitAll([&](std::string_view name, std::string_view value) {
    shown.append(name).append(": ").append(value).append("\n");
  });
  return shown;
}

TEST(ResponseHeader, EmptyOne) {
  ResponseHeader header;
  EXPECT_EQ(header.StatusCode(), 200);
  EXPECT_EQ(header.ContentType(), kDefaultContentType);
  EXPECT_FALSE(header.HasContentType());
  header.SetNoDefaultContentType(true);
  EXPECT_EQ(header.ContentType(), "");
  EXPECT_EQ(header.ContentLength(), kContentLengthNone);
  EXPECT_EQ(header.Len(), 0u);
  EXPECT_EQ(header.Peek("Content-Type"), "");
}

TEST(ResponseHeader, StatusCodesStayInRange) {
  ResponseHeader header;
  for (int code : {100, 200, 599, 999}) {
    header.SetStatusCode(code);
    EXPECT_EQ(header.StatusCode(), code);
  }
  for (int code : {-1, 0, 99, 1000, 65536 + 200, INT_MAX, INT_MIN}) {
    header.SetStatusCode(code);
    EXPECT_EQ(header.StatusCode(), 500) << code;
  }
}

TEST(ResponseHeader, SpecialFields) {
  ResponseHeader header;
  header.Set("content-type", "t");
  header.Add("CONTENT-TYPE", "t2");
  header.Set("content-encoding", "gzip");
  header.Set("server", "s");
  header.Set("content-length", "7");
  header.Set("X-Other", "o");
  header.Set("connection", "close");
  EXPECT_EQ(header.ContentType(), "t2");
  EXPECT_EQ(header.ContentLength(), 7);
  EXPECT_TRUE(header.ConnectionClose());
  EXPECT_EQ(Shown(header),
            "Server: s\nContent-Type: t2\nContent-Encoding: gzip\nContent-Length: 7\nX-Other: o\n"
            "Connection: close\n");
  for (std::string_view name :
       {"content-type", "content-encoding", "server", "content-length", "connection", "x-other"}) {
    EXPECT_TRUE(header.Has(name)) << name;
    EXPECT_NE(header.Peek(name), "") << name;
    header.Del(name);
    EXPECT_FALSE(header.Has(name)) << name;
  }
  EXPECT_EQ(header.ContentLength(), kContentLengthNone);
}

TEST(ResponseHeader, TrapManagedFieldsAreIgnored) {
  ResponseHeader header;
  header.Set("Date", "yesterday");
  header.Add("date", "yesterday");
  header.Set("Transfer-Encoding", "chunked");
  header.Set("Content-Length", "five");
  EXPECT_EQ(header.Len(), 0u);
}

TEST(ResponseHeader, SEC_NoSetterLetsALineEndThrough) {
  std::string all;
  for (unsigned i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  ResponseHeader header;
  header.SetContentType(all);
  header.SetContentEncoding(all);
  header.SetServer(all);
  header.Set(all, all);
  header.Add(all, all);
  header.SetCanonical(all, all);
  header.Set("Connection", all);
  header.Set("Set-Cookie", all);
  header.Add("Set-Cookie", all);
  header.Set("Location", all);
  header.DelClientCookie(all);
  (void)header.SetTrailer(all);
  bool found = false;
  header.VisitAll([&](std::string_view name, std::string_view value) {
    std::string_view bad("\r\n\0", 3);
    found |= name.find_first_of(bad) != name.npos || value.find_first_of(bad) != value.npos;
  });
  EXPECT_FALSE(found);
}

TEST(ResponseHeader, SetCookieReplacesTheSameNameOnly) {
  ResponseHeader header;
  Cookie cookie;
  cookie.SetKey("a");
  cookie.SetValue("1");
  header.SetCookie(cookie);
  cookie.SetKey("b");
  header.SetCookie(cookie);
  cookie.SetKey("a");
  cookie.SetValue("2");
  cookie.SetPath("/p");
  header.SetCookie(cookie);
  header.Set("Set-Cookie", "c=3; HttpOnly");
  EXPECT_EQ(Shown(header),
            "Set-Cookie: a=2; path=/p\nSet-Cookie: b=1\nSet-Cookie: c=3; HttpOnly\n");
  EXPECT_EQ(header.PeekAll("set-cookie").size(), 3u);
  EXPECT_EQ(header.PeekCookie("c"), "c=3; HttpOnly");
  Cookie read;
  read.SetKey("a");
  ASSERT_TRUE(header.Cookie(read));
  EXPECT_EQ(read.Path(), "/p");
  read.SetKey("zzz");
  EXPECT_FALSE(header.Cookie(read));
  header.DelCookie("b");
  EXPECT_EQ(header.PeekAll("Set-Cookie").size(), 2u);
  header.DelAllCookies();
  EXPECT_EQ(header.Len(), 0u);
}

TEST(ResponseHeader, DelClientCookieSendsAnExpiredOne) {
  ResponseHeader header;
  header.Set("Set-Cookie", "a=1");
  header.DelClientCookie("a");
  EXPECT_EQ(Shown(header), "Set-Cookie: a=; expires=Tue, 10 Nov 2009 23:00:00 GMT\n");
}

TEST(ResponseHeader, RangesAndDates) {
  ResponseHeader header;
  header.SetContentRange(0, 9, 100);
  header.SetLastModified(absl::FromUnixSeconds(784111777));
  EXPECT_EQ(Shown(header),
            "Content-Range: bytes 0-9/100\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\n");
}

TEST(ResponseHeader, CopyAndReset) {
  ResponseHeader header, copy;
  header.SetStatusCode(404);
  header.SetContentType("t");
  header.Set("X-A", "1");
  header.SetConnectionClose();
  ASSERT_TRUE(header.AddTrailer("X-T").ok());
  header.CopyTo(copy);
  EXPECT_EQ(Shown(copy), Shown(header));
  EXPECT_EQ(copy.StatusCode(), 404);
  header.Reset();
  EXPECT_EQ(header.Len(), 0u);
  EXPECT_EQ(header.StatusCode(), 200);
  EXPECT_EQ(copy.Peek("x-a"), "1");
}

TEST(ResponseHeader, CopyFromReceivedHead) {
  std::string_view text =
      "HTTP/1.1 404 Nope\r\ncontent-TYPE: t\r\nx-lower: 1\r\nDate: d\r\nSet-Cookie: a=1\r\n"
      "Set-Cookie: a=2\r\nContent-Length: 3\r\nConnection: foo, close\r\n\r\n";
  std::string padded(text);
  padded.append(http1::kPadding, '\0');
  http1::Head head;
  http1::ParseProgress progress;
  ASSERT_EQ(http1::ParseResponseHead({padded.data(), text.size()}, {}, http1::Leniency::kStrict,
                                     progress, head),
            Errc::kOk);
  ResponseHeader header;
  header.CopyFrom(head);
  padded.assign(padded.size(), 'x');
  EXPECT_EQ(header.StatusCode(), 404);
  EXPECT_EQ(header.ContentType(), "t");
  EXPECT_EQ(header.ContentLength(), 3);
  EXPECT_TRUE(header.ConnectionClose());
  EXPECT_EQ(header.PeekAll("Set-Cookie").size(), 2u);
  EXPECT_EQ(header.Peek("Date"), "d");
  EXPECT_NE(Shown(header).find("x-lower: 1"), std::string::npos);
}

TEST(ResponseHeader, ViewsIntoItselfAreFine) {
  ResponseHeader header;
  header.SetContentType("a content type that is rather long, longer than others");
  header.SetContentType(header.ContentType().substr(2));
  EXPECT_EQ(header.ContentType(), "content type that is rather long, longer than others");
  header.Set("X-A", header.ContentType());
  for (int i = 0; i < 100; ++i) header.Add("X-A", header.Peek("X-A"));
  EXPECT_EQ(header.PeekAll("X-A").size(), 101u);
  EXPECT_EQ(header.PeekAll("X-A").back(), header.ContentType());
}

TEST(ResponseHeader, EmptyViews) {
  ResponseHeader header;
  header.SetContentType({});
  header.SetContentEncoding({});
  header.SetServer({});
  header.Set({}, {});
  header.Add({}, {});
  header.SetCanonical({}, {});
  header.Set("Set-Cookie", {});
  header.Set("Connection", {});
  header.Del({});
  header.DelCookie({});
  EXPECT_EQ(header.Peek(std::string_view()), "");
  EXPECT_FALSE(header.Has({}));
  EXPECT_TRUE(header.AddTrailer({}).ok());
}

TEST(ResponseHeader, TextAndStatusLine) {
  ResponseHeader header;
  header.SetStatusCode(404);
  header.SetContentType("a/b");
  header.SetContentLength(3);
  EXPECT_EQ(header.String(),
            "HTTP/1.1 404 Not Found\r\nContent-Type: a/b\r\nContent-Length: 3\r\n\r\n");
  header.SetContentLength(-1);
  EXPECT_EQ(header.String(),
            "HTTP/1.1 404 Not Found\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST(ResponseHeader, SteadyStateAllocatesNothing) {
  if (!testing_internal::kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer owns malloc";
  ResponseHeader header;
  Cookie cookie;
  cookie.SetKey("session");
  cookie.SetValue("0123456789abcdef0123456789abcdef");
  cookie.SetExpire(absl::FromUnixSeconds(784111777));
  cookie.SetPath("/");
  auto fill = [&] {
    header.Reset();
    header.SetCookie(cookie);
    header.SetLastModified(absl::FromUnixSeconds(784111777));
    header.SetContentRange(1000000, 2000000, 3000000);
    header.SetContentLength(1234567890123456789);
  };
  fill();
  const std::string first = header.String();
  testing_internal::AllocCounter counter;
  for (int i = 0; i < 100; ++i) fill();
  EXPECT_EQ(counter.count(), 0u);
  EXPECT_EQ(header.String(), first);
  EXPECT_NE(first.find("Content-Range: bytes 1000000-2000000/3000000\r\n"), std::string::npos);
}

// --- A received head: kept as it came, or taken apart at once ---

// What framing makes of a head's Content-Length.
int64_t LengthOf(const http1::Head& head) {
  uint64_t length = 0;
  const bool has_length = head.Has(http1::KnownField::kContentLength) &&
                          http1::ParseContentLength(head.Value(http1::KnownField::kContentLength),
                                                    &length) == Errc::kOk;
  return has_length ? static_cast<int64_t>(length) : kContentLengthNone;
}

// Has `header` receive `text`, whose bytes are gone then. False if that is no head.
bool Receive(std::string text, ResponseHeader& header) {
  const size_t size = text.size();
  text.append(http1::kPadding, '\0');
  std::vector<http1::Field> arena(http1::HeadLimits().max_fields);
  http1::Head& head = header.HeadToReceive();
  EXPECT_EQ(head.fields, head.inline_fields) << "that of an earlier head is gone";
  http1::ParseProgress progress;
  auto parse = [&] {
    return http1::ParseResponseHead({text.data(), size}, {}, http1::Leniency::kStrict, progress,
                                    head);
  };
  Errc errc = parse();
  if (errc == Errc::kNeedFieldSpace) {
    head.UseArena(arena);
    errc = parse();
  }
  if (errc != Errc::kOk) return false;
  header.TakeReceived(LengthOf(head));
  std::fill(text.begin(), text.end(), '#');
  return true;
}

// Both forms of the same head, whose bytes are gone.
struct BothForms {
  explicit BothForms(const std::string& text) {
    const std::string padded = text + std::string(http1::kPadding, '\0');
    http1::Head head;
    http1::ParseProgress progress;
    ok = http1::ParseResponseHead({padded.data(), text.size()}, {}, http1::Leniency::kStrict,
                                  progress, head) == Errc::kOk &&
         Receive(text, kept);
    if (ok) copied.CopyFrom(head, LengthOf(head));
  }
  bool ok = false;
  ResponseHeader copied;
  ResponseHeader kept;
};

std::string All(const ResponseHeader& header) {
  std::string all = header.String();
  absl::StrAppend(&all, header.StatusCode(), "|", header.ContentType(), "|",
                  header.HasContentType(), "|", header.ContentEncoding(), "|", header.Server(), "|",
                  header.ContentLength(), "|", header.ConnectionClose(), "|",
                  header.ConnectionUpgrade(), "|", header.Len(), "|", header.PlainContentType(),
                  "|", header.NoDefaultContentType(), "|",
                  absl::StrJoin(header.PeekTrailerKeys(), " "), "\n");
  for (std::string_view name :
       {"Server", "content-type", "Content-Encoding", "Content-Length", "Connection", "Date",
        "Trailer", "Set-Cookie", "Transfer-Encoding", "X-One", "x-two", "X-Missing"}) {
    absl::StrAppend(&all, name, "=", header.Peek(name), ",", header.Has(name), ",",
                    absl::StrJoin(header.PeekAll(name), "+"), "\n");
  }
  absl::StrAppend(&all, absl::StrJoin(header.PeekKeys(), " "), "|", header.PeekCookie("a"), "|");
  header.VisitAllCookie([&](std::string_view name, std::string_view line) {
    absl::StrAppend(&all, name, ":", line, ";");
  });
  return all;
}

constexpr std::string_view kReceivedHeads[] = {
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\n",
    "HTTP/1.1 404\r\nServer: s\r\nDate: today\r\ncontent-type: a/b\r\nCONTENT-LENGTH: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0012\r\nX-One: 1\r\n\r\n",
    "HTTP/1.0 200 OK\r\nX-One: 1\r\nContent-Encoding: gzip\r\n\r\n",
    "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nServer:\r\nX-One:\r\nx-one: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nConnection: close\r\nX-One: 1\r\n\r\n",
    "HTTP/1.1 101 Up\r\nConnection: upgrade, close\r\nUpgrade: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-One\r\nX-Two: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nServer: a\r\nServer: b\r\nX-Two: 2\r\nX-One: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nX-One: 1\r\n\r\n",
};

std::string HeadOfFields(int count) {
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < count; ++i) absl::StrAppend(&head, "X-", i, ": ", i, "\r\n");
  return head.append("\r\n");
}

TEST(ReceivedResponseHeader, ReadsTheSameAsACopyOfItsFields) {
  for (std::string_view text : kReceivedHeads) {
    BothForms forms{std::string(text)};
    ASSERT_TRUE(forms.ok) << text;
    EXPECT_EQ(All(forms.kept), All(forms.copied)) << text;
  }
  BothForms most(HeadOfFields(http1::Head::kInlineFields));
  ASSERT_TRUE(most.ok);
  EXPECT_EQ(All(most.kept), All(most.copied));
}

TEST(ReceivedResponseHeader, ChangesTheSameAsACopyOfItsFields) {
  using Change = void (*)(ResponseHeader&);
  const Change changes[] = {
      [](ResponseHeader& h) { h.Set("X-One", "set"); },
      [](ResponseHeader& h) { h.Set("Date", "never"); },
      [](ResponseHeader& h) { h.Set("Connection", "upgrade"); },
      [](ResponseHeader& h) { h.Set("X-Copy", h.Peek("X-Two")); },
      [](ResponseHeader& h) { h.Add("X-Two", "added"); },
      [](ResponseHeader& h) { h.SetCanonical("x-ThRee", "3"); },
      [](ResponseHeader& h) { h.Del("Content-Type"); },
      [](ResponseHeader& h) { h.Del("X-One"); },
      [](ResponseHeader& h) { h.SetContentType(h.Server()); },
      [](ResponseHeader& h) { h.SetServer("new"); },
      [](ResponseHeader& h) { h.SetContentEncoding("br"); },
      [](ResponseHeader& h) { h.SetContentLength(77); },
      [](ResponseHeader& h) { h.SetContentLength(kContentLengthChunked); },
      [](ResponseHeader& h) { h.SetContentRange(1, 2, 3); },
      [](ResponseHeader& h) { h.SetStatusCode(201); },
      [](ResponseHeader& h) { h.SetConnectionClose(); },
      [](ResponseHeader& h) { h.ResetConnectionClose(); },
      [](ResponseHeader& h) { h.SetNoDefaultContentType(false); },
      [](ResponseHeader& h) { h.SetTrailer("X-Two").IgnoreError(); },
      [](ResponseHeader& h) { h.DelCookie("a"); },
      [](ResponseHeader& h) { h.DelAllCookies(); },
      [](ResponseHeader& h) { h.Set("Set-Cookie", "a=3"); },
      [](ResponseHeader& h) { (void)h.OtherFields(); },
      [](ResponseHeader& h) { h.Reset(); },
  };
  for (std::string_view text : kReceivedHeads) {
    for (size_t i = 0; i < std::size(changes); ++i) {
      BothForms forms{std::string(text)};
      changes[i](forms.kept);
      changes[i](forms.copied);
      EXPECT_EQ(All(forms.kept), All(forms.copied)) << text << " change " << i;
      forms.kept.SetServer("another");
      forms.copied.SetServer("another");
      EXPECT_EQ(All(forms.kept), All(forms.copied)) << text << " change " << i;
    }
  }
}

// As a response does that is passed to one call after the other.
TEST(ReceivedResponseHeader, IsThatOfTheLastHeadAlone) {
  using Change = void (*)(ResponseHeader&);
  const Change changes[] = {
      [](ResponseHeader&) {},
      [](ResponseHeader& h) { h.DisableNormalizing(); },
      [](ResponseHeader& h) { h.SetNoDefaultContentType(false); },
      [](ResponseHeader& h) { h.SetTrailer("X-Two").IgnoreError(); },
      [](ResponseHeader& h) { h.AddTrailer("X-One, X-Three").IgnoreError(); },
      [](ResponseHeader& h) { h.SetStatusCode(299); },
      [](ResponseHeader& h) { h.SetConnectionClose(); },
      [](ResponseHeader& h) { h.SetContentType("c/d"); },
      [](ResponseHeader& h) { h.SetContentEncoding("br"); },
      [](ResponseHeader& h) { h.SetServer("new"); },
      [](ResponseHeader& h) { h.SetContentLength(77); },
      [](ResponseHeader& h) { h.Set("X-One", "set"); },
      [](ResponseHeader& h) { h.Set("Set-Cookie", "a=3"); },
      [](ResponseHeader& h) { h.Del("X-One"); },
      [](ResponseHeader& h) { h.Reset(); },
      // A head of which nothing comes.
      [](ResponseHeader& h) { EXPECT_FALSE(Receive("HTTP/1.1 200 OK\r\nX-One: 1\r\n", h)); },
  };
  std::vector<std::string> heads(std::begin(kReceivedHeads), std::end(kReceivedHeads));
  heads.push_back(HeadOfFields(http1::Head::kInlineFields));
  heads.push_back(HeadOfFields(http1::Head::kInlineFields + 1));
  for (const std::string& first : heads) {
    for (const std::string& second : heads) {
      for (size_t i = 0; i < std::size(changes); ++i) {
        ResponseHeader header, fresh;
        ASSERT_TRUE(Receive(first, header));
        changes[i](header);
        ASSERT_TRUE(Receive(second, header) && Receive(second, fresh));
        ASSERT_EQ(All(header), All(fresh)) << first << second << " change " << i;
        header.Set("x-lower", "1");
        fresh.Set("x-lower", "1");
        ASSERT_EQ(All(header), All(fresh)) << first << second << " change " << i;
      }
    }
  }
}

TEST(ReceivedResponseHeader, IsEmptyAfterOneThatIsNone) {
  for (std::string_view text : kReceivedHeads) {
    for (const char* broken : {"HTTP/1.1 200 OK\r\nX-One: 1\r\n", "HTTP/1.1 20\r\n\r\n",
                               "HTTP/1.1 200 OK\r\nServer: s\r\nX-One : 1\r\n\r\n"}) {
      ResponseHeader header;
      ASSERT_TRUE(Receive(std::string(text), header));
      ASSERT_FALSE(Receive(broken, header));
      header.Reset();
      EXPECT_EQ(All(header), All(ResponseHeader())) << text;
    }
  }
}

TEST(ReceivedResponseHeader, ViewsOutliveTheFirstChange) {
  BothForms forms{"HTTP/1.1 200 OK\r\nServer: s\r\nX-One: one\r\n\r\n"};
  const std::string_view server = forms.kept.Server();
  const std::string_view one = forms.kept.Peek("X-One");
  forms.kept.Set("X-Two", "two");
  EXPECT_EQ(server, "s");
  EXPECT_EQ(one, "one");
}

TEST(ReceivedResponseHeader, CopiesAndIsUsedAgain) {
  for (std::string_view text : kReceivedHeads) {
    BothForms forms{std::string(text)};
    ResponseHeader copy;
    copy.Set("X-Old", "old");
    forms.kept.SetStatusCode(299);
    forms.kept.CopyTo(copy);
    EXPECT_EQ(All(copy), All(forms.kept)) << text;
    forms.kept.Reset();
    EXPECT_EQ(All(forms.kept), All(ResponseHeader())) << text;
    copy.CopyTo(forms.kept);
    EXPECT_EQ(All(forms.kept), All(copy)) << text;
  }
}

}  // namespace
}  // namespace fasthttp
