// CallParts: what the parts of a client share while one call is under way.
//
// Thread class: loop-confined; lies on the stack of the fiber that calls.
#ifndef FASTHTTP_CLIENT_CALL_H_
#define FASTHTTP_CLIENT_CALL_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "fasthttp/request.h"
#include "fasthttp/response.h"
#include "fasthttp/runtime/loop.h"

namespace fasthttp {

// Called for interim responses other than 100: see HostClientOptions::interim_response.
using InterimResponse = absl::AnyInvocable<void(int status, const ResponseHeader& header) const>;

struct CallParts {
  runtime::Loop& loop;
  const Request& request;
  Response& response;
  int64_t deadline;  // Loop nanoseconds.
  // What the text of an error says about the failure; made on failure only.
  std::unique_ptr<const std::string> where = nullptr;
};

}  // namespace fasthttp

#endif  // FASTHTTP_CLIENT_CALL_H_
