#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "testing/bad_server.h"

namespace fasthttptest {
namespace {

using fasthttp::Errc;
using std::string_literals::operator""s;
using Script = std::vector<BadStep>;
using Table = std::vector<BadBehaviour>;

const std::string kOk = "HTTP/1.1 200 OK\r\n";
const std::string kHello = kOk + "Content-Length: 5\r\n\r\nhello";
const std::string kChunked = kOk + "Transfer-Encoding: chunked\r\n\r\n";
const std::string kHonest = absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", kHonestBody.size(),
                                         "\r\n\r\n", kHonestBody);

// --- Steps ------------------------------------------------------------------------------------

BadStep Receive() { return {.kind = BadStep::kReceive}; }
BadStep ReceiveHead() { return {.kind = BadStep::kReceiveHead}; }
BadStep ReceiveBody() { return {.kind = BadStep::kReceiveBody}; }
BadStep Send(std::string bytes, uint64_t times = 1) {
  return {.kind = BadStep::kSend, .bytes = std::move(bytes), .times = times};
}
BadStep Drip(std::string bytes, absl::Duration pause) {
  return {.kind = BadStep::kDrip, .bytes = std::move(bytes), .pause = pause};
}
BadStep Pause(absl::Duration pause) { return {.kind = BadStep::kPause, .pause = pause}; }
BadStep Finish() { return {.kind = BadStep::kFinish}; }
BadStep Close() { return {.kind = BadStep::kClose}; }
BadStep Reset() { return {.kind = BadStep::kReset}; }
BadStep Hang() { return {.kind = BadStep::kHang}; }

// --- Rows -------------------------------------------------------------------------------------

BadBehaviour Fails(std::string name, Script script, Errc errc) {
  BadBehaviour b;
  b.name = std::move(name);
  b.script = std::move(script);
  b.errc = errc;
  return b;
}

BadBehaviour Answers(std::string name, Script script, std::string body, bool reusable = false) {
  BadBehaviour b;
  b.name = std::move(name);
  b.script = std::move(script);
  b.body = std::move(body);
  b.reusable = reusable;
  return b;
}

BadBehaviour WithStatus(BadBehaviour b, int status) {
  b.status = status;
  return b;
}

BadBehaviour SimulatedOnly(BadBehaviour b) {
  b.simulated_only = true;
  return b;
}

BadBehaviour Head(BadBehaviour b) {
  b.method = "HEAD";
  return b;
}

BadBehaviour Post(BadBehaviour b, size_t body, bool expect_continue = false) {
  b.method = "POST";
  b.request_body = body;
  b.expect_continue = expect_continue;
  return b;
}

void AddGone(Table& t) {
  // A socket that is closed with something unread sends a reset.
  t.push_back(SimulatedOnly(Fails("closes_at_once", {Close()}, Errc::kConnectionClosed)));
  t.push_back(Fails("resets_at_once", {Reset()}, Errc::kConnectionReset));
  t.push_back(Fails("closes_after_request", {Receive(), Close()}, Errc::kConnectionClosed));
  t.push_back(
      Fails("finishes_after_request", {Receive(), Finish(), Hang()}, Errc::kConnectionClosed));
  t.push_back(Fails("resets_after_request", {Receive(), Reset()}, Errc::kConnectionReset));
  t.push_back(Fails("never_reads", {Pause(absl::Seconds(60)), Close()}, Errc::kTimeout));
  t.push_back(
      Post(Fails("never_reads_a_large_body", {Pause(absl::Seconds(60)), Close()}, Errc::kTimeout),
           4'000'000));
  t.push_back(Fails("never_answers", {Hang()}, Errc::kTimeout));
  t.push_back(Post(Fails("never_answers_a_post", {Hang()}, Errc::kTimeout), 100));
  t.push_back(SimulatedOnly(
      Post(Fails("closes_within_the_request", {ReceiveHead(), Pause(absl::Seconds(1)), Close()},
                 Errc::kConnectionClosed),
           4'000'000)));
  t.push_back(
      Post(Fails("finishes_within_the_request",
                 {ReceiveHead(), Pause(absl::Seconds(1)), Finish(), Pause(absl::Seconds(60))},
                 Errc::kConnectionClosed),
           4'000'000));
  t.push_back(Post(Fails("resets_within_the_request",
                         {ReceiveHead(), Pause(absl::Seconds(1)), Reset()}, Errc::kConnectionReset),
                   4'000'000));
}

// The end of the stream, a reset and silence at each place of a message where something begins.
void AddCuts(Table& t) {
  struct Cut {
    const char* name;
    std::string sent;
  };
  const std::vector<Cut> cuts = {
      {"version", "HT"},
      {"version_end", "HTTP/1.1"},
      {"status", "HTTP/1.1 20"},
      {"reason", "HTTP/1.1 200 O"},
      {"status_line_cr", "HTTP/1.1 200 OK\r"},
      {"status_line", kOk},
      {"field_name", kOk + "Content-Le"},
      {"field_colon", kOk + "Content-Length:"},
      {"field_value", kOk + "Content-Length: "},
      {"field_cr", kOk + "Content-Length: 5\r"},
      {"field_line", kOk + "Content-Length: 5\r\n"},
      {"head_cr", kOk + "Content-Length: 5\r\n\r"},
      {"head", kOk + "Content-Length: 5\r\n\r\n"},
      {"body", kOk + "Content-Length: 5\r\n\r\nhell"},
      {"chunked_head", kChunked},
      {"chunk_size", kChunked + "5"},
      {"chunk_extension", kChunked + "5;a"},
      {"chunk_size_cr", kChunked + "5\r"},
      {"chunk_size_line", kChunked + "5\r\n"},
      {"chunk_data", kChunked + "5\r\nhel"},
      {"chunk_data_end", kChunked + "5\r\nhello"},
      {"chunk", kChunked + "5\r\nhello\r\n"},
      {"last_chunk", kChunked + "5\r\nhello\r\n0\r\n"},
      {"trailer_name", kChunked + "5\r\nhello\r\n0\r\nA"},
      {"trailer_line", kChunked + "5\r\nhello\r\n0\r\nA: b\r\n"},
      {"trailer_end_cr", kChunked + "5\r\nhello\r\n0\r\nA: b\r\n\r"},
      {"interim", "HTTP/1.1 100 Continue\r\n\r\n"},
      {"interim_head", "HTTP/1.1 103 Early Hints\r\nLink: x"},
  };
  for (const Cut& cut : cuts) {
    t.push_back(Fails("closes_in_"s + cut.name, {Receive(), Send(cut.sent), Close()},
                      Errc::kUnexpectedEof));
    // With a pause, so that what was sent before the reset has been read.
    t.push_back(Fails("resets_in_"s + cut.name,
                      {Receive(), Send(cut.sent), Pause(absl::Seconds(1)), Reset()},
                      Errc::kConnectionReset));
    t.push_back(
        Fails("stops_in_"s + cut.name, {Receive(), Send(cut.sent), Hang()}, Errc::kTimeout));
  }
  t.push_back(Fails("resets_in_body_until_close",
                    {Receive(), Send(kOk + "\r\nhello"), Pause(absl::Seconds(1)), Reset()},
                    Errc::kConnectionReset));
  t.push_back(Fails("stops_in_body_until_close", {Receive(), Send(kOk + "\r\nhello"), Hang()},
                    Errc::kTimeout));
}

void AddNotHttp(Table& t) {
  auto says = [&t](const char* name, std::string bytes, Errc errc = Errc::kBadStatusLine) {
    t.push_back(Fails(name, {Receive(), Send(std::move(bytes)), Close()}, errc));
  };
  says("speaks_tls", "\x15\x03\x01\0\x02\x02\x46"s);
  says("speaks_ssh", "SSH-2.0-OpenSSH_9.2\r\n");
  says("speaks_smtp", "220 mail.example ESMTP\r\n");
  says("speaks_http09", "<html>hello</html>\n");
  says("speaks_icy", "ICY 200 OK\r\n\r\n");
  says("speaks_http2", "\0\0\x12\x04\0\0\0\0\0\r\n\r\n"s);
  says("speaks_http3_version", "HTTP/3.0 200 OK\r\n\r\n", Errc::kVersionNotSupported);
  says("speaks_a_request", "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  says("speaks_zeros", std::string(1000, '\0'));
  says("speaks_noise", std::string(1000, '\xff'));
  t.push_back(Fails("speaks_json_and_stays", {Receive(), Send("{\"a\": 1}\r\n"), Hang()},
                    Errc::kBadStatusLine));
}

void AddBadHeads(Table& t) {
  auto head = [&t](const char* name, std::string bytes, Errc errc) {
    t.push_back(Fails(name, {Receive(), Send(std::move(bytes)), Hang()}, errc));
  };
  head("status_of_two_digits", "HTTP/1.1 20 OK\r\n\r\n", Errc::kBadStatusLine);
  head("status_of_four_digits", "HTTP/1.1 2000 OK\r\n\r\n", Errc::kBadStatusLine);
  head("status_below_100", "HTTP/1.1 099 Odd\r\n\r\n", Errc::kBadStatusLine);
  head("nul_in_reason", "HTTP/1.1 200 O\0K\r\n\r\n"s, Errc::kBadStatusLine);
  head("bare_lf", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", Errc::kBareLf);
  head("nul_in_value", kOk + "A: b\0c\r\n\r\n"s, Errc::kBadFieldValue);
  head("bare_cr_in_value", kOk + "A: b\rc\r\n\r\n", Errc::kBadFieldValue);
  head("space_before_colon", kOk + "Content-Length : 5\r\n\r\nhello", Errc::kSpaceBeforeColon);
  head("folded_field", kOk + "A: b\r\n c\r\n\r\n", Errc::kObsFold);
  head("no_colon", kOk + "Content-Length\r\n\r\n", Errc::kMissingColon);
  head("empty_name", kOk + ": b\r\n\r\n", Errc::kBadFieldName);
  head("bad_name", kOk + "A(: b\r\n\r\n", Errc::kBadFieldName);
  head("status_line_twice", kOk + kHello, Errc::kBadFieldName);
  t.push_back(Fails("head_too_large",
                    {Receive(), Send(kOk + "A: "), Send(std::string(1024, 'x'), 100), Hang()},
                    Errc::kHeadTooLarge));
  t.push_back(Fails("status_line_without_end",
                    {Receive(), Send("HTTP/1.1 200 "), Send(std::string(1024, 'x'), 100), Hang()},
                    Errc::kHeadTooLarge));
  t.push_back(
      Fails("too_many_fields",
            {Receive(), Send(kOk), Send("A: b\r\n", kBadServerMaxFields + 1), Send("\r\n"), Hang()},
            Errc::kTooManyFields));
  t.push_back(Fails("fields_without_end", {Receive(), Send(kOk), Send("A: b\r\n", 1'000'000)},
                    Errc::kTooManyFields));
}

void AddFraming(Table& t) {
  auto framing = [&t](const char* name, const std::string& fields, Errc errc,
                      const std::string& body = "5\r\nhello\r\n0\r\n\r\n") {
    t.push_back(Fails(name, {Receive(), Send(kOk + fields + "\r\n" + body), Hang()}, errc));
  };
  const std::string te = "Transfer-Encoding: chunked\r\n";
  framing("length_and_chunked", "Content-Length: 5\r\n" + te, Errc::kLengthAndTransferEncoding);
  framing("chunked_and_length", te + "Content-Length: 5\r\n", Errc::kLengthAndTransferEncoding);
  framing("two_lengths", "Content-Length: 5\r\nContent-Length: 15\r\n",
          Errc::kDuplicateContentLength);
  framing("length_twice", "Content-Length: 5\r\nContent-Length: 5\r\n",
          Errc::kDuplicateContentLength);
  framing("length_list", "Content-Length: 5, 5\r\n", Errc::kBadContentLength);
  framing("length_negative", "Content-Length: -5\r\n", Errc::kBadContentLength);
  framing("length_hex", "Content-Length: 0x5\r\n", Errc::kBadContentLength);
  framing("length_overflow", "Content-Length: 99999999999999999999\r\n", Errc::kBadContentLength);
  framing("length_empty", "Content-Length:\r\n", Errc::kBadContentLength);
  framing("length_huge", "Content-Length: 9223372036854775807\r\n", Errc::kBodyTooLarge);
  framing("length_over_the_limit", absl::StrCat("Content-Length: ", kBadServerMaxBody + 1, "\r\n"),
          Errc::kBodyTooLarge);
  framing("chunked_twice", te + te, Errc::kBadTransferEncoding);
  framing("chunked_not_last", "Transfer-Encoding: chunked, gzip\r\n", Errc::kBadTransferEncoding);
  framing("gzip_coding", "Transfer-Encoding: gzip\r\n", Errc::kUnsupportedTransferEncoding);
  framing("coding_with_a_tab", "Transfer-Encoding: \tchun\tked\r\n", Errc::kBadTransferEncoding);
}

void AddChunks(Table& t) {
  auto chunks = [&t](const char* name, const std::string& body, Errc errc) {
    t.push_back(Fails(name, {Receive(), Send(kChunked + body), Hang()}, errc));
  };
  chunks("chunk_size_not_hex", "z\r\nhello\r\n0\r\n\r\n", Errc::kBadChunk);
  chunks("chunk_size_missing", "\r\nhello\r\n0\r\n\r\n", Errc::kBadChunk);
  chunks("chunk_size_negative", "-5\r\nhello\r\n0\r\n\r\n", Errc::kBadChunk);
  chunks("chunk_size_overflow", "fffffffffffffffff\r\nhello", Errc::kBadChunk);
  chunks("chunk_bare_lf", "5\nhello\n0\n\n", Errc::kBareLf);
  chunks("chunk_shorter_than_said", "4\r\nhello\r\n0\r\n\r\n", Errc::kBadChunk);
  chunks("chunk_longer_than_said", "6\r\nhello\r\n0\r\n\r\n", Errc::kBareLf);
  chunks("chunk_extension_without_end", "5;" + std::string(100'000, 'x'),
         Errc::kChunkExtensionTooLong);
  chunks("chunk_over_the_limit", absl::StrCat(absl::Hex(kBadServerMaxBody + 1), "\r\n"),
         Errc::kBodyTooLarge);
  chunks("trailer_frames_again", "0\r\nContent-Length: 5\r\n\r\n", Errc::kBadTrailer);
  chunks("trailer_malformed", "0\r\nA b\r\n\r\n", Errc::kBadTrailer);
  t.push_back(
      Fails("trailer_without_end",
            {Receive(), Send(kChunked + "0\r\nA: "), Send(std::string(1024, 'x'), 100), Hang()},
            Errc::kTrailerTooLarge));
  t.push_back(Fails("chunks_without_end",
                    {Receive(), Send(kChunked), Send("1\r\nx\r\n", 1'000'000)},
                    Errc::kBodyTooLarge));
  t.push_back(Fails("body_without_end",
                    {Receive(), Send(kOk + "\r\n"), Send(std::string(1024, 'x'), 10'000)},
                    Errc::kBodyTooLarge));
  t.push_back(Answers("chunks_of_one_byte",
                      {Receive(), Send(kChunked), Send("1\r\nx\r\n", 1000), Send("0\r\n\r\n")},
                      std::string(1000, 'x'), /*reusable=*/true));
}

// Bytes that nobody asked for are somebody else's answer if the connection is used again.
void AddSurplus(Table& t) {
  t.push_back(Answers("body_longer_than_said",
                      {Receive(), Send(kOk + "Content-Length: 4\r\n\r\nhello")}, "hell"));
  t.push_back(Answers("answers_twice", {Receive(), Send(kHello + kHello)}, "hello"));
  t.push_back(Answers("answers_twice_later",
                      {Receive(), Send(kHello), Pause(absl::Milliseconds(100)), Send(kHello)},
                      "hello"));
  t.push_back(Answers("one_byte_behind", {Receive(), Send(kHello + "\n")}, "hello"));
  t.push_back(Answers("line_end_behind_later",
                      {Receive(), Send(kHello), Pause(absl::Milliseconds(100)), Send("\r\n")},
                      "hello"));
  t.push_back(Answers("bytes_behind_chunked",
                      {Receive(), Send(kChunked + "5\r\nhello\r\n0\r\n\r\n" + kHello)}, "hello"));
  t.push_back(Head(Answers("body_to_head", {Receive(), Send(kHello)}, "")));
  t.push_back(Head(Answers("late_body_to_head",
                           {Receive(), Send(kOk + "Content-Length: 5\r\n\r\n"),
                            Pause(absl::Milliseconds(100)), Send("hello")},
                           "")));
  t.push_back(WithStatus(
      Answers("body_of_204",
              {Receive(), Send("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello")}, ""),
      204));
  t.push_back(WithStatus(
      Answers("body_of_304",
              {Receive(), Send("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello")}, ""),
      304));
  t.push_back(Answers("flood_behind",
                      {Receive(), Send(kHello), Send(std::string(1024, 'x'), 10'000)}, "hello"));
}

void AddInterim(Table& t) {
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
  t.push_back(Answers("interim_before", {Receive(), Send(hints + hints), Send(kHello)}, "hello",
                      /*reusable=*/true));
  t.push_back(Answers("continue_unasked",
                      {Receive(), Send("HTTP/1.1 100 Continue\r\n\r\n" + kHello)}, "hello",
                      /*reusable=*/true));
  t.push_back(Answers("as_many_interim_as_allowed",
                      {Receive(), Send(hints, kBadServerMaxInterim), Send(kHello)}, "hello",
                      /*reusable=*/true));
  t.push_back(Fails("one_interim_too_many",
                    {Receive(), Send(hints, kBadServerMaxInterim + 1), Send(kHello)},
                    Errc::kTooManyInterimResponses));
  t.push_back(Fails("interim_without_end", {Receive(), Send(hints, 100'000)},
                    Errc::kTooManyInterimResponses));
  t.push_back(Fails("interim_with_a_bad_field",
                    {Receive(), Send("HTTP/1.1 103 Early Hints\r\nA : b\r\n\r\n" + kHello)},
                    Errc::kSpaceBeforeColon));
  t.push_back(
      Fails("interim_drip", {Receive(), Drip(hints, absl::Seconds(1)), Hang()}, Errc::kTimeout));
}

void AddUploads(Table& t) {
  const std::string refused =
      "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
  t.push_back(WithStatus(
      Post(Answers("refuses_and_goes_on_reading", {ReceiveHead(), Send(refused), Hang()}, "no"),
           4'000'000),
      413));
  t.push_back(
      WithStatus(Post(Answers("refuses_without_reading",
                              {ReceiveHead(), Send(refused), Pause(absl::Seconds(60))}, "no"),
                      4'000'000),
                 413));
  t.push_back(WithStatus(
      Post(Answers("refuses_and_finishes", {ReceiveHead(), Send(refused), Finish(), Hang()}, "no"),
           4'000'000),
      413));
  // A socket may take it all: then nothing is wrong with the connection.
  t.push_back(SimulatedOnly(WithStatus(
      Post(Answers("refuses_and_stays_open",
                   {ReceiveHead(), Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"),
                    Pause(absl::Seconds(60))},
                   "no"),
           4'000'000),
      403)));
  t.push_back(Post(
      Answers("reads_slowly", {ReceiveHead(), Pause(absl::Seconds(3)), ReceiveBody(), Send(kHello)},
              "hello", /*reusable=*/true),
      4'000'000));
  t.push_back(Post(Answers("ignores_the_expectation", {ReceiveHead(), ReceiveBody(), Send(kHello)},
                           "hello", /*reusable=*/true),
                   1000, /*expect_continue=*/true));
  t.push_back(Post(Answers("continues_twice",
                           {ReceiveHead(), Send("HTTP/1.1 100 Continue\r\n\r\n", 2), ReceiveBody(),
                            Send(kHello)},
                           "hello", /*reusable=*/true),
                   1000, /*expect_continue=*/true));
  t.push_back(WithStatus(
      Post(Answers("fails_the_expectation",
                   {ReceiveHead(),
                    Send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"), Hang()},
                   "no"),
           1000, /*expect_continue=*/true),
      417));
  t.push_back(
      Post(Fails("stops_after_continue",
                 {ReceiveHead(), Send("HTTP/1.1 100 Continue\r\n\r\n"), Hang()}, Errc::kTimeout),
           1000, /*expect_continue=*/true));
  t.push_back(
      Post(Fails("closes_instead_of_continue", {ReceiveHead(), Close()}, Errc::kConnectionClosed),
           1000, /*expect_continue=*/true));
  t.push_back(
      Post(Fails("continues_and_closes",
                 {ReceiveHead(), Send("HTTP/1.1 100 Continue\r\n\r\n"), ReceiveBody(), Close()},
                 Errc::kUnexpectedEof),
           1000, /*expect_continue=*/true));
}

void AddSlow(Table& t) {
  t.push_back(Answers("drips_the_answer", {Receive(), Drip(kHello, absl::Milliseconds(50))},
                      "hello", /*reusable=*/true));
  t.push_back(Answers(
      "drips_chunks",
      {Receive(), Drip(kChunked + "5;a\r\nhello\r\n0\r\nA: b\r\n\r\n", absl::Milliseconds(50))},
      "hello", /*reusable=*/true));
  t.push_back(Fails("drips_too_slowly_in_head", {Receive(), Drip(kHello, absl::Seconds(1)), Hang()},
                    Errc::kTimeout));
  t.push_back(Fails("drips_too_slowly_in_body",
                    {Receive(), Send(kOk + "Content-Length: 100\r\n\r\n"),
                     Drip(std::string(100, 'x'), absl::Seconds(1))},
                    Errc::kTimeout));
  t.push_back(Fails("drips_until_close_for_ever",
                    {Receive(), Send(kOk + "\r\n"), Drip(std::string(100, 'x'), absl::Seconds(1))},
                    Errc::kTimeout));
  t.push_back(Answers(
      "pauses_in_body",
      {Receive(), Send(kOk + "Content-Length: 5\r\n\r\nhe"), Pause(absl::Seconds(5)), Send("llo")},
      "hello", /*reusable=*/true));
}

// What ends with the connection, and what a connection does after a good answer.
void AddEnds(Table& t) {
  t.push_back(Answers("body_until_close", {Receive(), Send(kOk + "\r\nhello"), Close()}, "hello"));
  t.push_back(Answers("body_until_finish", {Receive(), Send(kOk + "\r\nhello"), Finish(), Hang()},
                      "hello"));
  t.push_back(Answers("http10_until_close",
                      {Receive(), Send("HTTP/1.0 200 OK\r\n\r\nhello"), Close()}, "hello"));
  t.push_back(Answers(
      "http10_chunked_is_not_read",
      {Receive(), Send("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello"), Close()},
      "hello"));
  t.push_back(Answers("http10_stays_open",
                      {Receive(), Send("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")},
                      "hello"));
  t.push_back(Answers(
      "says_close_and_stays",
      {Receive(), Send(kOk + "Connection: close\r\nContent-Length: 5\r\n\r\nhello")}, "hello"));
  t.push_back(Answers("says_keep_alive_and_closes",
                      {Receive(),
                       Send(kOk + "Connection: keep-alive\r\nContent-Length: 5\r\n\r\n"
                                  "hello"),
                       Close()},
                      "hello"));
  t.push_back(Answers("closes_while_idle",
                      {Receive(), Send(kHello), Pause(absl::Milliseconds(100)), Close()}, "hello"));
  t.push_back(Answers("resets_while_idle",
                      {Receive(), Send(kHello), Pause(absl::Milliseconds(100)), Reset()}, "hello"));
  t.push_back(Answers("finishes_while_idle", {Receive(), Send(kHello), Finish(), Hang()}, "hello"));
  t.push_back(Answers(
      "says_408_while_idle",
      {Receive(), Send(kHello), Pause(absl::Milliseconds(100)),
       Send("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
       Close()},
      "hello"));
  // The next request, an honest one, is lost with the connection: it is sent once more.
  t.push_back(Answers("closes_at_the_next_request", {Receive(), Send(kHello), Receive(), Close()},
                      "hello"));
  t.push_back(Answers("resets_at_the_next_request", {Receive(), Send(kHello), Receive(), Reset()},
                      "hello"));
  t.push_back(Answers("empty_line_first", {Receive(), Send("\r\n" + kHello)}, "hello",
                      /*reusable=*/true));
  t.push_back(Answers("empty_body", {Receive(), Send(kOk + "Content-Length: 0\r\n\r\n")}, "",
                      /*reusable=*/true));
  t.push_back(Answers(
      "largest_body_allowed",
      {Receive(), Send(absl::StrCat(kOk, "Content-Length: ", kBadServerMaxBody, "\r\n\r\n")),
       Send(std::string(1024, 'x'), kBadServerMaxBody / 1024)},
      std::string(kBadServerMaxBody, 'x'), /*reusable=*/true));
  t.push_back(WithStatus(Answers("unknown_status",
                                 {Receive(), Send("HTTP/1.1 799 Odd\r\nContent-Length: 5\r\n\r\n"
                                                  "hello")},
                                 "hello", /*reusable=*/true),
                         799));
  t.push_back(WithStatus(
      Answers("no_reason", {Receive(), Send("HTTP/1.1 500\r\nContent-Length: 5\r\n\r\nhello")},
              "hello", /*reusable=*/true),
      500));
}

}  // namespace

const std::vector<BadBehaviour>& BadBehaviours() {
  static const Table& table = *[] {
    auto* t = new Table;
    AddGone(*t);
    AddCuts(*t);
    AddNotHttp(*t);
    AddBadHeads(*t);
    AddFraming(*t);
    AddChunks(*t);
    AddSurplus(*t);
    AddInterim(*t);
    AddUploads(*t);
    AddSlow(*t);
    AddEnds(*t);
    return t;
  }();
  return table;
}

}  // namespace fasthttptest
