#include "testing/http_cases.h"

#include <utility>

#include "testing/http_cases_parts.h"

namespace fasthttp::testing {
namespace {

using http1::Framing;
using http1::Leniency;
using http1::TargetForm;
using std::string_literals::operator""s;

constexpr char kHost[] = "Host: h\r\n";

// A request that must be refused. What it would have meant does not matter.
RequestCase Bad(std::string name, std::string raw, Errc errc, std::string_view rfc) {
  RequestCase c;
  c.name = std::move(name);
  c.raw = std::move(raw);
  c.errc = errc;
  c.rfc = rfc;
  return c;
}

// "GET / HTTP/1.1", Host, and `lines`.
RequestCase BadLines(std::string name, const std::string& lines, Errc errc, std::string_view rfc) {
  return Bad(std::move(name), "GET / HTTP/1.1\r\n" + std::string(kHost) + lines + "\r\n", errc,
             rfc);
}

RequestCase BadTarget(std::string name, const std::string& target, Errc errc,
                      std::string_view rfc) {
  return Bad(std::move(name), "GET " + target + " HTTP/1.1\r\n" + kHost + "\r\n", errc, rfc);
}

RequestCase BadHost(std::string name, const std::string& host, Errc errc = Errc::kBadHost) {
  return Bad("host_" + std::move(name), "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n", errc,
             "9112 3.2, 3986 3.2.2");
}

RequestCase GoodHost(std::string name, const std::string& host) {
  RequestCase c;
  c.name = "host_" + std::move(name);
  c.raw = "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  c.rfc = "9112 3.2, 3986 3.2.2";
  return c;
}

RequestCase GoodTarget(std::string name, std::string target, uint8_t flags = 0,
                       TargetForm form = TargetForm::kOrigin) {
  RequestCase c;
  c.name = "target_" + std::move(name);
  c.raw = "GET " + target + " HTTP/1.1\r\n" + kHost + "\r\n";
  c.rfc = "9112 3.2";
  c.target = std::move(target);
  c.target_flags = flags;
  c.form = form;
  return c;
}

// `lines` behind Host change nothing but what the caller sets afterwards.
RequestCase Good(std::string name, const std::string& lines, std::string_view rfc) {
  RequestCase c;
  c.name = std::move(name);
  c.raw = "GET / HTTP/1.1\r\n" + std::string(kHost) + lines + "\r\n";
  c.rfc = rfc;
  return c;
}

RequestCase Lenient(RequestCase c, Leniency leniency) {
  c.leniency = leniency;
  return c;
}

void AddWellFormed(std::vector<RequestCase>* out) {
  out->push_back({.name = "get",
                  .raw = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
                  .rfc = "9112 2.1",
                  .fields = {{"Host", "example.com"}}});
  out->push_back(
      {.name = "get_typical",
       .raw = "GET /foobar?baz HTTP/1.1\r\nHost: google.com\r\nUser-Agent: aaa/bbb/ccc/ddd/eee "
              "Firefox Chrome MSIE Opera\r\nReferer: http://example.com/aaa?bbb=ccc\r\nCookie: "
              "foo=bar; baz=baraz; aa=aakslsdweriwereowriewroire\r\n\r\n",
       .rfc = "9112 2.1",
       .target = "/foobar?baz",
       .target_flags = http1::kTargetQuery,
       .fields = {{"Host", "google.com"},
                  {"User-Agent", "aaa/bbb/ccc/ddd/eee Firefox Chrome MSIE Opera"},
                  {"Referer", "http://example.com/aaa?bbb=ccc"},
                  {"Cookie", "foo=bar; baz=baraz; aa=aakslsdweriwereowriewroire"}}});
  out->push_back({.name = "post_with_length",
                  .raw = "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
                  .rfc = "9112 6.2",
                  .method = "POST",
                  .target = "/p",
                  .fields = {{"Host", "h"}, {"Content-Length", "5"}},
                  .framing = Framing::kLength,
                  .length = 5,
                  .body = "hello"});
  out->push_back({.name = "post_chunked",
                  .raw = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "5\r\nhello\r\n1;ext=\"v\"\r\n!\r\n0\r\n\r\n",
                  .rfc = "9112 7.1",
                  .method = "POST",
                  .framing = Framing::kChunked,
                  .body = "hello!"});
  out->push_back({.name = "post_chunked_with_trailers",
                  .raw = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: "
                         "X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\nX-More:\r\n\r\n",
                  .rfc = "9112 7.1.2",
                  .method = "POST",
                  .framing = Framing::kChunked,
                  .body = "abc",
                  .trailers = {{"X-Sum", "7"}, {"X-More", ""}}});
  out->push_back({.name = "extension_method",
                  .raw = "M-SEARCH!#$%&'*+-.^_`|~09 / HTTP/1.1\r\nHost: h\r\n\r\n",
                  .rfc = "9110 9.1",
                  .method = "M-SEARCH!#$%&'*+-.^_`|~09"});
  out->push_back({.name = "method_is_case_sensitive",
                  .raw = "get / HTTP/1.1\r\nHost: h\r\n\r\n",
                  .rfc = "9110 9.1",
                  .method = "get"});
  for (const char* method : {"HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNEC"}) {
    out->push_back({.name = "method_"s + method,
                    .raw = std::string(method) + " / HTTP/1.1\r\nHost: h\r\n\r\n",
                    .rfc = "9110 9.3",
                    .method = method});
  }
}

void AddWellFormedLines(std::vector<RequestCase>* out) {
  out->push_back({.name = "minor_version_above_1",
                  .raw = "GET / HTTP/1.9\r\nHost: h\r\n\r\n",
                  .rfc = "9110 2.5",
                  .minor_version = 9});
  out->push_back({.name = "values",
                  .raw = "GET / HTTP/1.1\r\nHost:h\r\nA:\r\nB: \r\nC:  \t x  y\t \r\nD:x\r\n"
                         "E: \x80\xff\r\nF:\tt\r\nG: :\r\nH:  \t \r\n\r\n",
                  .rfc = "9112 5, 9110 5.5",
                  .fields = {{"Host", "h"},
                             {"A", ""},
                             {"B", ""},
                             {"C", "x  y"},
                             {"D", "x"},
                             {"E", "\x80\xff"},
                             {"F", "t"},
                             {"G", ":"},
                             {"H", ""}}});
  out->push_back({.name = "name_case_is_kept",
                  .raw = "GET / HTTP/1.1\r\nhOsT: h\r\nX-y!#$%&'*+.^_`|~: 1\r\n\r\n",
                  .rfc = "9110 5.1",
                  .fields = {{"hOsT", "h"}, {"X-y!#$%&'*+.^_`|~", "1"}}});
  out->push_back({.name = "empty_lines_first",
                  .raw = "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
                  .rfc = "9112 2.2"});
  RequestCase many = Good("fields_70", "", "limit");
  many.raw = "GET / HTTP/1.1\r\nHost: h\r\n";
  many.fields.push_back({"Host", "h"});
  for (int i = 0; i < 69; ++i) {
    many.raw += "X: y\r\n";
    many.fields.push_back({"X", "y"});
  }
  many.raw += "\r\n";
  out->push_back(many);
  RequestCase longest = Good("value_of_2000_bytes", "", "limit");
  longest.raw = "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'v') + "\r\n\r\n";
  out->push_back(longest);
}

void AddRequestLine(std::vector<RequestCase>* out) {
  const char* rfc = "9112 3";
  const std::string host = "\r\n"s + kHost + "\r\n";
  out->push_back(Bad("method_missing", " / HTTP/1.1" + host, Errc::kMissingMethod, rfc));
  out->push_back(Bad("method_not_token", "G(ET / HTTP/1.1" + host, Errc::kBadMethod, rfc));
  out->push_back(Bad("method_tab", "GET\t/ HTTP/1.1" + host, Errc::kBadMethod, rfc));
  out->push_back(Bad("method_high_byte", "G\xc3T / HTTP/1.1" + host, Errc::kBadMethod, rfc));
  out->push_back(Bad("method_nul", "G\0T / HTTP/1.1"s + host, Errc::kBadMethod, rfc));
  out->push_back(Bad("tls_hello", "\x16\x03\x01\x02", Errc::kBadMethod, rfc));
  out->push_back(Bad("method_only", "GET" + host, Errc::kBadRequestLine, rfc));
  out->push_back(Bad("target_missing", "GET " + host, Errc::kEmptyTarget, rfc));
  out->push_back(Bad("two_spaces_1", "GET  / HTTP/1.1" + host, Errc::kExtraWhitespace, rfc));
  out->push_back(Bad("two_spaces_2", "GET /  HTTP/1.1" + host, Errc::kExtraWhitespace, rfc));
  out->push_back(Bad("space_at_end", "GET / HTTP/1.1 " + host, Errc::kExtraWhitespace, rfc));
  out->push_back(Bad("space_in_target", "GET /a b HTTP/1.1" + host, Errc::kBadVersion, rfc));
  out->push_back(Bad("tab_before_version", "GET /\tHTTP/1.1" + host, Errc::kBadTarget, rfc));
  out->push_back(Bad("http09", "GET /\r\n", Errc::kBadVersion, rfc));
  out->push_back(Bad("http09_with_space", "GET / \r\n", Errc::kBadVersion, rfc));
  for (const char* version :
       {"http/1.1", "HTTP/1", "HTTP/1.", "HTTP/11", "HTTP/1.10", "HTTP/a.1", "HTTP/1,1", "HTTP1.1",
        "HTTPS/1.1", "HTTP/01.1", "HTTP/1.1x", "HTTP/+1.1", "XTTP/1.1", "/"}) {
    out->push_back(
        Bad("version_"s + version, "GET / "s + version + host, Errc::kBadVersion, "9112 2.3"));
  }
  for (const char* version : {"HTTP/2.0", "HTTP/0.9", "HTTP/9.9", "HTTP/3.0"}) {
    out->push_back(Bad("major_"s + version, "GET / "s + version + host, Errc::kVersionNotSupported,
                       "9112 2.3"));
  }
  out->push_back(Bad("http2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                     Errc::kVersionNotSupported, "9113 3.4"));
  out->push_back(
      Bad("bare_cr_in_request_line", "GET / HTTP/1.1\rX" + host, Errc::kBadVersion, "9112 2.2"));
  out->push_back(Bad("cr_cr_lf", "GET / HTTP/1.1\r" + host, Errc::kBadVersion, "9112 2.2"));
  out->push_back(
      Bad("bare_lf_request_line", "GET / HTTP/1.1\nHost: h\r\n\r\n", Errc::kBareLf, "9112 2.2"));
  out->push_back(Bad("bare_lf_first", "\nGET / HTTP/1.1" + host, Errc::kBareLf, "9112 2.2"));
  out->push_back(Bad("cr_first", "\rGET / HTTP/1.1" + host, Errc::kBadMethod, "9112 2.2"));
  out->push_back(Bad("empty_lines_5", "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1" + host,
                     Errc::kBadRequestLine, "9112 2.2"));
  out->push_back(Bad("incomplete_nothing", "", Errc::kNeedMore, rfc));
  out->push_back(Bad("incomplete_line", "GET / HT", Errc::kNeedMore, rfc));
  out->push_back(Bad("incomplete_fields", "GET / HTTP/1.1\r\nHost: h\r\n", Errc::kNeedMore, rfc));
}

void AddTargets(std::vector<RequestCase>* out) {
  using namespace http1;  // NOLINT: the flags.
  out->push_back(GoodTarget("path", "/a/b-c_d~e"));
  out->push_back(GoodTarget("query", "/a?b=c&d=%20/..//\\", kTargetQuery));
  out->push_back(GoodTarget("empty_query", "/?", kTargetQuery));
  out->push_back(GoodTarget("two_question_marks", "/?a?b", kTargetQuery));
  out->push_back(GoodTarget("percent", "/a%2Fb%2e%00", kTargetPercent));
  out->push_back(GoodTarget("bad_percent_is_left_to_the_uri", "/%zz", kTargetPercent));
  out->push_back(GoodTarget("dot_segments", "/a/../b/./c", kTargetDot));
  out->push_back(GoodTarget("dot_in_name", "/index.html"));
  out->push_back(GoodTarget("double_slash", "//evil.com/x", kTargetDoubleSlash));
  out->push_back(GoodTarget("double_slash_inside", "/a//b", kTargetDoubleSlash));
  out->push_back(GoodTarget("backslash", "/a\\b", kTargetBackslash));
  out->push_back(GoodTarget("hash", "/a#b", kTargetHash));
  out->push_back(GoodTarget("hash_in_query", "/a?b#c", kTargetHash | kTargetQuery));
  out->push_back(GoodTarget("utf8", "/\xc3\xa4", kTargetNonAscii));
  out->push_back(GoodTarget("long", "/" + std::string(8191, 'a')));
  out->push_back(GoodTarget("flags_far_behind", "/" + std::string(100, 'a') + "/.%?/.",
                            kTargetDot | kTargetPercent | kTargetQuery));
  for (int n = 28; n < 36; ++n) {
    out->push_back(GoodTarget("pair_at_" + std::to_string(n), "/" + std::string(n, 'a') + "//.",
                              kTargetDoubleSlash | kTargetDot));
    out->push_back(GoodTarget("question_at_" + std::to_string(n),
                              "/" + std::string(n, 'a') + "?%/.//\\", kTargetQuery));
  }
  out->push_back(GoodTarget("absolute", "http://other.example:80/p?q",
                            kTargetDoubleSlash | kTargetQuery, TargetForm::kAbsolute));
  out->push_back(GoodTarget("absolute_without_path", "https://other.example", kTargetDoubleSlash,
                            TargetForm::kAbsolute));
  out->push_back(
      GoodTarget("absolute_ipv6", "HTTP://[::1]:8080/", kTargetDoubleSlash, TargetForm::kAbsolute));
  RequestCase star = GoodTarget("asterisk", "*", 0, TargetForm::kAsterisk);
  star.raw = "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n";
  star.method = "OPTIONS";
  out->push_back(star);
  RequestCase connect = GoodTarget("authority", "h:443", 0, TargetForm::kAuthority);
  connect.raw = "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n";
  connect.method = "CONNECT";
  out->push_back(connect);
  connect.name = "connect_length_0";
  connect.raw = "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nContent-Length: 0\r\n\r\n";
  connect.framing = Framing::kLength;
  out->push_back(connect);
  for (const char* line : {"Content-Length: 5", "Transfer-Encoding: chunked"}) {
    out->push_back(Bad("connect_"s + line,
                       "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n"s + line + "\r\n\r\n",
                       Errc::kUnexpectedContent, "9110 9.3"));
  }

  const char* rfc = "9112 3.2";
  for (const char* target : {"*",
                             "foo",
                             "foo/bar",
                             "?a",
                             "http:/a",
                             "http:",
                             "http://",
                             "http:///p",
                             "://h/",
                             "1http://h/",
                             "ht_tp://h/",
                             "http://user@h/",
                             "http://u:p@h/",
                             "http://h:99999/",
                             "http://h:8x/",
                             "http://[::1/",
                             "http://h\\x/",
                             "**",
                             "h:443",
                             "\\",
                             "#",
                             "%2f"}) {
    out->push_back(BadTarget("bad_target_"s + target, target, Errc::kBadTarget, rfc));
  }
  for (const char* target : {"/", "*", "h", "h:", "h:99999", "h:x", ":443", "http://h:443", "[::1]",
                             "u@h:443", "h:443/"}) {
    out->push_back(Bad("connect_"s + target, "CONNECT "s + target + " HTTP/1.1\r\nHost: h\r\n\r\n",
                       Errc::kBadTarget, "9112 3.2.3"));
  }
  out->push_back(BadTarget("target_del", "/a\x7f", Errc::kBadTarget, rfc));
  out->push_back(BadTarget("target_nul", "/a\0b"s, Errc::kBadTarget, rfc));
  out->push_back(BadTarget("target_control", "/a\x01", Errc::kBadTarget, rfc));
  out->push_back(BadTarget("target_cr", "/a\rb", Errc::kBadTarget, rfc));
  out->push_back(
      BadTarget("target_over_limit", "/" + std::string(8192, 'a'), Errc::kTargetTooLong, "limit"));
}

void AddLines(std::vector<RequestCase>* out) {
  const char* rfc = "9112 5";
  out->push_back(BadLines("no_colon", "Foo\r\n", Errc::kMissingColon, rfc));
  out->push_back(BadLines("request_line_again", "GET / HTTP/1.1\r\n", Errc::kBadFieldName, rfc));
  out->push_back(Bad("request_line_twice", "GET / HTTP/1.1\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
                     Errc::kBadFieldName, rfc));
  out->push_back(BadLines("name_empty", ": x\r\n", Errc::kBadFieldName, rfc));
  out->push_back(
      BadLines("space_before_colon", "Foo : x\r\n", Errc::kSpaceBeforeColon, "9112 5.1"));
  out->push_back(BadLines("tab_before_colon", "Foo\t: x\r\n", Errc::kSpaceBeforeColon, "9112 5.1"));
  out->push_back(BadLines("te_space_before_colon", "Transfer-Encoding : chunked\r\n",
                          Errc::kSpaceBeforeColon, "9112 5.1"));
  out->push_back(BadLines("te_tab_before_colon", "Transfer-Encoding\t: chunked\r\n",
                          Errc::kSpaceBeforeColon, "9112 5.1"));
  out->push_back(BadLines("name_with_space", "Fo o: x\r\n", Errc::kBadFieldName, rfc));
  out->push_back(BadLines("name_and_blank", "Foo  \r\n", Errc::kMissingColon, rfc));
  out->push_back(BadLines("name_high_byte", "Fo\xc5\x91: x\r\n", Errc::kBadFieldName, rfc));
  out->push_back(BadLines("name_nul", "Fo\0o: x\r\n"s, Errc::kBadFieldName, rfc));
  out->push_back(BadLines("name_paren", "Fo(o: x\r\n", Errc::kBadFieldName, rfc));
  out->push_back(BadLines("name_cr", "Fo\ro: x\r\n", Errc::kBadFieldName, rfc));
  out->push_back(BadLines("value_nul", "Foo: a\0b\r\n"s, Errc::kBadFieldValue, "9110 5.5"));
  out->push_back(BadLines("value_del", "Foo: a\x7f\r\n", Errc::kBadFieldValue, "9110 5.5"));
  out->push_back(BadLines("value_bare_cr", "Foo: a\rb\r\n", Errc::kBadFieldValue, "9112 2.2"));
  out->push_back(BadLines("value_cr_cr_lf", "Foo: a\r\r\n", Errc::kBadFieldValue, "9112 2.2"));
  out->push_back(BadLines("te_vertical_tab", "Transfer-Encoding: \vchunked\r\n",
                          Errc::kBadFieldValue, "9110 5.5"));
  out->push_back(BadLines("bare_lf", "Foo: a\nBar: b\r\n", Errc::kBareLf, "9112 2.2"));
  out->push_back(BadLines("bare_lf_end", "\n", Errc::kBareLf, "9112 2.2"));
  out->push_back(Bad("lf_lf_end", "GET / HTTP/1.1\r\nHost: h\n\n", Errc::kBareLf, "9112 2.2"));
  out->push_back(Bad("cr_lf_lf_end", "GET / HTTP/1.1\r\nHost: h\r\n\n", Errc::kBareLf, "9112 2.2"));
  out->push_back(BadLines("cr_at_line_start", "\rFoo: a\r\n", Errc::kBadFieldName, "9112 2.2"));
  out->push_back(BadLines("obs_fold", "Foo: a\r\n b\r\n", Errc::kObsFold, "9112 5.2"));
  out->push_back(BadLines("obs_fold_tab", "Foo: a\r\n\tb\r\n", Errc::kObsFold, "9112 5.2"));
  out->push_back(
      BadLines("te_folded", "Transfer-Encoding:\r\n chunked\r\n", Errc::kObsFold, "9112 5.2"));
  out->push_back(Bad("first_line_folded", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", Errc::kBadFieldName,
                     "9112 2.2"));
  std::string lines;
  for (int i = 0; i < 128; ++i) lines += "X: y\r\n";
  out->push_back(BadLines("too_many_fields", lines, Errc::kTooManyFields, "limit"));
  out->push_back(BadLines("head_too_large", "X: " + std::string(17000, 'y') + "\r\n",
                          Errc::kHeadTooLarge, "limit"));
}

void AddLenient(std::vector<RequestCase>* out) {
  RequestCase lf = Lenient(Good("lenient_bare_lf", "", "9112 2.2"), Leniency::kBareLf);
  lf.raw = "\nGET / HTTP/1.1\nHost: h\nA: b\r\nC:\n\n";
  lf.fields = {{"Host", "h"}, {"A", "b"}, {"C", ""}};
  out->push_back(lf);
  RequestCase fold = Lenient(
      Good("lenient_obs_fold", "A: b\r\n  c \r\n\td\r\nE:\r\n f\r\nG: \t\r\n \r\n", "9112 5.2"),
      Leniency::kObsFold);
  fold.fields = {{"Host", "h"}, {"A", "b    c    d"}, {"E", "f"}, {"G", ""}};
  out->push_back(fold);
  const char* rfc = "9112 5.2";
  out->push_back(
      Lenient(BadLines("lenient_fold_needs_its_bit", "A: b\r\n c\r\n", Errc::kObsFold, rfc),
              Leniency::kBareLf));
  out->push_back(Lenient(BadLines("lenient_lf_needs_its_bit", "A: b\n", Errc::kBareLf, rfc),
                         Leniency::kObsFold));
  out->push_back(Lenient(
      BadLines("lenient_fold_of_te", "Transfer-Encoding:\r\n chunked\r\n", Errc::kObsFold, rfc),
      Leniency::kAll));
  out->push_back(Lenient(
      BadLines("lenient_fold_of_length", "Content-Length: 1\r\n 0\r\n", Errc::kObsFold, rfc),
      Leniency::kAll));
  out->push_back(Lenient(
      Bad("lenient_first_line_folded", "GET / HTTP/1.1\r\n A: b\r\n\r\n", Errc::kBadFieldName, rfc),
      Leniency::kAll));
  out->push_back(
      Lenient(BadLines("lenient_fold_with_control", "A: b\r\n \x01\r\n", Errc::kBadFieldValue, rfc),
              Leniency::kAll));
  out->push_back(
      Lenient(BadLines("lenient_space_before_colon", "A : b\r\n", Errc::kSpaceBeforeColon, rfc),
              Leniency::kAll));
  out->push_back(Lenient(BadLines("lenient_bare_cr", "A: b\rc\r\n", Errc::kBadFieldValue, rfc),
                         Leniency::kAll));
}

constexpr const char* kGoodHosts[] = {"h",
                                      "example.com",
                                      "EXAMPLE.com.",
                                      "a-b_c.d",
                                      "h:",
                                      "h:80",
                                      "127.0.0.1:8080",
                                      "h:65535",
                                      "[::1]",
                                      "[::1]:80",
                                      "[::]",
                                      "[2001:db8::ff00:42:8329]",
                                      "[1:2:3:4:5:6:7:8]:1",
                                      "[::ffff:1.2.3.4]",
                                      "[1:2:3:4:5:6:1.2.3.4]",
                                      "[fe80::1%25eth0]",
                                      "b%c3%bccher.de",
                                      "b%C3%BCcher.de:80",
                                      "[fe80::1%25e%c3%bc]",
                                      "x~!$&'()*+;=y",
                                      "a-name-of-more-than-16-bytes.example.com:12345",
                                      "h:00080",
                                      "sixteen-bytes.co",
                                      "sixteen-byte.c:8",
                                      "1:2"};

constexpr const char* kBadHosts[] = {":80",
                                     "h:65536",
                                     "h:8a",
                                     "h:80:80",
                                     "h:-1",
                                     "h: 80",
                                     "h h",
                                     "a,b",
                                     "h/",
                                     "h?x",
                                     "h#x",
                                     "u@h",
                                     "h\\x",
                                     "[::1",
                                     "::1",
                                     "[::1]x",
                                     "[::1]:x",
                                     "[]",
                                     "[:]",
                                     "[:::]",
                                     "[1::2::3]",
                                     "[12345::]",
                                     "[1:2:3:4:5:6:7]",
                                     "[1:2:3:4:5:6:7:8:9]",
                                     "[1:2:3:4:5:6:7::8]",
                                     "[g::]",
                                     "[::1.2.3]",
                                     "[::1.2.3.256]",
                                     "[::1.2.3.04]",
                                     "[1.2.3.4::]",
                                     "[fe80::1%eth0]",
                                     "[fe80::1%25]",
                                     "[fe80::1%25a%201]",
                                     "[::1]]",
                                     "h]",
                                     "a[::1]",
                                     "%",
                                     "%4",
                                     "%zz",
                                     "a%00b",
                                     "a%41b",
                                     "a%2eb",
                                     "a%7f",
                                     "a%c3%4",
                                     "[fe80::1%25%41]",
                                     "a%2fb",
                                     "a%0d%0a",
                                     "h\x80",
                                     "\"h\"",
                                     "<h>",
                                     "h|x",
                                     "h^",
                                     "{h}",
                                     "h`",
                                     "h\tx",
                                     "[v1.x]",
                                     "sixteen-byte.c:x",
                                     "1:2:3"};

void AddHosts(std::vector<RequestCase>* out) {
  const char* rfc = "9112 3.2";
  out->push_back(Bad("host_missing", "GET / HTTP/1.1\r\n\r\n", Errc::kMissingHost, rfc));
  out->push_back(
      Bad("host_missing_with_others", "GET / HTTP/1.1\r\nA: b\r\n\r\n", Errc::kMissingHost, rfc));
  out->push_back(BadHost("empty", "", Errc::kMissingHost));
  out->push_back(
      Bad("host_twice", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", Errc::kDuplicateHost, rfc));
  out->push_back(Bad("host_twice_case", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nhOST: i\r\n\r\n",
                     Errc::kDuplicateHost, rfc));
  out->push_back(Bad("host_twice_http10", "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n",
                     Errc::kDuplicateHost, rfc));
  for (const char* host : kGoodHosts) out->push_back(GoodHost(host, host));
  for (const char* host : kBadHosts) out->push_back(BadHost(host, host));
  RequestCase old = Good("http10_without_host", "", "9112 3.2");
  old.raw = "GET / HTTP/1.0\r\n\r\n";
  old.minor_version = 0;
  old.keep_alive = false;
  out->push_back(old);
  old.name = "http10_with_empty_host";
  old.raw = "GET / HTTP/1.0\r\nHost:\r\n\r\n";
  out->push_back(old);
  out->push_back(
      Bad("http10_with_bad_host", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n", Errc::kBadHost, rfc));
}

void AddLengths(std::vector<RequestCase>* out) {
  for (const char* value : {"", "+5", "-5", "0x5", "5, 5", "5,5", "5 5", "5;", "5.0", "1e3", "five",
                            "9223372036854775808", "18446744073709551621",
                            "99999999999999999999999", "5\t5", "\"5\"", "\xb2"}) {
    out->push_back(BadLines("length_"s + value, "Content-Length: "s + value + "\r\n",
                            Errc::kBadContentLength, "9110 8.6, 9112 6.3"));
  }
  for (const char* value : {"0", "00", "000000000000000000000000"}) {
    RequestCase c = Good("length_"s + value, "Content-Length: "s + value + "\r\n", "9110 8.6");
    c.framing = Framing::kLength;
    out->push_back(c);
  }
  RequestCase padded = Good("length_with_blanks", "Content-Length: \t 5 \t\r\n", "9112 5.1");
  padded.raw += "hello";
  padded.body = "hello";
  padded.framing = Framing::kLength;
  padded.length = 5;
  out->push_back(padded);
  const char* rfc = "9112 6.3";
  out->push_back(BadLines("length_twice_equal", "Content-Length: 5\r\nContent-Length: 5\r\n",
                          Errc::kDuplicateContentLength, rfc));
  out->push_back(BadLines("length_twice_different", "content-length: 5\r\nContent-Length: 6\r\n",
                          Errc::kDuplicateContentLength, rfc));
  out->push_back(BadLines("length_then_te", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                          Errc::kLengthAndTransferEncoding, rfc));
  out->push_back(BadLines("te_then_length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                          Errc::kLengthAndTransferEncoding, rfc));
  out->push_back(BadLines("te_and_bad_length",
                          "Transfer-Encoding: chunked\r\nContent-Length: x\r\n",
                          Errc::kLengthAndTransferEncoding, rfc));
}

void AddTransferEncodings(std::vector<RequestCase>* out) {
  const char* rfc = "9112 6.1, 7";
  for (const char* value : {"chunked", "Chunked", "CHUNKED", " \tchunked\t "}) {
    RequestCase c = Good("te_"s + value, "Transfer-Encoding: "s + value + "\r\n", rfc);
    c.raw += "0\r\n\r\n";
    c.framing = Framing::kChunked;
    out->push_back(c);
  }
  for (const char* value : {"gzip", "identity", "xchunked", "chunkedx", "gzip, chunked",
                            "deflate,gzip , chunked", "gzip;q=1, chunked"}) {
    out->push_back(BadLines("te_"s + value, "Transfer-Encoding: "s + value + "\r\n",
                            Errc::kUnsupportedTransferEncoding, rfc));
  }
  for (const char* value :
       {"", ",", "chunked,", ",chunked", "chunked, chunked", "chunked, identity", "chunked, gzip",
        "chunked;a=b", "chunk ed", "\"chunked\"", "chunked;", "ch\xff", "gzip,,chunked"}) {
    out->push_back(BadLines("te_"s + value, "Transfer-Encoding: "s + value + "\r\n",
                            Errc::kBadTransferEncoding, rfc));
  }
  out->push_back(BadLines("te_twice",
                          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                          Errc::kBadTransferEncoding, rfc));
  out->push_back(BadLines("te_twice_identity",
                          "Transfer-Encoding: chunked\r\ntransfer-encoding: identity\r\n",
                          Errc::kBadTransferEncoding, rfc));
  out->push_back(Bad("te_on_http10",
                     "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     Errc::kTransferEncodingOnHttp10, "9112 6.1"));
}

void AddConnection(std::vector<RequestCase>* out) {
  const char* rfc = "9112 9.3, 9110 7.6.1";
  struct Row {
    const char* version;
    const char* lines;
    bool keep_alive;
  };
  for (const Row& row :
       std::initializer_list<Row>{{"1.1", "Connection: close\r\n", false},
                                  {"1.1", "Connection: Close\r\n", false},
                                  {"1.1", "connection: a, CLOSE ,b\r\n", false},
                                  {"1.1", "Connection: keep-alive\r\n", true},
                                  {"1.1", "Connection: keep-alive, close\r\n", false},
                                  {"1.1", "Connection: closed\r\n", true},
                                  {"1.1", "Connection: x\r\nConnection: close\r\n", false},
                                  {"1.1", "Connection: ,,\r\n", true},
                                  {"1.1", "Connection:\r\n", true},
                                  {"1.1", "Keep-Alive: timeout=1\r\n", true},
                                  {"1.1", "Proxy-Connection: close\r\n", true},
                                  {"1.0", "", false},
                                  {"1.0", "Connection: Keep-Alive\r\n", true},
                                  {"1.0", "Connection: x, keep-alive\r\n", true},
                                  {"1.0", "Connection: keep-alive\r\nConnection: close\r\n", false},
                                  {"1.0", "Keep-Alive: timeout=1\r\n", false}}) {
    RequestCase c = Good("connection_"s + row.version + "_" + row.lines, "", rfc);
    c.raw = "GET / HTTP/"s + row.version + "\r\nHost: h\r\n" + row.lines + "\r\n";
    c.minor_version = row.version[2] - '0';
    c.keep_alive = row.keep_alive;
    out->push_back(c);
  }
  RequestCase upgrade =
      Good("upgrade", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", "9110 7.8");
  upgrade.upgrade = true;
  out->push_back(upgrade);
  out->push_back(Good("upgrade_without_option", "Upgrade: websocket\r\n", "9110 7.8"));
  out->push_back(Good("upgrade_without_protocol", "Connection: upgrade\r\n", "9110 7.8"));
  RequestCase old = Good("upgrade_http10", "", "9110 7.8");
  old.raw = "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
  old.minor_version = 0;
  old.keep_alive = false;
  out->push_back(old);
}

void AddExpectAndTrailer(std::vector<RequestCase>* out) {
  const char* rfc = "9110 10.1.1";
  RequestCase expect = Good("expect", "Expect: 100-Continue\r\nContent-Length: 2\r\n", rfc);
  expect.raw += "ok";
  expect.body = "ok";
  expect.framing = Framing::kLength;
  expect.length = 2;
  expect.expect_continue = true;
  out->push_back(expect);
  out->push_back(Good("expect_without_body", "Expect: 100-continue\r\n", rfc));
  RequestCase old = expect;
  old.name = "expect_http10";
  old.raw = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok";
  old.method = "POST";
  old.minor_version = 0;
  old.keep_alive = false;
  old.expect_continue = false;
  out->push_back(old);
  for (const char* value : {"", "100", "100-continue, x", "101-continue", "200-ok"}) {
    out->push_back(
        BadLines("expect_"s + value, "Expect: "s + value + "\r\n", Errc::kBadExpectation, rfc));
  }
  out->push_back(BadLines("expect_twice", "Expect: 100-continue\r\nExpect: x\r\n",
                          Errc::kBadExpectation, rfc));
  out->push_back(Good("trailer_names", "Trailer: X-A, ,Etag\r\nTrailer: Foo\r\n", "9110 6.6.2"));
  for (const char* value : {"Content-Length", "X-A, transfer-encoding", "Host", "a b", "X-A, @",
                            "X-Forwarded-Anything", "authorization"}) {
    out->push_back(BadLines("trailer_"s + value, "Trailer: "s + value + "\r\n", Errc::kBadTrailer,
                            "9110 6.5.1"));
  }
}

void AddChunkedBodies(std::vector<RequestCase>* out) {
  // The same bodies as whole requests.
  for (const ChunkedCase& chunked : ChunkedCases()) {
    if (!chunked.rest.empty()) continue;
    RequestCase c = Good("body_" + chunked.name, "Transfer-Encoding: chunked\r\n", "9112 7.1");
    c.raw += chunked.raw;
    c.errc = chunked.errc;
    c.framing = Framing::kChunked;
    c.body = chunked.body;
    out->push_back(c);
  }
  out->push_back(Bad("body_incomplete",
                     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel", Errc::kNeedMore,
                     "9112 6.2"));
}

}  // namespace

const std::vector<RequestCase>& RequestCases() {
  static const std::vector<RequestCase>& cases = *[] {
    auto* out = new std::vector<RequestCase>;
    AddWellFormed(out);
    AddWellFormedLines(out);
    AddRequestLine(out);
    AddTargets(out);
    AddLines(out);
    AddLenient(out);
    AddHosts(out);
    AddLengths(out);
    AddTransferEncodings(out);
    AddConnection(out);
    AddExpectAndTrailer(out);
    AddChunkedBodies(out);
    AddHostileRequests(out);
    FixNames(out);
    return out;
  }();
  return cases;
}

}  // namespace fasthttp::testing
