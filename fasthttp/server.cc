#include "fasthttp/server.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fasthttp/base/check.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/latch.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/socket.h"
#include "fasthttp/server_loop.h"
#include "fasthttp/turn.h"

namespace fasthttp {
namespace {

using runtime::Latch;
using runtime::Loop;

// How long Shutdown waits for handlers whose waits it has ended.
constexpr int64_t kCutGrace = runtime::kSecond;

}  // namespace

class Server::Impl {
 public:
  explicit Impl(ServerSettings settings)
      : runtime_(settings.runtime != nullptr ? *settings.runtime : Runtime::Default()),
        shared_(std::move(settings)) {
    FASTHTTP_CHECK(static_cast<bool>(shared_.settings.handler), "a server needs a handler");
    for (size_t i = 0; i < runtime_.loops(); ++i) {
      loops_.push_back(std::make_unique<ServerLoop>(shared_, runtime_.loop(i)));
    }
  }

  // Handlers may refer to whatever their server's owner destroys next: waits to their end.
  ~Impl() {
    if (!used_.load()) return;
    runtime_.Run([this] {
      Drained drained = DrainAndCut(Nanoseconds(shared_.settings.drain_timeout), kCutGrace);
      if (!drained.stragglers.empty()) {
        const std::string names = Names(drained.stragglers);
        std::fprintf(stderr, "fasthttp: ~Server waits: %s\n", names.c_str());
      }
      if (drained.errc != Errc::kOk) (void)DrainAndCut(0, runtime::kNoDeadline);
      OnEachLoop([](ServerLoop& loop) { loop.Unregister(); });
    });
  }

  // True on the stack of one of this server's own handlers.
  bool InOwnHandler() const {
    Loop* here = Loop::Current();
    if (here == nullptr || !here->in_user_code()) return false;
    const runtime::Task& task = *here->current_task();
    if (auto* turn = dynamic_cast<const Turn*>(&task)) {
      return &turn->server->settings() == &shared_.settings;
    }
    for (const auto& loop : loops_) {
      if (&loop->loop() == here) return loop->IsHijacked(task);
    }
    return false;
  }

  absl::Status Serve(Listener& listener) {
    used_.store(true);
    Errc errc = Errc::kOk;
    runtime_.Run([&] {
      // Not owned.
      std::vector<Share> shares = SharesOf({std::shared_ptr<void>(), &listener});
      std::shared_ptr<Serving> serving = Begin(shares.size());
      errc = AddListeners(std::move(shares), serving);
      Loop& here = *Loop::Current();
      if (errc == Errc::kOk && serving->closed.Wait(here, runtime::kNoDeadline) == Errc::kOk) {
        return;
      }
      // It can't be served, or the caller was cancelled.
      listener.Close();
      End(*serving);
    });
    return errc == Errc::kOk ? absl::OkStatus() : ToStatus(errc, "Serve");
  }

  absl::StatusOr<Addr> Start(std::string_view address) {
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listen(address);
    if (!listener.ok()) return listener.status();
    return Start(*std::move(listener));
  }

  absl::StatusOr<Addr> Start(std::unique_ptr<Listener> listener) {
    used_.store(true);
    Addr bound = listener->address();
    Errc errc = Errc::kOk;
    runtime_.Run([&] {
      std::vector<Share> shares = SharesOf(std::move(listener));
      std::shared_ptr<Serving> serving = Begin(shares.size());
      errc = AddListeners(std::move(shares), serving);
      if (errc != Errc::kOk) End(*serving);
    });
    if (errc != Errc::kOk) return ToStatus(errc, "Start");
    return bound;
  }

  absl::StatusOr<std::unique_ptr<Listener>> Listen(std::string_view address) {
    return runtime::Listen(address, {.reuse_port = loops_.size() > 1});
  }

