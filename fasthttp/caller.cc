#include "fasthttp/caller.h"

#include <optional>
#include <utility>

#include "fasthttp/conn.h"
#include "fasthttp/error.h"
#include "fasthttp/redirect.h"

namespace fasthttp {
namespace {

using runtime::kNoDeadline;
using runtime::Loop;

int64_t Nanoseconds(absl::Duration duration) {
  return duration == absl::InfiniteDuration() ? kNoDeadline : absl::ToInt64Nanoseconds(duration);
}

int64_t After(int64_t now, int64_t nanoseconds) {
  return nanoseconds < kNoDeadline - now ? now + nanoseconds : kNoDeadline;
}

// Why a call of the current task must not even begin.
Errc CheckTask(Loop& loop, int64_t deadline) {
  if (Errc cause = loop.CancelCause(); cause != Errc::kOk) return cause;
  return deadline <= loop.now() ? Errc::kTimeout : Errc::kOk;
}

}  // namespace

Caller::Caller(Runtime* runtime, absl::Duration call_timeout)
    : runtime_(runtime), call_timeout_(Nanoseconds(call_timeout)) {}

// --- The calls --------------------------------------------------------------------------------

absl::Status Caller::Do(const Request& request, Response& response) {
  return Call(request, response, {}, kNoRedirects);
}

absl::Status Caller::DoTimeout(const Request& request, Response& response, absl::Duration timeout) {
  return Call(request, response, {.kind = TimeLimit::kTimeout, .timeout = timeout}, kNoRedirects);
}

absl::Status Caller::DoDeadline(const Request& request, Response& response, absl::Time deadline) {
  return Call(request, response, {.kind = TimeLimit::kDeadline, .deadline = deadline},
              kNoRedirects);
}

absl::Status Caller::DoRedirects(const Request& request, Response& response, int max_redirects) {
  return Call(request, response, {}, std::max(max_redirects, 0));
}

namespace {

auto GetOf(std::string_view url) {
  return [url](CallLease& call) -> const Request& { return call.get(url); };
}

template <typename Complete>
auto PostOf(std::string_view url, Complete complete) {
  return [url, complete](CallLease& call) -> const Request& {
    Request& request = call.request();
    request.SetRequestURI(url);
    request.header().SetMethod("POST");
    complete(request);
    return request;
  };
}

auto PostOf(std::string_view url, const Args& form) {
  return PostOf(url, [&form](Request& request) {
    form.CopyTo(request.MutablePostArgs());
    request.header().SetContentType("application/x-www-form-urlencoded");
  });
}

}  // namespace

absl::StatusOr<Response> Caller::Get(std::string_view url) { return Fetch({}, GetOf(url)); }

absl::StatusOr<Response> Caller::GetTimeout(std::string_view url, absl::Duration timeout) {
  return Fetch({.kind = TimeLimit::kTimeout, .timeout = timeout}, GetOf(url));
}

absl::StatusOr<Response> Caller::GetDeadline(std::string_view url, absl::Time deadline) {
  return Fetch({.kind = TimeLimit::kDeadline, .deadline = deadline}, GetOf(url));
}

absl::StatusOr<Response> Caller::Post(std::string_view url, const Args& form) {
  return Fetch({}, PostOf(url, form));
}

absl::StatusOr<Response> Caller::Post(std::string_view url, std::string_view content_type,
                                      std::string_view body) {
  return Fetch({}, PostOf(url, [=](Request& request) {
                 request.header().SetContentType(content_type);
                 request.SetBodyRaw(body);
               }));
}

absl::StatusOr<Response> Caller::PostTimeout(std::string_view url, const Args& form,
                                             absl::Duration timeout) {
  return Fetch({.kind = TimeLimit::kTimeout, .timeout = timeout}, PostOf(url, form));
}

absl::StatusOr<Response> Caller::PostDeadline(std::string_view url, const Args& form,
                                              absl::Time deadline) {
  return Fetch({.kind = TimeLimit::kDeadline, .deadline = deadline}, PostOf(url, form));
}

// --- How they are carried out -----------------------------------------------------------------

Loop* Caller::Here() const {
  Loop* here = Loop::Current();
  const bool ours = here != nullptr && here->in_user_code() && here->owner() == &runtime();
  return ours ? here : nullptr;
}

void Caller::OnLoop(absl::FunctionRef<void(Loop& loop)> f) {
  if (Loop* here = Here()) return f(*here);
  runtime().Run([&] { f(*Loop::Current()); });
}

absl::Status Caller::Call(const Request& request, Response& response, const TimeLimit& limit,
                          int max_redirects) {
  if (Loop* here = Here()) return CallHere(*here, request, response, limit, max_redirects);
  absl::Status status;
  runtime().Run(
      [&] { status = CallHere(*Loop::Current(), request, response, limit, max_redirects); });
  return status;
}

absl::StatusOr<Response> Caller::Fetch(const TimeLimit& limit, RequestMaker make) {
  if (Loop* here = Here()) return FetchHere(*here, limit, make);
  absl::StatusOr<Response> result;
  runtime().Run([&] { result = FetchHere(*Loop::Current(), limit, make); });
  return result;
}

absl::StatusOr<Response> Caller::FetchHere(Loop& loop, const TimeLimit& limit, RequestMaker make) {
  Response response;
  CallLease call(LoopPart(loop));
  absl::Status status = CallHere(loop, make(call), response, limit, kDefaultMaxRedirects);
  if (!status.ok()) return status;
  return response;
}

int64_t Caller::DeadlineOf(Loop& loop, const Request& request, const TimeLimit& limit) const {
  if (limit.kind == TimeLimit::kDeadline) return runtime::DeadlineOf(loop, limit.deadline);
  absl::Duration timeout = limit.kind == TimeLimit::kTimeout ? limit.timeout : request.Timeout();
  if (limit.kind == TimeLimit::kDefault && timeout == absl::InfiniteDuration()) {
    return After(loop.now(), call_timeout_);  // Coarse: this one is a last resort.
  }
  return After(loop.FreshNow(), Nanoseconds(timeout));
}

absl::Status Caller::CallHere(Loop& loop, const Request& request, Response& response,
                              const TimeLimit& limit, int max_redirects) {
  const int64_t deadline = DeadlineOf(loop, request, limit);
  Where where;
  Errc errc = CheckTask(loop, deadline);
  if (errc == Errc::kOk) errc = Exchange(loop, request, response, deadline, where);
  if (errc == Errc::kOk && max_redirects != kNoRedirects && IsRedirect(response.StatusCode())) {
    errc = Follow(loop, request, response, deadline, max_redirects, where);
  }
  return errc == Errc::kOk ? absl::OkStatus() : Fail(errc, where, response);
}

absl::Status Caller::Fail(Errc errc, const Where& where, Response& response) {
  const bool skip_body = response.SkipBody();
  response.Reset();
  response.SetSkipBody(skip_body);
  return ToStatus(errc, where != nullptr ? std::string_view(*where) : std::string_view());
}

// `response`, to `request`, is a redirect.
Errc Caller::Follow(Loop& loop, const Request& request, Response& response, int64_t deadline,
                    int max_redirects, Where& where) {
  CallLease call(LoopPart(loop));
  Request& next = call.request();
  request.CopyTo(next);
  CompleteURI(next);
  URI from;
  for (int followed = 0; IsRedirect(response.StatusCode()); ++followed) {
    if (followed == max_redirects) return Errc::kTooManyRedirects;
    next.URI().CopyTo(from);
    Errc errc = Redirect(response, next);
    if (errc == Errc::kOk) errc = MayRedirect(from, next.URI());
    if (errc == Errc::kOk) errc = Exchange(loop, next, response, deadline, where);
    if (errc != Errc::kOk) return errc;
  }
  return Errc::kOk;
}

}  // namespace fasthttp
