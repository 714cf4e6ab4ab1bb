#include "fasthttp/uri.h"

#include <string>

#include "fasthttp/error.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"

namespace fasthttp {
namespace {

using testing_internal::AllocCounter;
using testing_internal::kAllocCounterAvailable;

std::string Normal(std::string_view path) {
  std::string text;
  AppendNormalizedPath(text, path);
  return text;
}

std::string Host(std::string_view host) {
  std::string text;
  Errc errc = AppendCanonicalHost(text, host);
  return errc == Errc::kOk ? text : std::string(ErrcName(errc));
}

// scheme|user|password|host|path|query|hash
std::string Parts(std::string_view host, std::string_view text) {
  URI uri;
  Errc errc = uri.TryParse(host, text);
  if (errc != Errc::kOk) return std::string(ErrcName(errc));
  std::string shown;
  for (std::string_view part :
       {uri.Scheme(), uri.Username(), uri.Password(), uri.Host(), uri.Path(), uri.QueryString()}) {
    shown.append(part).append("|");
  }
  return shown.append(uri.Hash());
}

TEST(Path, Normalizes) {
  EXPECT_EQ(Normal({}), "/");
  EXPECT_EQ(Normal("a"), "/a");
  EXPECT_EQ(Normal("/a/b"), "/a/b");
  EXPECT_EQ(Normal("//a///b//"), "/a/b/");
  EXPECT_EQ(Normal("/a/./b/././c"), "/a/b/c");
  EXPECT_EQ(Normal("/a/b/../c"), "/a/c");
  EXPECT_EQ(Normal("/a/b/../../c"), "/c");
  EXPECT_EQ(Normal("/a/b/.."), "/a/");
  EXPECT_EQ(Normal("/.."), "/");
  EXPECT_EQ(Normal("/../../a"), "/a");
  EXPECT_EQ(Normal("/a/../../../b"), "/b");
  EXPECT_EQ(Normal("/a/..bbb/c"), "/a/..bbb/c");
  EXPECT_EQ(Normal("/a/.../b"), "/a/.../b");
  EXPECT_EQ(Normal("/a/.b/..c/d."), "/a/.b/..c/d.");
  EXPECT_EQ(Normal("/a b+c"), "/a b+c");
  EXPECT_EQ(Normal("../a"), "/a");
}

// RFC 3986, section 5.2.4: a dot segment at the end leaves its slash.
TEST(Path, TrapADotSegmentAtTheEndGoesToo) {
  EXPECT_EQ(Normal("/a/."), "/a/");
  EXPECT_EQ(Normal("/."), "/");
  EXPECT_EQ(Normal("."), "/");
  EXPECT_EQ(Normal("/./"), "/");
  EXPECT_EQ(Normal("/a/./."), "/a/");
  EXPECT_EQ(Normal("/a/b/../."), "/a/");
  EXPECT_EQ(Normal("/b/.."), "/");
  EXPECT_EQ(Normal("/b/../"), "/");
  EXPECT_EQ(Normal("/a/b/./.."), "/a/");
  EXPECT_EQ(Normal(".."), "/");
  EXPECT_EQ(Normal("/../.."), "/");
  EXPECT_EQ(Normal("/a/.//.."), "/");
  for (std::string_view stays : {"/a/...", "/...", "/a.", "/a..", "/.a", "/..a", "/. ", "/ ."}) {
    EXPECT_EQ(Normal(stays), stays);
  }
}

TEST(Path, EscapedDotsAreDots) {
  EXPECT_EQ(Normal("/a/%2e"), "/a/");
  EXPECT_EQ(Normal("/a/%2E/b"), "/a/b");
  EXPECT_EQ(Normal("/a/%2e%2E"), "/");
  EXPECT_EQ(Normal("/a/.%2e/b"), "/b");
  EXPECT_EQ(Normal("/a/%2e./b"), "/b");
  EXPECT_EQ(Normal("%2e%2e"), "/");
  EXPECT_EQ(Normal("%2e/a"), "/a");
  EXPECT_EQ(Normal("/a/b%2f%2e"), "/a/b/");
  EXPECT_EQ(Normal("/a/b%2f.."), "/a/");
  EXPECT_EQ(Normal("/a/%252e"), "/a/%2e");  // Decoded once.
  EXPECT_EQ(Normal("/a/%2"), "/a/%2");
  EXPECT_EQ(Normal("/a/.%00"), std::string_view("/a/.\0", 5));
}

TEST(Path, TrapDecodingComesBeforeEverythingElse) {
  EXPECT_EQ(Normal("/a%2F%2Fb"), "/a/b");
  EXPECT_EQ(Normal("%2Ffoo"), "/foo");
  EXPECT_EQ(Normal("/%2Ffoo"), "/foo");
  EXPECT_EQ(Normal("/a%2e/b"), "/a./b");
  EXPECT_EQ(Normal("/%252e%252e/b"), "/%2e%2e/b");  // Decoded once, not twice.
}

TEST(Path, SEC_EscapedDotsCannotClimb) {
  for (std::string_view path : {"/a/%2e%2e%2f%2e%2e%2f%2e%2e%2fetc/passwd", "/%2e%2e/etc/passwd",
                                "/a/..%2f../..%2F/etc/passwd", "/./%2e./.%2e/etc/passwd"}) {
    EXPECT_EQ(Normal(path), "/etc/passwd") << path;
  }
}

TEST(Path, MalformedPercentStays) {
  EXPECT_EQ(Normal("/%zz%4%"), "/%zz%4%");
  EXPECT_EQ(Normal("/%00a"), std::string_view("/\0a", 3));
}

TEST(URI, Parse) {
  EXPECT_EQ(Parts("example.com", "/a/b?c=d#e"), "http|||example.com|/a/b|c=d|e");
  EXPECT_EQ(Parts({}, "http://example.com"), "http|||example.com|/||");
  EXPECT_EQ(Parts({}, "HTTPS://Example.COM:8080/X"), "https|||example.com:8080|/X||");
  EXPECT_EQ(Parts({}, "//example.com/x"), "http|||example.com|/x||");
  EXPECT_EQ(Parts({}, "http://example.com?q"), "http|||example.com|/|q|");
  EXPECT_EQ(Parts({}, "/only/path"), "http||||/only/path||");
  EXPECT_EQ(Parts("h", ""), "http|||h|/||");
  EXPECT_EQ(Parts("h", "*"), "http|||h|*||");
  EXPECT_EQ(Parts({}, "ftp+x://h/"), "ftp+x|||h|/||");
}

TEST(URI, AuthorityOfTheTargetWins) {
  EXPECT_EQ(Parts("header.example", "http://target.example/x"), "http|||target.example|/x||");
}

TEST(URI, DoubleSlashPathIsNoAuthorityForAServer) {
  EXPECT_EQ(Parts("h", "//evil.example/x"), "http|||h|/evil.example/x||");
  EXPECT_EQ(Parts("h", "/r?u=http://x/"), "http|||h|/r|u=http://x/|");
  EXPECT_EQ(Parts("h", "/r#http://x/"), "http|||h|/r||http://x/");
}

TEST(URI, SEC_AuthorityEndsAtHash) {
  EXPECT_EQ(Parts({}, "http://google.com#@github.com"), "http|||google.com|/||@github.com");
  EXPECT_EQ(Parts({}, "http://google.com?@github.com"), "http|||google.com|/|@github.com|");
  EXPECT_EQ(Parts({}, "http://google.com/@github.com"), "http|||google.com|/@github.com||");
}

TEST(URI, QueryBehindHashIsFragment) { EXPECT_EQ(Parts("h", "/a#b?c"), "http|||h|/a||b?c"); }

TEST(URI, Userinfo) {
  EXPECT_EQ(Parts({}, "http://u:p@h/"), "http|u|p|h|/||");
  EXPECT_EQ(Parts({}, "http://u@h/"), "http|u||h|/||");
  EXPECT_EQ(Parts({}, "http://u:p:q%41@h/"), "http|u|p:q%41|h|/||");
  EXPECT_EQ(Parts({}, "http://a@b@h/"), "http|a@b||h|/||");
  EXPECT_EQ(Parts({}, "http://u<@h/"), "BadHost");
  EXPECT_EQ(Parts({}, "http://u\\@h/"), "BadHost");
}

TEST(URI, SEC_ControlBytesAreRefused) {
  for (unsigned i = 0; i < 256; ++i) {
    std::string text = std::string("http://h/a") + static_cast<char>(i) + "b";
    bool control = i < 32 || i == 127;
    EXPECT_EQ(URI().TryParse({}, text), control ? Errc::kBadUri : Errc::kOk) << i;
  }
}

TEST(URI, SchemeMustBeOne) {
  EXPECT_EQ(Parts({}, "1http://h/"), "BadUri");
  EXPECT_EQ(Parts({}, "://h/"), "BadUri");
  EXPECT_EQ(Parts({}, "ht tp://h/"), "BadUri");
  EXPECT_EQ(Parts({}, "http://"), "BadHost");
  EXPECT_EQ(Parts({}, "http:///x"), "BadHost");
  EXPECT_EQ(Parts({}, "file:///x"), "file||||/x||");
}

TEST(Host, Canonical) {
  EXPECT_EQ(Host("Example.COM"), "example.com");
  EXPECT_EQ(Host("example.com."), "example.com.");
  EXPECT_EQ(Host("h:80"), "h:80");
  EXPECT_EQ(Host("h:"), "h:");
  EXPECT_EQ(Host("127.0.0.1:8080"), "127.0.0.1:8080");
  EXPECT_EQ(Host("[::1]"), "[::1]");
  EXPECT_EQ(Host("[2001:DB8::1]:443"), "[2001:db8::1]:443");
  EXPECT_EQ(Host("[::ffff:1.2.3.4]"), "[::ffff:1.2.3.4]");
  EXPECT_EQ(Host("[fe80::1%25En0]"), "[fe80::1%En0]");
  EXPECT_EQ(Host("[fe80::1%25en0]:80"), "[fe80::1%en0]:80");
}

TEST(Host, SEC_Refused) {
  for (std::string_view host :
       {"",     "a b",    "a\\b",   "a:b",     "a:1:2",     "a:80a",        "[::1",
        "::1]", "a[::1]", "[::1]a", "[::1]:x", "[1::2::3]", "[::1.2.3.04]", "[::12345]",
        "[]",   "a/b",    "a?b",    "a#b",     "a@b",       "a,b",          "a\r",
        "%41",  "a%2eb",  "%00",    "%",       "%zz",       ":80"}) {
    EXPECT_EQ(Host(host), "BadHost") << host;
  }
  EXPECT_EQ(Host({}), "BadHost");
}

// As in the catalogues of what parsers read in two ways.
TEST(URI, SEC_HostileAuthorities) {
  for (std::string_view text : {"http://h:80:80/",
                                "http://[::1]evil/",
                                "http://evil[::1]/",
                                "http://[::1",
                                "http://h%00.evil/",
                                "http://h%2eevil/",
                                "http://h%40evil/",
                                "http://evil\\@h/",
                                "http://h\\evil/",
                                "http://h evil/",
                                "http://h,evil/",
                                "http://\xef\xbc\x8f/",
                                "http://h\xe3\x80\x82/",
                                "http://h:\xd9\xa8\xd9\xa0/",
                                "http://h:80a/",
                                "http://h:-80/",
                                "http://h:65536/",
                                "http://h:99999999999/",
                                "http://[::1%en0]/",
                                "http://[::1%25]/",
                                "http://[v1.x]/",
                                "http://[127.0.0.1]/",
                                "http://[1:2:3:4:5:6:7:8:9]/",
                                "http://u@",
                                "http://u@/",
                                "http://u@:80/",
                                "http://u\"@h/",
                                "http://u<v@h/",
                                "http://u[@h/",
                                "http://u v@h/"}) {
    EXPECT_EQ(Parts({}, text), "BadHost") << text;
  }
  // Not an authority at all.
  EXPECT_EQ(Parts("h", "http:/evil/"), "http|||h|/http:/evil/||");
  EXPECT_EQ(Parts("h", "http:\\\\evil/"), "http|||h|/http:\\\\evil/||");
  EXPECT_EQ(Parts("h", "/http://evil/"), "http|||h|/http:/evil/||");
  EXPECT_EQ(Parts("h", "?http://evil/"), "http|||h|/|http://evil/|");
  // The last "@" counts, whatever stands before it.
  EXPECT_EQ(Parts({}, "http://good.example:80@evil.example/"),
            "http|good.example|80|evil.example|/||");
}

TEST(Host, SEC_OnlyNonAsciiIsDecoded) {
  EXPECT_EQ(Host("x%C3%A4"), "x\xC3\xA4");
  EXPECT_EQ(Host("x%41"), "BadHost");
}

TEST(URI, HostNameAndPort) {
  URI uri;
  auto pair = [&](std::string_view host) {
    uri.SetHost(host);
    return std::string(uri.HostName()) + " " + std::string(uri.Port());
  };
  EXPECT_EQ(pair("h"), "h ");
  EXPECT_EQ(pair("h:80"), "h 80");
  EXPECT_EQ(pair("[::1]"), "::1 ");
  EXPECT_EQ(pair("[::1]:80"), "::1 80");
  EXPECT_EQ(pair({}), " ");
}

TEST(URI, PathOriginalIsUntouched) {
  URI uri;
  ASSERT_TRUE(uri.Parse("h", "/a/%2e%2e/b%2Fc?x").ok());
  EXPECT_EQ(uri.Path(), "/b/c");
  EXPECT_EQ(uri.PathOriginal(), "/a/%2e%2e/b%2Fc");
  EXPECT_EQ(uri.LastPathSegment(), "c");
  EXPECT_EQ(uri.RequestURI(), "/b/c?x");
}

TEST(URI, DisablePathNormalizing) {
  URI uri;
  uri.SetDisablePathNormalizing(true);
  ASSERT_TRUE(uri.Parse("h", "/a//%2e%2e/b?x").ok());
  EXPECT_EQ(uri.Path(), "/a//%2e%2e/b");
  EXPECT_EQ(uri.RequestURI(), "/a//%2e%2e/b?x");
}

TEST(URI, AsText) {
  URI uri;
  ASSERT_TRUE(uri.Parse("http://Host/a b/\xC3\xA4*?x=y z&q#frag").ok());
  EXPECT_EQ(uri.RequestURI(), "/a%20b/%C3%A4%2A?x=y%20z&q");
  EXPECT_EQ(uri.FullURI(), "http://host/a%20b/%C3%A4%2A?x=y%20z&q#frag");
  EXPECT_EQ(URI().FullURI(), "http:///");
}

TEST(URI, SEC_UserinfoIsNotInTheFullURI) {
  URI uri;
  ASSERT_TRUE(uri.Parse("http://user:secret@h/x").ok());
  EXPECT_EQ(uri.FullURI(), "http://h/x");
  EXPECT_EQ(uri.Password(), "secret");
}

TEST(URI, QueryArgs) {
  URI uri;
  ASSERT_TRUE(uri.Parse("h", "/x?a=1&b").ok());
  EXPECT_EQ(uri.QueryArgs().Peek("a"), "1");
  EXPECT_EQ(uri.RequestURI(), "/x?a=1&b");
  uri.MutableQueryArgs().Set("a", "2 3");
  EXPECT_EQ(uri.RequestURI(), "/x?a=2+3&b");
  uri.MutableQueryArgs().Reset();
  EXPECT_EQ(uri.RequestURI(), "/x");
  uri.SetQueryString("c=4");
  EXPECT_EQ(uri.QueryArgs().Peek("c"), "4");
  EXPECT_EQ(uri.RequestURI(), "/x?c=4");
}

TEST(URI, SEC_QueryArgsCanBeCapped) {
  URI uri;
  uri.SetMaxQueryArgs(2);
  ASSERT_TRUE(uri.Parse("h", "/x?a&b&c").ok());
  EXPECT_EQ(uri.QueryArgs().Len(), 2u);
}

std::string Updated(std::string_view base, std::string_view reference) {
  URI uri;
  EXPECT_TRUE(uri.Parse(base).ok());
  absl::Status status = uri.Update(reference);
  return status.ok() ? uri.FullURI() : std::string(ErrcName(ErrcOf(status)));
}

TEST(URI, Update) {
  std::string_view base = "http://h/a/b?q#f";
  EXPECT_EQ(Updated(base, ""), "http://h/a/b?q#f");
  EXPECT_EQ(Updated(base, "https://X/y"), "https://x/y");
  EXPECT_EQ(Updated("https://h/a", "//x/y"), "https://x/y");
  EXPECT_EQ(Updated(base, "/c"), "http://h/c");
  EXPECT_EQ(Updated(base, "c"), "http://h/a/c");
  EXPECT_EQ(Updated(base, "../c"), "http://h/c");
  EXPECT_EQ(Updated(base, "c/?x#y"), "http://h/a/c/?x#y");
  EXPECT_EQ(Updated(base, "?z"), "http://h/a/b?z");
  EXPECT_EQ(Updated(base, "#z"), "http://h/a/b?q#z");
  EXPECT_EQ(Updated(base, "?z#y"), "http://h/a/b?z#y");
  EXPECT_EQ(Updated("http://h", "x"), "http://h/x");
  EXPECT_EQ(Updated("http://[fe80::1%25en0]:80/a", "b"), "http://[fe80::1%25en0]:80/b");
  EXPECT_EQ(Updated("http://h/a%20b/c", "d"), "http://h/a%20b/d");
}

// The examples of RFC 3986, sections 5.4.1 and 5.4.2, but for those with another scheme.
TEST(URI, UpdateResolvesTheExamplesOfRfc3986) {
  struct Row {
    const char* reference;
    const char* target;
  };
  for (const Row& row : std::initializer_list<Row>{{"g", "b/c/g"},
                                                   {"./g", "b/c/g"},
                                                   {"g/", "b/c/g/"},
                                                   {"/g", "g"},
                                                   {"?y", "b/c/d;p?y"},
                                                   {"g?y", "b/c/g?y"},
                                                   {"#s", "b/c/d;p?q#s"},
                                                   {"g#s", "b/c/g#s"},
                                                   {"g?y#s", "b/c/g?y#s"},
                                                   {";x", "b/c/;x"},
                                                   {"g;x", "b/c/g;x"},
                                                   {"g;x?y#s", "b/c/g;x?y#s"},
                                                   {"", "b/c/d;p?q"},
                                                   {".", "b/c/"},
                                                   {"./", "b/c/"},
                                                   {"..", "b/"},
                                                   {"../", "b/"},
                                                   {"../g", "b/g"},
                                                   {"../..", ""},
                                                   {"../../", ""},
                                                   {"../../g", "g"},
                                                   {"../../../g", "g"},
                                                   {"../../../../g", "g"},
                                                   {"/./g", "g"},
                                                   {"/../g", "g"},
                                                   {"g.", "b/c/g."},
                                                   {".g", "b/c/.g"},
                                                   {"g..", "b/c/g.."},
                                                   {"..g", "b/c/..g"},
                                                   {"./../g", "b/g"},
                                                   {"./g/.", "b/c/g/"},
                                                   {"g/./h", "b/c/g/h"},
                                                   {"g/../h", "b/c/h"},
                                                   {"g;x=1/./y", "b/c/g;x=1/y"},
                                                   {"g;x=1/../y", "b/c/y"},
                                                   {"g?y/./x", "b/c/g?y/./x"},
                                                   {"g?y/../x", "b/c/g?y/../x"},
                                                   {"g#s/./x", "b/c/g#s/./x"},
                                                   {"g#s/../x", "b/c/g#s/../x"}}) {
    EXPECT_EQ(Updated("http://a/b/c/d;p?q", row.reference), std::string("http://a/") + row.target)
        << row.reference;
  }
  EXPECT_EQ(Updated("http://a/b/c/d;p?q", "//g"), "http://g/");
}

// RFC 3986, section 4.2: a colon in the first segment makes it a scheme, and there is no telling
// where "mailto:x" would lead. Not followed in silence to a path of that name.
TEST(URI, SEC_UpdateRefusesWhatHasASchemeAndNoAuthority) {
  for (std::string_view reference : {"g:h", "http:g", "http:/g", "https:", "javascript:alert(1)",
                                     "mailto:a@b", "data:,x", "h.example:80/x", "HTTP:\\\\h"}) {
    EXPECT_EQ(Updated("http://a/b/c", reference), "BadUri") << reference;
  }
  EXPECT_EQ(Updated("http://a/b/c", "./g:h"), "http://a/b/g:h");
  EXPECT_EQ(Updated("http://a/b/c", "g/h:i"), "http://a/b/g/h:i");
  EXPECT_EQ(Updated("http://a/b/c", "?x:y"), "http://a/b/c?x:y");
  EXPECT_EQ(Updated("http://a/b/c", "#x:y"), "http://a/b/c#x:y");
  EXPECT_EQ(Updated("http://a/b/c", "10:30"), "http://a/b/10:30");
}

TEST(URI, SEC_UpdateTakesDoubleSlashOnlyBehindAScheme) {
  EXPECT_EQ(Updated("http://h/x/y", "a//b"), "http://h/x/a/b");
  EXPECT_EQ(Updated("http://h/x/y", "https//evil/z"), "http://h/x/https/evil/z");
  EXPECT_EQ(Updated("http://h/x/y", "/a//b"), "http://h/a/b");
  EXPECT_EQ(Updated("http://h/x/y", "?u=http://evil/"), "http://h/x/y?u=http://evil/");
}

TEST(URI, DefectUpdateErrorIsReportedAndChangesNothing) {
  URI uri;
  ASSERT_TRUE(uri.Parse("http://u:p@h/a?b#c").ok());
  EXPECT_EQ(ErrcOf(uri.Update("http://a b/")), Errc::kBadHost);
  EXPECT_EQ(ErrcOf(uri.Update("x\r\ny")), Errc::kBadUri);
  EXPECT_EQ(uri.FullURI(), "http://h/a?b#c");
  EXPECT_EQ(uri.Username(), "u");
}

TEST(URI, SEC_UpdateDropsCredentialsForAnotherHost) {
  URI uri;
  ASSERT_TRUE(uri.Parse("http://u:p@h/a").ok());
  ASSERT_TRUE(uri.Update("/b").ok());
  EXPECT_EQ(uri.Password(), "p");
  ASSERT_TRUE(uri.Update("//other/").ok());
  EXPECT_EQ(uri.Username(), "");
  EXPECT_EQ(uri.Password(), "");
}

TEST(URI, ErrorLeavesItEmpty) {
  URI uri;
  ASSERT_TRUE(uri.Parse("http://h/a?b#c").ok());
  EXPECT_FALSE(uri.Parse("http://h:x/").ok());
  EXPECT_EQ(uri.FullURI(), "http:///");
}

TEST(URI, InputIsNotWritten) {
  const std::string text = "HTTP://U:P@HOST:80/A/../%41//B?Q=%41#H";
  std::string copy = text;
  URI uri;
  ASSERT_TRUE(uri.Parse(copy).ok());
  (void)uri.QueryArgs();
  ASSERT_TRUE(uri.Update("../x").ok());
  EXPECT_EQ(copy, text);
}

TEST(URI, SEC_SettersLetNoLineEndThrough) {
  std::string all;
  for (unsigned i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  URI uri;
  uri.SetScheme(all);
  uri.SetHost(all);
  uri.SetPath(all);
  uri.SetQueryString(all);
  uri.SetHash(all);
  uri.SetUsername(all);
  uri.SetPassword(all);
  std::string text = uri.FullURI();
  text.append(uri.Username()).append(uri.Password());
  EXPECT_EQ(text.find_first_of(std::string_view("\r\n\0", 3)), std::string::npos);
}

TEST(URI, ViewsIntoItselfAreFine) {
  URI uri;
  uri.SetHost("some-host-name.example");
  uri.SetPath("/a-path-that-is-long-enough/x");
  uri.SetPath(uri.Path());
  uri.SetHash(uri.Path());
  uri.SetHost(uri.Host().substr(5));
  EXPECT_EQ(uri.FullURI(),
            "http://host-name.example/a-path-that-is-long-enough/x#/a-path-that-is-long-enough/x");
  ASSERT_TRUE(uri.Parse(uri.Host(), uri.Path()).ok());
  EXPECT_EQ(uri.FullURI(), "http://host-name.example/a-path-that-is-long-enough/x");
  ASSERT_TRUE(uri.Update(uri.Path()).ok());
}

TEST(URI, CopyAndMove) {
  URI uri, copy;
  std::string text = "https://u:p@h/a?b=1#c";
  ASSERT_TRUE(uri.Parse(text).ok());
  uri.MutableQueryArgs().Set("b", "2");
  uri.CopyTo(copy);
  text.assign(text.size(), 'x');
  EXPECT_EQ(copy.FullURI(), "https://h/a?b=2#c");
  URI moved = std::move(copy);
  EXPECT_EQ(moved.FullURI(), "https://h/a?b=2#c");
}

TEST(URI, BindPlainCopiesNothing) {
  std::string target = "/path?a=1";
  URI uri;
  uri.BindPlain("host:80", target, 5);
  EXPECT_EQ(uri.Path().data(), target.data());
  EXPECT_EQ(uri.Path(), "/path");
  EXPECT_EQ(uri.QueryString(), "a=1");
  EXPECT_EQ(uri.Host(), "host:80");
  uri.BindPlain("HOST", target, target.size());
  EXPECT_EQ(uri.Host(), "host");
  EXPECT_EQ(uri.Path(), "/path?a=1");
}

TEST(URI, EmptyViews) {
  URI uri;
  EXPECT_TRUE(uri.Parse({}).ok());
  EXPECT_TRUE(uri.Parse({}, {}).ok());
  EXPECT_TRUE(uri.Update({}).ok());
  uri.SetScheme({});
  uri.SetHost({});
  uri.SetPath({});
  uri.SetQueryString({});
  uri.SetHash({});
  uri.SetUsername({});
  uri.SetPassword({});
  EXPECT_EQ(uri.FullURI(), "http:///");
  EXPECT_FALSE(IsScheme({}));
}

TEST(URI, SteadyStateAllocatesNothing) {
  if (!kAllocCounterAvailable) GTEST_SKIP() << "a sanitizer owns malloc";
  URI uri;
  std::string out;
  out.reserve(200);
  auto work = [&] {
    out.clear();
    ASSERT_EQ(uri.TryParse("host", "/a/../b%20c//d?x=1&y=2"), Errc::kOk);
    ASSERT_EQ(uri.QueryArgs().Peek("y"), "2");
    uri.AppendBytes(out);
    ASSERT_EQ(uri.TryParse({}, "http://host/plain?x"), Errc::kOk);
  };
  work();
  AllocCounter counter;
  for (int i = 0; i < 100; ++i) work();
  EXPECT_EQ(counter.count(), 0u);
}

TEST(URI, SEC_WhatIsWrittenReadsBackAsTheSame) {
  for (std::string_view text : {"http://b%c3%bccher.de/", "http://[fe80::1%25en0]:80/x?y#z",
                                "http://h/a%20b?c d#e f", "custom+x://h/%3F%23"}) {
    URI uri;
    ASSERT_EQ(uri.TryParse({}, text), Errc::kOk) << text;
    const std::string written = uri.FullURI();
    URI again;
    ASSERT_EQ(again.TryParse({}, written), Errc::kOk) << written;
    EXPECT_EQ(again.Host(), uri.Host());
    EXPECT_EQ(again.Path(), uri.Path());
    EXPECT_EQ(again.FullURI(), uri.FullURI());
  }
}

TEST(URI, SEC_APathAsGivenStaysAPath) {
  URI uri;
  uri.SetDisablePathNormalizing(true);
  ASSERT_EQ(uri.TryParse("h", ".evil.com/x y"), Errc::kOk);
  EXPECT_EQ(uri.FullURI(), "http://h/.evil.com/x%20y");
  uri.SetPath("/a?b#c\r\n");
  EXPECT_EQ(uri.RequestURI(), "/a%3Fb%23c%20%20");
  ASSERT_TRUE(uri.Update("sub").ok());
  EXPECT_EQ(uri.RequestURI(), "/sub");
}

TEST(URI, SEC_SettersCannotAddParts) {
  URI uri;
  EXPECT_TRUE(uri.SetHost("EXAMPLE.com:80"));
  uri.SetQueryString("a b#c");
  uri.SetHash("x y");
  EXPECT_EQ(uri.FullURI(), "http://example.com:80/?a%20b%23c#x%20y");
  uri.SetScheme("http://evil/");
  EXPECT_EQ(uri.Scheme(), "http");
  uri.SetScheme("HTTPS");
  EXPECT_EQ(uri.Scheme(), "https");
  for (std::string_view host : {"a b", "u@h", "h/p", "h?q", "h#f", "h:x", "a,b", "h\r\n", "[::1"}) {
    ASSERT_TRUE(uri.SetHost("h"));
    EXPECT_FALSE(uri.SetHost(host)) << host;
    EXPECT_EQ(uri.Host(), "") << "a request must not go to the old one";
  }
}

TEST(URI, SetHostTakesTheHostOfAnother) {
  for (std::string_view text : {"http://b%c3%bccher.de/", "http://[fe80::1%25en0]:80/"}) {
    URI from, to;
    ASSERT_EQ(from.TryParse({}, text), Errc::kOk);
    EXPECT_TRUE(to.SetHost(from.Host())) << text;
    EXPECT_EQ(to.Host(), from.Host());
  }
}

TEST(URI, TheTargetAsteriskHasNoPathInAFullURI) {
  URI uri;
  ASSERT_EQ(uri.TryParse("h", "*"), Errc::kOk);
  EXPECT_EQ(uri.RequestURI(), "*");
  EXPECT_EQ(uri.FullURI(), "http://h");
  ASSERT_TRUE(uri.Update("x").ok());
  EXPECT_EQ(uri.FullURI(), "http://h/x");
  uri.SetPath("*");
  uri.SetQueryString("q");
  EXPECT_EQ(uri.RequestURI(), "/?q");
}

}  // namespace
}  // namespace fasthttp