  absl::Status ServeConn(Conn& conn) {
    used_.store(true);
    Errc refused = Errc::kOk;
    runtime_.Run([&] {
      Loop& here = *Loop::Current();
      Latch ended(1);
      refused = loops_[here.index()]->AddConn(&conn, &ended);
      (void)ended.Wait(here, runtime::kNoDeadline, /*cancellable=*/false);
    });
    return refused == Errc::kOk ? absl::OkStatus() : ToStatus(refused, "ServeConn");
  }

  absl::Status Shutdown(absl::Duration timeout) {
    if (!used_.load()) return absl::OkStatus();
    Drained drained;
    runtime_.Run([&] { drained = DrainAndCut(Nanoseconds(timeout), kCutGrace); });
    if (drained.errc == Errc::kOk) return absl::OkStatus();
    if (drained.stragglers.empty()) return ToStatus(drained.errc, "Shutdown");
    return ToStatus(drained.errc, absl::StrCat("Shutdown: ", Names(drained.stragglers)));
  }

  ServerStats Stats() const {
    ServerStats stats;
    for (const auto& loop : loops_) loop->AddStats(stats);
    return stats;
  }

  const ServerSettings& settings() const { return shared_.settings; }

 private:
  static int64_t Nanoseconds(absl::Duration duration) {
    if (duration == absl::InfiniteDuration()) return runtime::kNoDeadline;
    return std::max<int64_t>(0, absl::ToInt64Nanoseconds(duration));
  }
  static int64_t After(Loop& loop, int64_t nanoseconds) {
    int64_t now = loop.FreshNow();
    return nanoseconds >= runtime::kNoDeadline - now ? runtime::kNoDeadline : now + nanoseconds;
  }

  void OnEachLoop(absl::FunctionRef<void(ServerLoop&)> f) {
    for (size_t i = 0; i < loops_.size(); ++i) {
      runtime_.RunOn(runtime_.loop(i), [&] { f(*loops_[i]); });
    }
  }

  // A loop's part in the accepting from one listener.
  struct Share {
    size_t loop;
    std::shared_ptr<Listener> listener;
  };

  // All loops accept: from a listener of their own where there can be one, else from this.
  std::vector<Share> SharesOf(std::shared_ptr<Listener> listener) {
    std::vector<Share> shares = {{0, listener}};
    for (size_t i = 1; i < loops_.size() && !listener->one_loop(); ++i) {
      std::shared_ptr<Listener> own(listener->CloneForLoop());
      shares.push_back({i, own != nullptr ? std::move(own) : listener});
    }
    return shares;
  }

  std::shared_ptr<Serving> Begin(size_t shares) {
    auto serving = std::make_shared<Serving>(shares);
    serving->shutdowns = shared_.shutdowns.load();
    serving->refused = shared_.shutting_down.load() != 0;
    return serving;
  }

  // Up to the first loop that can't watch its listener.
  Errc AddListeners(std::vector<Share> shares, const std::shared_ptr<Serving>& serving) {
    Errc errc = Errc::kOk;
    for (Share& share : shares) {
      if (errc != Errc::kOk) {
        serving->closed.CountDown();
        continue;
      }
      runtime_.RunOn(runtime_.loop(share.loop), [&] {
        errc = loops_[share.loop]->AddListener(std::move(share.listener), serving);
      });
    }
    return errc;
  }

  void End(Serving& serving) {
    OnEachLoop([&](ServerLoop& loop) { loop.CloseListeners(&serving); });
    (void)serving.closed.Wait(*Loop::Current(), runtime::kNoDeadline, /*cancellable=*/false);
  }

  struct Drained {
    Errc errc = Errc::kOk;
    std::vector<Straggler> stragglers;  // That did not end when they were cut.
  };

  // On a fiber.
  Drained DrainAndCut(int64_t timeout, int64_t grace) {
    Loop& here = *Loop::Current();
    const runtime::Task& caller = *here.current_task();
    const bool aside = loops_[here.index()]->StandAside(caller);
    ++shared_.shutting_down;
    ++shared_.shutdowns;
    Drained drained = DrainAndCut(here, timeout, grace);
    --shared_.shutting_down;
    if (aside) loops_[here.index()]->Return(caller);
    return drained;
  }

