// Caller: the calls that Client and HostClient have in common.
//
//   fasthttp::Request request;
//   request.SetRequestURI("http://example.com/items");
//   request.header().SetMethod("PUT");
//   request.SetBody(json);
//   fasthttp::Response response;
//   absl::Status status = client.DoTimeout(request, response, absl::Seconds(2));
//
// Every call works in a handler, in a function run by Runtime::Run and on a plain thread. It
// suspends its caller and nothing else; on a fiber of the client's runtime, with a connection at
// hand, it allocates nothing and costs the two switches of its wait. From a plain thread or a fiber
// of another runtime it is carried out on a loop of the client's runtime, about 10 us more.
//
// Time. One absolute deadline holds for a call as a whole: waiting for a connection, dialling,
// sending, receiving, and all retries and redirects. It is the tightest of the call's own, the
// request's Timeout(), and that of the handler or task which calls; a task that is cancelled ends
// its call at once, with the cause. Without any the client's call_timeout holds. A deadline that
// has passed is kTimeout without anything sent.
//
// Errors. A response is a success whatever its status code; a 404 is no error. ErrcOf(status)
// tells what went wrong, and the text says where: which peer, a reused connection or a fresh one,
// which attempt, how busy the pool is. It never holds bytes of the peer. After an error `response`
// is empty.
//
// The request is never changed. Its URI is parsed at first use: a request that several threads send
// at once must have been parsed before (Request::ParseURI).
//
// Thread class: thread-safe.
#ifndef FASTHTTP_CALLER_H_
#define FASTHTTP_CALLER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/args.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/client_call.h"
#include "fasthttp/client_loop.h"
#include "fasthttp/request.h"
#include "fasthttp/response.h"
#include "fasthttp/runtime/runtime.h"

namespace fasthttp {

// How many redirects Get and Post follow.
inline constexpr int kDefaultMaxRedirects = 16;

class Caller {
 public:
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // Sends `request` and waits for the whole response. Redirects are handed out as they are.
  // `response` is reset when the call begins: nothing of `request` may refer to it.
  absl::Status Do(const Request& request, Response& response);
  // With a limit in place of the request's and the client's own; zero and less is kTimeout.
  absl::Status DoTimeout(const Request& request, Response& response, absl::Duration timeout);
  absl::Status DoDeadline(const Request& request, Response& response, absl::Time deadline);

  // Follows 301, 302, 303, 307 and 308, each with the method, content and credentials that fit
  // (fasthttp/redirect.h). kTooManyRedirects, kMissingLocation, kRedirectToDifferentScheme.
  absl::Status DoRedirects(const Request& request, Response& response,
                           int max_redirects = kDefaultMaxRedirects);

  // GET, following redirects.
  absl::StatusOr<Response> Get(std::string_view url);
  absl::StatusOr<Response> GetTimeout(std::string_view url, absl::Duration timeout);
  absl::StatusOr<Response> GetDeadline(std::string_view url, absl::Time deadline);

  // POST, following redirects: a form, or any content.
  absl::StatusOr<Response> Post(std::string_view url, const Args& form);
  absl::StatusOr<Response> Post(std::string_view url, std::string_view content_type,
                                std::string_view body);
  absl::StatusOr<Response> PostTimeout(std::string_view url, const Args& form,
                                       absl::Duration timeout);
  absl::StatusOr<Response> PostDeadline(std::string_view url, const Args& form,
                                        absl::Time deadline);

 protected:
  // What the text of an error says about the failure; made on failure only.
  using Where = std::unique_ptr<const std::string>;
  static Where MakeWhere(std::string_view text);

  // `runtime` null: the default one, made when it is first needed.
  Caller(Runtime* runtime, absl::Duration call_timeout);
  ~Caller() = default;

  Runtime& runtime() const { return runtime_ != nullptr ? *runtime_ : Runtime::Default(); }

  // The loop of the caller if its fiber may carry out the call, else null.
  runtime::Loop* Here() const;
  // Calls `f` on a fiber of a loop of the runtime.
  void OnLoop(absl::FunctionRef<void(runtime::Loop& loop)> f);

  // What calls on `loop` work with.
  virtual ClientLoop& LoopPart(runtime::Loop& loop) = 0;
  // One request, with its retries. On failure `where` tells about it.
  virtual Errc Exchange(CallParts& call) = 0;
  // Completes the URI of a request that is to be redirected, if it has no host.
  virtual void CompleteURI(Request& request) = 0;
  // Whether a redirect from one URI to another may be followed.
  virtual Errc MayRedirect(const URI& from, const URI& to) = 0;

 private:
  static constexpr int kNoRedirects = -1;

  // How far a call may go, as its caller said it. Two registers.
  struct Limits {
    static Limits Timeout(absl::Duration timeout, int max_redirects);
    static Limits Deadline(absl::Time deadline, int max_redirects);

    int max_redirects = kNoRedirects;
    enum Kind : uint8_t { kDefault, kTimeout, kDeadline } kind = kDefault;
    int64_t nanoseconds = 0;  // A timeout; a deadline in Unix time. kNoDeadline: none.
  };

  absl::Status Call(const Request& request, Response& response, Limits limits);
  absl::Status CallElsewhere(const Request& request, Response& response, Limits limits);
  absl::Status CallHere(runtime::Loop& loop, const Request& request, Response& response,
                        Limits limits);
  // What Get and Post send, made in the workspace of the call.
  using RequestMaker = absl::FunctionRef<const Request&(CallLease& call)>;
  absl::StatusOr<Response> Fetch(Limits limits, RequestMaker make);
  absl::StatusOr<Response> FetchElsewhere(Limits limits, RequestMaker make);
  static absl::Status Fail(Errc errc, const Where& where, Response& response);
  Errc Follow(CallParts& call, int max_redirects);
  int64_t DeadlineOf(runtime::Loop& loop, const Request& request, Limits limits) const;
  static int64_t OwnDeadlineOf(runtime::Loop& loop, const Request& request, Limits limits);

  Runtime* const runtime_;
  const int64_t call_timeout_;  // Nanoseconds.
};

}  // namespace fasthttp

#endif  // FASTHTTP_CALLER_H_
