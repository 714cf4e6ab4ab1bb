// Messages as attackers write them: ways to hide a framing field from one of two parties, to end a
// line or a chunk early, to name two hosts. The oddities of one field at a time are in the other
// files of the table.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/http_cases.h"
#include "testing/http_cases_parts.h"

namespace fasthttp::testing {
namespace {

using http1::Framing;
using std::string_literals::operator""s;

struct Row {
  const char* name;
  std::string text;
  Errc errc;
};

constexpr char kTe[] = "Transfer-Encoding: chunked\r\n";

RequestCase Make(std::string name, std::string raw, Errc errc, std::string_view rfc) {
  RequestCase c;
  c.name = "hostile_" + std::move(name);
  c.raw = std::move(raw);
  c.errc = errc;
  c.rfc = rfc;
  return c;
}

// Field lines behind Host.
void AddLines(const std::vector<Row>& rows, std::string_view rfc, std::vector<RequestCase>* out) {
  for (const Row& row : rows) {
    out->push_back(
        Make(row.name, "GET / HTTP/1.1\r\nHost: h\r\n" + row.text + "\r\n", row.errc, rfc));
  }
}

void AddHiddenTransferEncodings(std::vector<RequestCase>* out) {
  AddLines(
      {{"te_then_te_x", kTe + "Transfer-Encoding: x\r\n"s, Errc::kBadTransferEncoding},
       {"te_x_then_te", "Transfer-Encoding: x\r\n"s + kTe, Errc::kBadTransferEncoding},
       {"te_thrice", kTe + "A: b\r\n"s + kTe + kTe, Errc::kBadTransferEncoding},
       {"te_nbsp", "Transfer-Encoding: \xa0"s + "chunked\r\n", Errc::kBadTransferEncoding},
       {"te_nel", "Transfer-Encoding: chunked\x85\r\n", Errc::kBadTransferEncoding},
       {"te_apostrophes", "Transfer-Encoding: 'chunked'\r\n", Errc::kUnsupportedTransferEncoding},
       {"te_equals", "Transfer-Encoding: =chunked\r\n", Errc::kBadTransferEncoding},
       {"te_identity_first", "Transfer-Encoding: identity, chunked\r\n",
        Errc::kUnsupportedTransferEncoding},
       {"te_in_the_middle", "Transfer-Encoding: a, chunked, b\r\n", Errc::kBadTransferEncoding},
       {"te_blank_parameter", "Transfer-Encoding: chunked ;a\r\n", Errc::kBadTransferEncoding},
       {"te_long_s", "Transfer-Encoding: chunke\xc4\x91\r\n", Errc::kBadTransferEncoding},
       {"te_kelvin", "Transfer-Encoding: chun\xe2\x84\xaa"s + "ed\r\n", Errc::kBadTransferEncoding},
       {"te_colon_twice", "Transfer-Encoding:: chunked\r\n", Errc::kBadTransferEncoding},
       {"te_line_as_value", "Transfer-Encoding: Transfer-Encoding: chunked\r\n",
        Errc::kBadTransferEncoding},
       {"te_empty_beside_length", "Content-Length: 5\r\nTransfer-Encoding:\r\n",
        Errc::kLengthAndTransferEncoding},
       {"te_identity_beside_length", "Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
        Errc::kLengthAndTransferEncoding},
       {"te_case_beside_length", "cONTENT-lENGTH: 5\r\ntRANSFER-eNCODING: cHUNKED\r\n",
        Errc::kLengthAndTransferEncoding}},
      "9112 6.1, 7", out);
  AddLines({{"te_vertical_tab_behind", "Transfer-Encoding: chunked\v\r\n", Errc::kBadFieldValue},
            {"te_form_feed", "Transfer-Encoding: \fchunked\r\n", Errc::kBadFieldValue},
            {"te_nul", "Transfer-Encoding: chunked\0\r\n"s, Errc::kBadFieldValue},
            {"te_escape", "Transfer-Encoding: \x1b[2Jchunked\r\n", Errc::kBadFieldValue},
            {"te_backspace", "Transfer-Encoding: xchunked\b\r\n", Errc::kBadFieldValue},
            {"te_cr_before", "Transfer-Encoding: \rchunked\r\n", Errc::kBadFieldValue},
            {"te_behind_bare_cr", "A: b\rTransfer-Encoding: chunked\r\n", Errc::kBadFieldValue},
            {"te_behind_nul", "A: b\0Transfer-Encoding: chunked\r\n"s, Errc::kBadFieldValue}},
           "9110 5.5", out);
  AddLines({{"te_behind_bare_lf", "A: b\nTransfer-Encoding: chunked\r\n", Errc::kBareLf},
            {"te_behind_cr_lf_cr", "A: b\r\n\rTransfer-Encoding: chunked\r\n", Errc::kBadFieldName},
            {"te_behind_lf_cr", "A: b\n\rTransfer-Encoding: chunked\r\n", Errc::kBareLf}},
           "9112 2.2", out);
  AddLines({{"te_behind_a_fold", "A: b\r\n Transfer-Encoding: chunked\r\n", Errc::kObsFold},
            {"te_with_a_fold", kTe + "\tA: b\r\n"s, Errc::kObsFold},
            {"te_blank_line_fold", kTe + " \r\n"s, Errc::kObsFold}},
           "9112 5.2", out);
}

void AddHiddenNames(std::vector<RequestCase>* out) {
  AddLines({{"name_vertical_tab", "Transfer-Encoding\v: chunked\r\n", Errc::kBadFieldName},
            {"name_nul_behind", "Content-Length\0: 5\r\n"s, Errc::kBadFieldName},
            {"name_nul_before", "\0Content-Length: 5\r\n"s, Errc::kBadFieldName},
            {"name_nbsp", "Content-Length\xa0: 5\r\n", Errc::kBadFieldName},
            {"name_bom", "\xef\xbb\xbf"s + "Content-Length: 5\r\n", Errc::kBadFieldName},
            {"name_soft_hyphen", "Content\xc2\xad-Length: 5\r\n", Errc::kBadFieldName},
            {"name_quoted", "\"Content-Length\": 5\r\n", Errc::kBadFieldName},
            {"name_brackets", "[Content-Length]: 5\r\n", Errc::kBadFieldName},
            {"name_comma", "A,Content-Length: 5\r\n", Errc::kBadFieldName},
            {"name_semicolon", "Content-Length;: 5\r\n", Errc::kBadFieldName},
            {"name_at", "Content@Length: 5\r\n", Errc::kBadFieldName},
            {"name_slash", "Content/Length: 5\r\n", Errc::kBadFieldName},
            {"name_equals", "Content-Length= 5\r\n", Errc::kBadFieldName},
            {"name_del", "Content-Length\x7f: 5\r\n", Errc::kBadFieldName},
            {"name_is_a_colon", ": chunked\r\n", Errc::kBadFieldName},
            {"name_is_a_request", "GET http://h/ HTTP/1.1\r\n", Errc::kBadFieldName},
            {"name_blank_tab", "Content-Length \t: 5\r\n", Errc::kSpaceBeforeColon},
            {"host_name_blank", "Host : i\r\n", Errc::kSpaceBeforeColon},
            {"host_third", "A: b\r\nhost: h\r\n", Errc::kDuplicateHost}},
           "9112 5", out);
  // A gateway to CGI makes one name of these and the real ones; here they are names like any other.
  AddLines({{"name_underscore", "Transfer_Encoding: chunked\r\nContent_Length: 5\r\n", Errc::kOk},
            {"te_field", "TE: chunked\r\n", Errc::kOk},
            {"name_prefix", "X-Transfer-Encoding: chunked\r\nContent-Lengt: 5\r\n", Errc::kOk}},
           "9110 5.1", out);
}

void AddLengths(std::vector<RequestCase>* out) {
  for (const char* value : {"-0",
                            "+0",
                            "0x0",
                            "0b1",
                            "0o5",
                            "1_000",
                            "1'000",
                            "5 ,5",
                            "5,",
                            ",5",
                            "5;a",
                            "5=5",
                            "5.",
                            ".5",
                            "1e0",
                            "\xd9\xa5",
                            "\xef\xbc\x95",
                            "5\xa0",
                            "\xa0"
                            "5",
                            "#5",
                            "%35",
                            "(5)",
                            "[5]",
                            "5 6",
                            "5\t\t5",
                            "18446744073709551616",
                            "340282366920938463463374607431768211461",
                            "NaN",
                            "Infinity",
                            "null",
                            "true"}) {
    out->push_back(Make("length_"s + value,
                        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: "s + value + "\r\n\r\n",
                        Errc::kBadContentLength, "9110 8.6, 9112 6.3"));
  }
  AddLines({{"length_nul", "Content-Length: 5\0\r\n"s, Errc::kBadFieldValue},
            {"length_vertical_tab", "Content-Length: \v5\r\n", Errc::kBadFieldValue},
            {"length_bare_cr", "Content-Length: 5\r6\r\n", Errc::kBadFieldValue},
            {"length_twice_one_empty", "Content-Length: 5\r\nContent-Length:\r\n",
             Errc::kDuplicateContentLength},
            {"length_twice_one_is_zero", "Content-Length: 0\r\nA: b\r\ncontent-length: 5\r\n",
             Errc::kDuplicateContentLength}},
           "9112 6.3", out);
  RequestCase zeros = Make("length_of_many_zeros", "", Errc::kOk, "9110 8.6");
  zeros.raw =
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::string(60, '0') + "5\r\n\r\nhello";
  zeros.framing = Framing::kLength;
  zeros.length = 5;
  zeros.body = "hello";
  out->push_back(zeros);
}

void AddRequestLines(std::vector<RequestCase>* out) {
  const char* rfc = "9112 3";
  const std::string host = "\r\nHost: h\r\n\r\n";
  for (const Row& row : std::vector<Row>{
           {"bom", "\xef\xbb\xbfGET / HTTP/1.1", Errc::kBadMethod},
           {"nul_first", "\0GET / HTTP/1.1"s, Errc::kBadMethod},
           {"tab_first", "\tGET / HTTP/1.1", Errc::kBadMethod},
           {"vertical_tab", "GET\v/ HTTP/1.1", Errc::kBadMethod},
           {"nbsp", "GET\xa0/ HTTP/1.1", Errc::kBadMethod},
           {"colon_in_method", "GET: / HTTP/1.1", Errc::kBadMethod},
           {"quoted_method", "\"GET\" / HTTP/1.1", Errc::kBadMethod},
           {"status_line", "HTTP/1.1 200 OK", Errc::kBadMethod},
           {"method_split", "G ET / HTTP/1.1", Errc::kBadVersion},
           {"two_versions", "GET / HTTP/1.1 HTTP/1.1", Errc::kExtraWhitespace},
           {"version_behind_query", "GET /?a HTTP/1.0 b HTTP/1.1", Errc::kExtraWhitespace},
           {"version_blank", "GET / HTTP/ 1.1", Errc::kBadVersion},
           {"version_blank_dot", "GET / HTTP/1 .1", Errc::kBadVersion},
           {"version_fullwidth", "GET / HTTP/1.\xef\xbc\x91", Errc::kBadVersion},
           {"version_nul", "GET / HTTP/1.1\0"s, Errc::kBadVersion},
           {"version_vertical_tab", "GET / HTTP/1.1\v", Errc::kBadVersion},
           {"version_lower_h", "GET / hTTP/1.1", Errc::kBadVersion},
           {"version_negative", "GET / HTTP/-1.1", Errc::kBadVersion},
           {"version_three_parts", "GET / HTTP/1.1.1", Errc::kBadVersion},
           {"target_tab", "GET /a\tb HTTP/1.1", Errc::kBadTarget},
           {"target_vertical_tab", "GET /a\vb HTTP/1.1", Errc::kBadTarget},
           {"target_lf", "GET /a\nb HTTP/1.1", Errc::kBadVersion},
           {"target_cr_lf", "GET /a\r\nb HTTP/1.1", Errc::kBadVersion},
           {"target_quoted", "GET \"/\" HTTP/1.1", Errc::kBadTarget},
           {"target_angles", "GET </> HTTP/1.1", Errc::kBadTarget}}) {
    out->push_back(Make("line_"s + row.name, row.text + host, row.errc, rfc));
  }
  for (const char* target : {"http://h:80:80/",
                             "http://[::1]evil/",
                             "http://[::1",
                             "http://[::1]:x/",
                             "http://h%00/",
                             "http://h%2eevil/",
                             "http://h%40evil/",
                             "http://evil\\@h/",
                             "http:\\\\h/",
                             "http:/\\h/",
                             "http:h",
                             "http://#/",
                             "http://?x",
                             "http://:80/",
                             "http://h,i/",
                             "http://@h/",
                             "http://h@/",
                             "http://u:p@h:80/",
                             "http://h:080000/",
                             "http://h:+80/",
                             "http://[::1%25]/",
                             "http://[::ffff:999.0.0.1]/",
                             "h/",
                             "h:80/",
                             ":///",
                             "//",
                             "/\\h"}) {
    const bool path = target[0] == '/';
    RequestCase c = Make("target_"s + target, "GET "s + target + " HTTP/1.1" + host,
                         path ? Errc::kOk : Errc::kBadTarget, "9112 3.2");
    c.target = target;
    if (path)
      c.target_flags = target[1] == '/' ? http1::kTargetDoubleSlash : http1::kTargetBackslash;
    out->push_back(c);
  }
  RequestCase mismatch = Make("absolute_against_host", "", Errc::kOk, "9112 3.2");
  mismatch.raw = "GET http://evil.example:81/x HTTP/1.1\r\nHost: h\r\n\r\n";
  mismatch.target = "http://evil.example:81/x";
  mismatch.target_flags = http1::kTargetDoubleSlash;
  mismatch.form = http1::TargetForm::kAbsolute;
  out->push_back(mismatch);
  out->push_back(Make("absolute_needs_host", "GET http://h/ HTTP/1.1\r\n\r\n", Errc::kMissingHost,
                      "9112 3.2"));
  out->push_back(Make("absolute_with_bad_host", "GET http://h/ HTTP/1.1\r\nHost: a b\r\n\r\n",
                      Errc::kBadHost, "9112 3.2"));
  RequestCase method = Make("method_of_2000_bytes", "", Errc::kOk, "9110 9.1");
  method.method = std::string(2'000, 'A');
  method.raw = method.method + " / HTTP/1.1\r\nHost: h\r\n\r\n";
  out->push_back(method);
  out->push_back(
      Make("method_without_end", std::string(16'385, 'A'), Errc::kHeadTooLarge, "limit"));
}

void AddHosts(std::vector<RequestCase>* out) {
  for (const char* host :
       {"h\xa0",  "h;x,i",    "h#@i",    "h/@i",       "h\\@i",       "u:p@h",       "h%40i",
        "h%2fi",  "h%0d%0aA", "h:80,i",  "h:080000",   "h:8\xd9\xa0", "h:0x50",      "[::1]:80:80",
        "[::1]i", "[[::1]]",  "[::1%25", "[::1%eth0]", "[h]",         "[127.0.0.1]", "::1",
        "h i",    "http://h", "h\"",     "*h?"}) {
    out->push_back(Make("host_"s + host, "GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n",
                        Errc::kBadHost, "9112 3.2, 3986 3.2.2"));
  }
}

void AddVersions(std::vector<RequestCase>* out) {
  const char* rfc = "9112 6.1";
  for (const char* value : {"identity", "gzip, chunked", "", "x"}) {
    out->push_back(Make("http10_te_"s + value,
                        "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n"
                        "Transfer-Encoding: "s +
                            value + "\r\n\r\n",
                        Errc::kTransferEncodingOnHttp10, rfc));
  }
  out->push_back(Make("http10_te_and_length",
                      "POST / HTTP/1.0\r\nContent-Length: 5\r\n"s + kTe + "\r\n",
                      Errc::kTransferEncodingOnHttp10, rfc));
}

}  // namespace

void AddHostileRequests(std::vector<RequestCase>* out) {
  AddHiddenTransferEncodings(out);
  AddHiddenNames(out);
  AddLengths(out);
  AddRequestLines(out);
  AddHosts(out);
  AddVersions(out);
}

void AddHostileChunks(std::vector<ChunkedCase>* out) {
  const std::string rest = "hello\r\n0\r\n\r\n";
  for (const Row& row : std::vector<Row>{
           {"size_vertical_tab", "5\v\r\n" + rest, Errc::kBadChunk},
           {"size_tab", "5\t\r\n" + rest, Errc::kBadChunk},
           {"size_0X", "0X5\r\n" + rest, Errc::kBadChunk},
           {"size_h", "5h\r\n" + rest, Errc::kBadChunk},
           {"size_fraction", "5.0\r\n" + rest, Errc::kBadChunk},
           {"size_comma", "5,5\r\n" + rest, Errc::kBadChunk},
           {"size_equals", "5=5\r\n" + rest, Errc::kBadChunk},
           {"size_fullwidth", "\xef\xbc\x95\r\n" + rest, Errc::kBadChunk},
           {"size_lf_first", "\n5\r\n" + rest, Errc::kBadChunk},
           {"size_cr_first", "\r5\r\n" + rest, Errc::kBadChunk},
           {"size_cr_lf_first", "\r\n5\r\n" + rest, Errc::kBadChunk},
           {"size_lf_cr", "5\n\r" + rest, Errc::kBareLf},
           {"size_lf_lf", "5\n\n" + rest, Errc::kBareLf},
           {"size_wraps_32_bits", "100000005\r\n" + rest, Errc::kBodyTooLarge},
           {"size_wraps_64_bits", "10000000000000005\r\n" + rest, Errc::kBadChunk},
           {"size_of_many_zeros", std::string(2'000, '0') + "5\r\n" + rest, Errc::kBadChunk},
           {"size_minus_zero", "-0\r\n\r\n", Errc::kBadChunk},
           {"last_0x0", "0x0\r\n\r\n", Errc::kBadChunk},
           {"last_cr_cr_lf", "0\r\r\n\r\n", Errc::kBadChunk},
           {"last_extension_lf", "0;\n\r\n", Errc::kBareLf},
           {"extension_cr_cr_lf", "5;\r\r\n" + rest, Errc::kBadChunk},
           {"extension_cr_size", "5;x\r5\r\n" + rest, Errc::kBadChunk},
           {"extension_lf_size", "2;\nxx\r\n4c\r\n0\r\n\r\n", Errc::kBareLf},
           {"extension_quoted_lf", "5;a=\"\n\"\r\n" + rest, Errc::kBareLf},
           {"extension_quoted_cr", "5;a=\"\r\"\r\n" + rest, Errc::kBadChunk},
           {"extension_del", "5;\x7f\r\n" + rest, Errc::kBadChunk},
           {"data_end_cr_cr_lf", "5\r\nhello\r\r\n0\r\n\r\n", Errc::kBadChunk},
           {"data_end_lf_cr", "5\r\nhello\n\r0\r\n\r\n", Errc::kBareLf},
           {"data_end_nul", "5\r\nhello\0\r\n0\r\n\r\n"s, Errc::kBadChunk},
           {"empty_line_in_place_of_a_size", "5\r\nhello\r\n\r\n0\r\n\r\n", Errc::kBadChunk},
           {"request_in_place_of_a_size", "5\r\nhello\r\nGET / HTTP/1.1\r\n\r\n", Errc::kBadChunk},
           {"trailer_request", "0\r\nGET /never HTTP/1.1\r\nHost: h\r\n\r\n", Errc::kBadTrailer},
           {"trailer_fold_first", "0\r\n A: b\r\n\r\n", Errc::kBadTrailer},
           {"trailer_name_empty", "0\r\n: b\r\n\r\n", Errc::kBadTrailer},
           {"trailer_name_blank", "0\r\nA : b\r\n\r\n", Errc::kBadTrailer},
           {"trailer_lf_first", "0\r\n\nA: b\r\n\r\n", Errc::kBareLf},
           {"trailer_vertical_tab", "0\r\nA: \v\r\n\r\n", Errc::kBadTrailer},
           {"trailer_te_case", "0\r\ntRANSFER-eNCODING: chunked\r\n\r\n", Errc::kBadTrailer}}) {
    out->push_back({.name = "hostile_"s + row.name,
                    .raw = row.text,
                    .errc = row.errc,
                    .body = {},
                    .rest = {}});
  }
  // What an extension says does not matter, whatever it is, once nothing in it can end a line.
  for (const char* extension : {";", ";;", ";=", ";a=\"", ";a=\"b\\", ";\xff", "; a", ";5"}) {
    out->push_back({.name = "hostile_extension"s + extension,
                    .raw = "5"s + extension + "\r\n" + rest,
                    .errc = Errc::kOk,
                    .body = "hello",
                    .rest = {}});
  }
}

void AddHostileResponses(std::vector<ResponseCase>* out) {
  auto add = [out](const char* name, std::string raw, Errc errc, const char* rfc) {
    ResponseCase c;
    c.name = "hostile_"s + name;
    c.raw = std::move(raw);
    c.errc = errc;
    c.rfc = rfc;
    out->push_back(c);
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const char* value : {"", "+2", "-2", "2, 2", "2,2", "0x2", "2 2", "2.0",
                            "18446744073709551618", "9223372036854775808"}) {
    add(("length_"s + value).c_str(), ok + "Content-Length: " + value + "\r\n\r\nhi",
        Errc::kBadContentLength, "9112 6.3");
  }
  add("length_twice_different", ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
      Errc::kDuplicateContentLength, "9112 6.3");
  add("http10_bad_length", "HTTP/1.0 200 OK\r\nContent-Length: x\r\n"s + kTe + "\r\n",
      Errc::kBadContentLength, "9112 6.3");
  add("te_and_bad_length", ok + "Content-Length: x\r\n" + kTe + "\r\n",
      Errc::kLengthAndTransferEncoding, "9112 6.3");
  add("te_chunked_twice", ok + "Transfer-Encoding: chunked, chunked\r\n\r\n",
      Errc::kBadTransferEncoding, "9112 6.3");
  add("te_vertical_tab", ok + "Transfer-Encoding: chunked\v\r\n\r\n", Errc::kBadFieldValue,
      "9110 5.5");
  add("te_name_tab", ok + "Transfer-Encoding\t: chunked\r\n\r\n", Errc::kSpaceBeforeColon,
      "9112 5.1");
  add("te_folded", ok + "Transfer-Encoding:\r\n chunked\r\n\r\n", Errc::kObsFold, "9112 5.2");
  add("length_folded_first", ok + " Content-Length: 2\r\n\r\nhi", Errc::kBadFieldName, "9112 2.2");
  add("length_behind_bare_cr", ok + "A: b\rContent-Length: 2\r\n\r\nhi", Errc::kBadFieldValue,
      "9112 2.2");
  add("length_behind_bare_lf", ok + "A: b\nContent-Length: 2\r\n\r\nhi", Errc::kBareLf, "9112 2.2");
  add("empty_lines_5", "\r\n\r\n\r\n\r\n\r\n" + ok + "\r\n", Errc::kBadStatusLine, "9112 2.2");
  for (const char* line :
       {"HTTP/1.1 0200 OK", "HTTP/1.1 +20 OK", "HTTP/1.1 2 0 OK",
        "HTTP/1.1 \xd9\xa2"
        "00 OK",
        "HTTP/1.10 200 OK", "HTTP/1.1 20O OK", "HTTP/1.1 0x2 OK", "\tHTTP/1.1 200 OK",
        "\xef\xbb\xbfHTTP/1.1 200 OK", "GET / HTTP/1.1", "HTTP/1.1 200 a\vb", "HTTP/1.1\v200 OK"}) {
    add(("line_"s + line).c_str(), line + "\r\nContent-Length: 0\r\n\r\n"s, Errc::kBadStatusLine,
        "9112 4");
  }
}

}  // namespace fasthttp::testing