  Drained DrainAndCut(Loop& here, int64_t timeout, int64_t grace) {
    auto latch = std::make_shared<Latch>(loops_.size());
    OnEachLoop([&](ServerLoop& loop) { loop.Drain(latch); });
    Drained drained;
    drained.errc = latch->Wait(here, After(here, timeout));
    if (drained.errc == Errc::kOk) return drained;
    OnEachLoop([](ServerLoop& loop) { loop.Cut(); });
    Errc ended = latch->Wait(here, After(here, grace), /*cancellable=*/false);
    if (ended == Errc::kOk) return drained;
    OnEachLoop([&](ServerLoop& loop) {
      loop.EndDrain(*latch);
      loop.ListStragglers(drained.stragglers);
    });
    return drained;
  }

  // "2 handlers ignore their end: /a for 31s, /b for 40s".
  static std::string Names(const std::vector<Straggler>& stragglers) {
    constexpr size_t kShown = 10;
    size_t pins = 0;
    for (const Straggler& straggler : stragglers) pins += straggler.pinned;
    std::string text =
        absl::StrCat(stragglers.size() - pins, " handlers ignore their end, ", pins, " pins: ");
    for (size_t i = 0; i < stragglers.size() && i < kShown; ++i) {
      const Straggler& one = stragglers[i];
      absl::StrAppend(
          &text, i == 0 ? "" : ", ", one.path, one.pinned ? " (pin) for " : " for ",
          absl::FormatDuration(absl::Trunc(absl::Nanoseconds(one.age), absl::Milliseconds(1))));
    }
    if (stragglers.size() > kShown) absl::StrAppend(&text, ", ...");
    return text;
  }

  Runtime& runtime_;
  ServerShared shared_;
  std::vector<std::unique_ptr<ServerLoop>> loops_;
  std::atomic<bool> used_{false};
};

Server::Server(ServerSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Server::~Server() {
  // exit() called by a handler destroys a server of static storage: the handler would wait for its
  // own end, and the loops still run.
  if (impl_->InOwnHandler()) (void)impl_.release();
}

absl::Status Server::ListenAndServe(std::string_view address) {
  absl::StatusOr<std::unique_ptr<Listener>> listener = impl_->Listen(address);
  if (!listener.ok()) return listener.status();
  return Serve(**listener);
}

absl::Status Server::ListenAndServeUNIX(std::string_view path, uint32_t mode) {
  absl::StatusOr<std::unique_ptr<Listener>> listener =
      runtime::Listen(absl::StrCat("unix:", path), {}, mode);
  if (!listener.ok()) return listener.status();
  return Serve(**listener);
}

absl::StatusOr<Addr> Server::Start(std::string_view address) { return impl_->Start(address); }
absl::StatusOr<Addr> Server::Start(std::unique_ptr<Listener> listener) {
  return impl_->Start(std::move(listener));
}
absl::Status Server::Serve(Listener& listener) { return impl_->Serve(listener); }
absl::Status Server::ServeConn(Conn& conn) { return impl_->ServeConn(conn); }
absl::Status Server::Shutdown() { return Shutdown(settings().drain_timeout); }
absl::Status Server::Shutdown(absl::Duration timeout) { return impl_->Shutdown(timeout); }

uint64_t Server::GetOpenConnectionsCount() const { return Stats().connections_open; }
uint64_t Server::GetRejectedConnectionsCount() const { return Stats().connections_rejected; }
ServerStats Server::Stats() const { return impl_->Stats(); }
const ServerSettings& Server::settings() const { return impl_->settings(); }

absl::Status ListenAndServe(std::string_view address, RequestHandler handler) {
  return Server(std::move(handler)).ListenAndServe(address);
}

absl::Status ListenAndServeUNIX(std::string_view path, uint32_t mode, RequestHandler handler) {
  return Server(std::move(handler)).ListenAndServeUNIX(path, mode);
}

absl::Status Serve(Listener& listener, RequestHandler handler) {
  return Server(std::move(handler)).Serve(listener);
}

}  // namespace fasthttp
