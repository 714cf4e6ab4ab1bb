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

Caller::Where Caller::MakeWhere(std::string_view text) {
  return std::make_unique<const std::string>(text);
}

Caller::Limits Caller::Limits::Timeout(absl::Duration timeout, int max_redirects) {
  return {max_redirects, kTimeout, Nanoseconds(timeout)};
}

Caller::Limits Caller::Limits::Deadline(absl::Time deadline, int max_redirects) {
  return {max_redirects, kDeadline, absl::ToUnixNanos(deadline)};
}

// --- The calls --------------------------------------------------------------------------------

absl::Status Caller::Do(const Request& request, Response& response) {
  return Call(request, response, {});
}

absl::Status Caller::DoTimeout(const Request& request, Response& response, absl::Duration timeout) {
  return Call(request, response, Limits::Timeout(timeout, kNoRedirects));
}

absl::Status Caller::DoDeadline(const Request& request, Response& response, absl::Time deadline) {
  return Call(request, response, Limits::Deadline(deadline, kNoRedirects));
}

absl::Status Caller::DoRedirects(const Request& request, Response& response, int max_redirects) {
  return Call(request, response, {.max_redirects = std::max(max_redirects, 0)});
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

absl::StatusOr<Response> Caller::Get(std::string_view url) {
  return Fetch({.max_redirects = kDefaultMaxRedirects}, GetOf(url));
}

absl::StatusOr<Response> Caller::GetTimeout(std::string_view url, absl::Duration timeout) {
  return Fetch(Limits::Timeout(timeout, kDefaultMaxRedirects), GetOf(url));
}

absl::StatusOr<Response> Caller::GetDeadline(std::string_view url, absl::Time deadline) {
  return Fetch(Limits::Deadline(deadline, kDefaultMaxRedirects), GetOf(url));
}

absl::StatusOr<Response> Caller::Post(std::string_view url, const Args& form) {
  return Fetch({.max_redirects = kDefaultMaxRedirects}, PostOf(url, form));
}

absl::StatusOr<Response> Caller::Post(std::string_view url, std::string_view content_type,
                                      std::string_view body) {
  return Fetch({.max_redirects = kDefaultMaxRedirects}, PostOf(url, [=](Request& request) {
                 request.header().SetContentType(content_type);
                 request.SetBodyRaw(body);
               }));
}

absl::StatusOr<Response> Caller::PostTimeout(std::string_view url, const Args& form,
                                             absl::Duration timeout) {
  return Fetch(Limits::Timeout(timeout, kDefaultMaxRedirects), PostOf(url, form));
}

absl::StatusOr<Response> Caller::PostDeadline(std::string_view url, const Args& form,
                                              absl::Time deadline) {
  return Fetch(Limits::Deadline(deadline, kDefaultMaxRedirects), PostOf(url, form));
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

int64_t Caller::OwnDeadlineOf(Loop& loop, const Request& request, Limits limits) {
  if (limits.kind == Limits::kDefault)
    return After(loop.FreshNow(), Nanoseconds(request.Timeout()));
  if (limits.kind == Limits::kTimeout) return After(loop.FreshNow(), limits.nanoseconds);
  if (limits.nanoseconds == kNoDeadline) return kNoDeadline;
  return runtime::DeadlineOf(loop, absl::FromUnixNanos(limits.nanoseconds));
}

inline int64_t Caller::DeadlineOf(Loop& loop, const Request& request, Limits limits) const {
  // Coarse: this one is a last resort.
  return limits.kind == Limits::kDefault && request.Timeout() == absl::InfiniteDuration()
             ? After(loop.now(), call_timeout_)
             : OwnDeadlineOf(loop, request, limits);
}

[[gnu::always_inline]] inline absl::Status Caller::CallHere(Loop& loop, const Request& request,
                                                            Response& response, Limits limits) {
  CallParts call{loop, request, response, DeadlineOf(loop, request, limits)};
  Errc errc = CheckTask(loop, call.deadline);
  if (errc == Errc::kOk) errc = Exchange(call);
  if (errc == Errc::kOk && limits.max_redirects != kNoRedirects &&
      IsRedirect(response.StatusCode())) {
    errc = Follow(call, limits.max_redirects);
  }
  return errc == Errc::kOk ? absl::OkStatus() : Fail(errc, call.where, response);
}

absl::Status Caller::Call(const Request& request, Response& response, Limits limits) {
  Loop* const here = Here();
  return here != nullptr ? CallHere(*here, request, response, limits)
                         : CallElsewhere(request, response, limits);
}

absl::Status Caller::CallElsewhere(const Request& request, Response& response, Limits limits) {
  absl::Status status;
  runtime().Run([&] { status = Call(request, response, limits); });
  return status;
}

absl::StatusOr<Response> Caller::Fetch(Limits limits, RequestMaker make) {
  Loop* const here = Here();
  if (here == nullptr) return FetchElsewhere(limits, make);
  Response response;
  CallLease call(LoopPart(*here));
  absl::Status status = CallHere(*here, make(call), response, limits);
  if (!status.ok()) return status;
  return response;
}

absl::StatusOr<Response> Caller::FetchElsewhere(Limits limits, RequestMaker make) {
  absl::StatusOr<Response> result;
  runtime().Run([&] { result = Fetch(limits, make); });
  return result;
}

absl::Status Caller::Fail(Errc errc, const Where& where, Response& response) {
  const bool skip_body = response.SkipBody();
  response.Reset();
  response.SetSkipBody(skip_body);
  return ToStatus(errc, where != nullptr ? std::string_view(*where) : std::string_view());
}

// The response of `first` is a redirect.
Errc Caller::Follow(CallParts& first, int max_redirects) {
  CallLease lease(LoopPart(first.loop));
  Request& next = lease.request();
  first.request.CopyTo(next);
  CompleteURI(next);
  CallParts call{first.loop, next, first.response, first.deadline};
  URI from;
  for (int followed = 0; IsRedirect(call.response.StatusCode()); ++followed) {
    if (followed == max_redirects) return Errc::kTooManyRedirects;
    next.URI().CopyTo(from);
    Errc errc = Redirect(call.response, next);
    if (errc == Errc::kOk) errc = MayRedirect(from, next.URI());
    if (errc == Errc::kOk) errc = Exchange(call);
    first.where = std::move(call.where);
    if (errc != Errc::kOk) return errc;
  }
  return Errc::kOk;
}

}  // namespace fasthttp
