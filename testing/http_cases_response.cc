#include <utility>

#include "testing/http_cases.h"
#include "testing/http_cases_parts.h"

namespace fasthttp::testing {
namespace {

using http1::Framing;
using http1::MethodId;
using std::string_literals::operator""s;

ChunkedCase BadChunk(std::string name, std::string raw, Errc errc = Errc::kBadChunk) {
  return {.name = std::move(name), .raw = std::move(raw), .errc = errc, .body = {}, .rest = {}};
}

void AddGoodChunks(std::vector<ChunkedCase>* out) {
  auto add = [out](const char* name, std::string raw, const char* body, const char* rest = "") {
    out->push_back(
        {.name = name, .raw = std::move(raw), .errc = Errc::kOk, .body = body, .rest = rest});
  };
  add("empty", "0\r\n\r\n", "");
  add("empty_00", "000\r\n\r\n", "");
  add("one", "5\r\nhello\r\n0\r\n\r\n", "hello");
  add("leading_zeros", "0005\r\nhello\r\n0\r\n\r\n", "hello");
  add("fifteen_digits", "000000000000005\r\nhello\r\n0\r\n\r\n", "hello");
  add("hex_case", "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a");
  add("extension", "5;a=b\r\nhello\r\n0;c=\"\t d\"\r\n\r\n", "hello");
  add("data_with_line_ends", "6\r\n\r\n0\r\n\r\r\n0\r\n\r\n", "\r\n0\r\n\r");
  add("next_message", "1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "x", "GET / HTTP/1.1\r\n");
}

void AddBadChunks(std::vector<ChunkedCase>* out) {
  out->push_back(BadChunk("size_missing", "\r\nhello\r\n0\r\n\r\n"));
  out->push_back(BadChunk("extension_without_size", ";a\r\n"));
  out->push_back(BadChunk("size_negative", "-1\r\n"));
  out->push_back(BadChunk("size_0x", "0x5\r\nhello\r\n0\r\n\r\n"));
  out->push_back(BadChunk("size_plus", "+5\r\nhello\r\n0\r\n\r\n"));
  out->push_back(BadChunk("size_not_hex", "g\r\n"));
  out->push_back(BadChunk("size_space_before", " 5\r\nhello\r\n0\r\n\r\n"));
  out->push_back(BadChunk("size_space_after", "5 \r\nhello\r\n0\r\n\r\n"));
  out->push_back(BadChunk("size_space_extension", "5 ;x\r\nhello\r\n0\r\n\r\n"));
  out->push_back(BadChunk("size_sixteen_digits", "0000000000000005\r\nhello\r\n0\r\n\r\n"));
  out->push_back(BadChunk("size_underscore", "1_0\r\n"));
  out->push_back(BadChunk("size_nul", "5\0\r\nhello"s));
  out->push_back(BadChunk("size_cr_cr_lf", "5\r\r\nhello\r\n0\r\n\r\n"));
  out->push_back(BadChunk("size_cr_x", "5\rx"));
  out->push_back(BadChunk("size_bare_lf", "5\nhello\r\n0\r\n\r\n", Errc::kBareLf));
  out->push_back(BadChunk("last_bare_lf", "0\n\r\n", Errc::kBareLf));
  out->push_back(BadChunk("extension_bare_lf", "5;x\nhello\r\n0\r\n\r\n", Errc::kBareLf));
  out->push_back(BadChunk("extension_nul", "5;x\0\r\nhello"s));
  out->push_back(BadChunk("extension_bare_cr", "5;x\ry\r\nhello"));
  out->push_back(BadChunk("extension_too_long", "5;" + std::string(1 << 20, 'x') + "\r\n",
                          Errc::kChunkExtensionTooLong));
  out->push_back(BadChunk("data_end_missing", "5\r\nhello0\r\n\r\n"));
  out->push_back(BadChunk("data_end_lf", "5\r\nhello\n0\r\n\r\n", Errc::kBareLf));
  out->push_back(BadChunk("data_end_cr", "5\r\nhello\rx"));
  out->push_back(BadChunk("data_too_long", "5\r\nhello!\r\n0\r\n\r\n"));
  out->push_back(BadChunk("body_too_large", "400001\r\n", Errc::kBodyTooLarge));
  out->push_back(BadChunk("body_sum_too_large", "1\r\nx\r\n400000\r\n", Errc::kBodyTooLarge));
  out->push_back(BadChunk("size_huge", "7fffffffffffffff\r\n"));
  out->push_back(
      BadChunk("size_wraps_the_sum", "1\r\nx\r\nfffffffffffffff\r\n", Errc::kBodyTooLarge));
  out->push_back(BadChunk("trailer_obs_fold", "0\r\nA: b\r\n c\r\n\r\n", Errc::kBadTrailer));
  out->push_back(BadChunk("trailer_no_colon", "0\r\nA\r\n\r\n", Errc::kBadTrailer));
  out->push_back(BadChunk("trailer_nul", "0\r\nA: \0\r\n\r\n"s, Errc::kBadTrailer));
  out->push_back(BadChunk("trailer_bare_lf", "0\r\nA: b\n\r\n", Errc::kBareLf));
  out->push_back(BadChunk("trailer_end_lf", "0\r\n\n", Errc::kBareLf));
  out->push_back(BadChunk("trailer_bare_cr", "0\r\nA: b\rc\r\n\r\n", Errc::kBadTrailer));
  out->push_back(BadChunk("trailer_end_cr_x", "0\r\n\rx", Errc::kBadTrailer));
  out->push_back(BadChunk("trailer_too_large", "0\r\nA: " + std::string(9000, 'x') + "\r\n\r\n",
                          Errc::kTrailerTooLarge));
  for (const char* name : {"Authorization",
                           "Content-Encoding",
                           "content-length",
                           "Content-Type",
                           "Content-Range",
                           "Connection",
                           "Cookie",
                           "Set-Cookie",
                           "Expect",
                           "HOST",
                           "Keep-Alive",
                           "Location",
                           "Max-Forwards",
                           "Proxy-Connection",
                           "Proxy-Authenticate",
                           "Proxy-Authorization",
                           "Range",
                           "TE",
                           "Trailer",
                           "Transfer-Encoding",
                           "WWW-Authenticate",
                           "X-Forwarded-For",
                           "x-forwarded-anything",
                           "X-Real-IP",
                           "Upgrade",
                           "Forwarded"}) {
    out->push_back(
        BadChunk("trailer_"s + name, "0\r\n"s + name + ": x\r\n\r\n", Errc::kBadTrailer));
  }
  // The end of the input in each position.
  const std::string whole = "5;a\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (size_t n = 0; n < whole.size(); ++n) {
    out->push_back(BadChunk("cut_at_" + std::to_string(n), whole.substr(0, n), Errc::kNeedMore));
  }
}

ResponseCase BadResponse(std::string name, std::string raw, Errc errc, std::string_view rfc) {
  ResponseCase c;
  c.name = std::move(name);
  c.raw = std::move(raw);
  c.errc = errc;
  c.rfc = rfc;
  return c;
}

// `head` without its empty line.
ResponseCase GoodResponse(std::string name, const std::string& head, std::string body,
                          Framing::Kind framing, bool keep_alive, std::string_view rfc) {
  ResponseCase c;
  c.name = std::move(name);
  c.raw = head + "\r\n" + body;
  c.body = framing == Framing::kChunked ? std::string() : body;
  c.framing = framing;
  c.length = framing == Framing::kLength ? body.size() : 0;
  c.keep_alive = keep_alive;
  c.rfc = rfc;
  return c;
}

void AddStatusLines(std::vector<ResponseCase>* out) {
  const char* rfc = "9112 4";
  struct Row {
    const char* line;
    int status;
    const char* reason;
  };
  for (const Row& row : std::initializer_list<Row>{{"HTTP/1.1 200 OK", 200, "OK"},
                                                   {"HTTP/1.1 200 ", 200, ""},
                                                   {"HTTP/1.1 200", 200, ""},
                                                   {"HTTP/1.1 404 Not Found", 404, "Not Found"},
                                                   {"HTTP/1.1 999 \x80 \t!", 999, "\x80 \t!"},
                                                   {"HTTP/1.1 200  two", 200, " two"}}) {
    ResponseCase c = GoodResponse("status_"s + row.line, row.line + "\r\nContent-Length: 2\r\n"s,
                                  "ok", Framing::kLength, true, rfc);
    c.status = row.status;
    c.reason = row.reason;
    c.fields = {{"Content-Length", "2"}};
    out->push_back(c);
  }
  for (const char* line : {"HTTP/1.1",         "HTTP/1.1 ",           "HTTP/1.1 20",
                           "HTTP/1.1 2000 OK", "HTTP/1.1  200 OK",    "HTTP/1.1 2x0 OK",
                           "HTTP/1.1 -20 OK",  "HTTP/1.1 099 X",      "HTTP/1.1 000 X",
                           "HTTP/1.1 200OK",   "HTTP/1.1\t200 OK",    "http/1.1 200 OK",
                           "HTTP/1.x 200 OK",  "HTTP/11 200",         "ICY 200 OK",
                           " HTTP/1.1 200 OK", "HTTP/1.1 200 O\x01K", "HTTP/1.1 200 O\x7f",
                           "HTTP/1.1 200\tOK", "HTTP/1.1 200 a\rb"}) {
    out->push_back(BadResponse("status_"s + line, line + "\r\nContent-Length: 0\r\n\r\n"s,
                               Errc::kBadStatusLine, rfc));
  }
  out->push_back(
      BadResponse("status_line_nul", "HTTP/1.1 200 O\0K\r\n\r\n"s, Errc::kBadStatusLine, rfc));
  out->push_back(BadResponse("status_line_bare_lf", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
                             Errc::kBareLf, "9112 2.2"));
  out->push_back(BadResponse("status_line_twice",
                             "HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                             Errc::kBadFieldName, "9112 5"));
  out->push_back(
      BadResponse("version_2", "HTTP/2.0 200 OK\r\n\r\n", Errc::kVersionNotSupported, "9112 2.3"));
  ResponseCase blank =
      GoodResponse("empty_line_first", "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n", "",
                   Framing::kLength, true, "9112 2.2");
  out->push_back(blank);
}

void AddResponseBodies(std::vector<ResponseCase>* out) {
  const char* rfc = "9112 6.3";
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  out->push_back(GoodResponse("until_close", ok, "rest", Framing::kUntilClose, false, rfc));
  out->push_back(GoodResponse("until_close_keep_alive", ok + "Connection: keep-alive\r\n", "rest",
                              Framing::kUntilClose, false, rfc));
  ResponseCase c =
      GoodResponse("chunked", ok + chunked, "2\r\nhi\r\n0\r\n\r\n", Framing::kChunked, true, rfc);
  c.body = "hi";
  out->push_back(c);
  c = GoodResponse("http10", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n", "hi", Framing::kLength,
                   false, rfc);
  c.minor_version = 0;
  out->push_back(c);
  c = GoodResponse("http10_keep_alive",
                   "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n", "hi",
                   Framing::kLength, true, rfc);
  c.minor_version = 0;
  out->push_back(c);
  c = GoodResponse("http10_te_is_ignored", "HTTP/1.0 200 OK\r\n" + chunked, "rest",
                   Framing::kUntilClose, false, "9112 6.1");
  c.minor_version = 0;
  out->push_back(c);
  c = GoodResponse("http10_te_beside_length",
                   "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n" + chunked,
                   "hi", Framing::kLength, false, "9112 6.1");
  c.minor_version = 0;
  out->push_back(c);
  out->push_back(GoodResponse("close", ok + "Connection: close\r\nContent-Length: 2\r\n", "hi",
                              Framing::kLength, false, "9112 9.6"));
  struct Row {
    const char* status;
    MethodId method;
    bool upgrade;
  };
  for (const Row& row :
       std::initializer_list<Row>{{"100 Continue", MethodId::kPost, false},
                                  {"103 Early Hints", MethodId::kGet, false},
                                  {"101 Switching Protocols", MethodId::kGet, true},
                                  {"204 No Content", MethodId::kGet, false},
                                  {"304 Not Modified", MethodId::kGet, false},
                                  {"200 OK", MethodId::kHead, false},
                                  {"200 OK", MethodId::kConnect, true}}) {
    c = GoodResponse("no_body_"s + row.status + (row.upgrade ? "_upgrade" : ""),
                     "HTTP/1.1 "s + row.status + "\r\nContent-Length: 5\r\n", "", Framing::kNone,
                     true, rfc);
    c.status = std::stoi(row.status);
    c.reason = std::string(row.status).substr(4);
    c.request_method = row.method;
    c.upgrade = row.upgrade;
    out->push_back(c);
  }
  out->push_back(BadResponse("length_twice",
                             ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
                             Errc::kDuplicateContentLength, rfc));
  out->push_back(
      BadResponse("length_bad", ok + "Content-Length: x\r\n\r\n", Errc::kBadContentLength, rfc));
  out->push_back(BadResponse("length_and_te", ok + "Content-Length: 2\r\n" + chunked + "\r\n",
                             Errc::kLengthAndTransferEncoding, rfc));
  out->push_back(BadResponse("te_identity", ok + "Transfer-Encoding: identity\r\n\r\n",
                             Errc::kUnsupportedTransferEncoding, rfc));
  out->push_back(
      BadResponse("te_empty", ok + "Transfer-Encoding:\r\n\r\n", Errc::kBadTransferEncoding, rfc));
  out->push_back(BadResponse("te_list", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n",
                             Errc::kUnsupportedTransferEncoding, rfc));
  out->push_back(
      BadResponse("te_twice", ok + chunked + chunked + "\r\n", Errc::kBadTransferEncoding, rfc));
  out->push_back(
      BadResponse("space_before_colon", ok + "A : b\r\n\r\n", Errc::kSpaceBeforeColon, "9112 5.1"));
  out->push_back(BadResponse("obs_fold", ok + "A: b\r\n c\r\n\r\n", Errc::kObsFold, "9112 5.2"));
  out->push_back(BadResponse("bad_chunk", ok + chunked + "\r\nx\r\n", Errc::kBadChunk, "9112 7.1"));
}

void AddLenientResponses(std::vector<ResponseCase>* out) {
  const char* rfc = "9112 5.2";
  auto add = [out](ResponseCase c) {
    c.leniency = http1::Leniency::kAll;
    out->push_back(std::move(c));
  };
  ResponseCase c;
  c.name = "lenient_bare_lf";
  c.raw = "\nHTTP/1.1 200 OK\nA: b\r\nC:\nContent-Length: 2\n\nhi";
  c.fields = {{"A", "b"}, {"C", ""}, {"Content-Length", "2"}};
  c.length = 2;
  c.body = "hi";
  c.rfc = "9112 2.2";
  add(c);
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  c = GoodResponse("lenient_obs_fold", ok + "A: b\r\n  c \r\n\td\r\nContent-Length: 2\r\n", "hi",
                   Framing::kLength, true, rfc);
  c.fields = {{"A", "b    c    d"}, {"Content-Length", "2"}};
  add(c);
  add(BadResponse("lenient_fold_of_te", ok + "Transfer-Encoding:\r\n chunked\r\n\r\n",
                  Errc::kObsFold, rfc));
  add(BadResponse("lenient_fold_of_length", ok + "Content-Length: 1\r\n 0\r\n\r\nh", Errc::kObsFold,
                  rfc));
  add(BadResponse("lenient_first_line_folded", ok + " A: b\r\n\r\n", Errc::kBadFieldName, rfc));
  add(BadResponse("lenient_space_before_colon", ok + "A : b\r\n\r\n", Errc::kSpaceBeforeColon,
                  "9112 5.1"));
  add(BadResponse("lenient_bare_cr", ok + "A: b\rc\r\n\r\n", Errc::kBadFieldValue, "9112 2.2"));
  add(BadResponse("lenient_chunk_bare_lf",
                  "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\n0\n\n", Errc::kBareLf,
                  "9112 7.1"));
}

}  // namespace

const std::vector<ResponseCase>& ResponseCases() {
  static const std::vector<ResponseCase>& cases = *[] {
    auto* out = new std::vector<ResponseCase>;
    AddStatusLines(out);
    AddResponseBodies(out);
    AddHostileResponses(out);
    AddLenientResponses(out);
    FixNames(out);
    return out;
  }();
  return cases;
}

const std::vector<ChunkedCase>& ChunkedCases() {
  static const std::vector<ChunkedCase>& cases = *[] {
    auto* out = new std::vector<ChunkedCase>;
    AddGoodChunks(out);
    AddBadChunks(out);
    AddHostileChunks(out);
    FixNames(out);
    return out;
  }();
  return cases;
}

}  // namespace fasthttp::testing
