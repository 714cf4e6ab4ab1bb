// The raw-byte cases of HTTP/1: one table that the parser, the framing rules, the chunked decoder,
// the server and the client are all tested with, whole, pipelined and split at every byte.
//
// Each case is one message, head and body, with what a strict receiver must make of it. An error is
// the one that ends the message, whichever stage finds it (head, framing or body); a server answers
// it with HttpStatusOf(errc) and closes the connection. Errc::kNeedMore: the message is incomplete,
// and so is every prefix of it.
//
// Thread class: constants.
#ifndef TESTING_HTTP_CASES_H_
#define TESTING_HTTP_CASES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fasthttp/base/errc.h"
#include "fasthttp/http1/framing.h"
#include "fasthttp/http1/head.h"

namespace fasthttp::testing {

struct CaseField {
  std::string_view name;
  std::string_view value;
};

struct RequestCase {
  std::string name;  // Letters, digits and '_'.
  std::string raw;
  Errc errc = Errc::kOk;
  std::string_view rfc = {};  // The section that decides, "9112 6.1"; or what else does.
  http1::Leniency leniency = http1::Leniency::kStrict;

  // With kOk.
  std::string method = "GET";
  std::string target = "/";
  http1::TargetForm form = http1::TargetForm::kOrigin;
  uint8_t target_flags = 0;
  int minor_version = 1;
  std::vector<CaseField> fields = {};
  http1::Framing::Kind framing = http1::Framing::kNone;
  uint64_t length = 0;
  bool keep_alive = true;
  bool expect_continue = false;
  bool upgrade = false;
  std::string body = {};
  std::vector<CaseField> trailers = {};
};

struct ResponseCase {
  std::string name;
  std::string raw;
  Errc errc = Errc::kOk;
  std::string_view rfc = {};
  http1::Leniency leniency = http1::Leniency::kStrict;
  http1::MethodId request_method = http1::MethodId::kGet;

  // With kOk.
  int status = 200;
  std::string reason = "OK";
  int minor_version = 1;
  std::vector<CaseField> fields = {};
  http1::Framing::Kind framing = http1::Framing::kLength;
  uint64_t length = 0;
  bool keep_alive = true;
  bool upgrade = false;
  std::string body = {};
};

const std::vector<RequestCase>& RequestCases();
const std::vector<ResponseCase>& ResponseCases();

// Malformed and well-formed chunked bodies, without a head. `errc` as above; limits are those of a
// default ChunkedLimits.
struct ChunkedCase {
  std::string name;
  std::string raw;
  Errc errc = Errc::kOk;
  std::string body = {};
  std::string rest = {};  // What follows the message within `raw`.
};

const std::vector<ChunkedCase>& ChunkedCases();

}  // namespace fasthttp::testing

#endif  // TESTING_HTTP_CASES_H_
