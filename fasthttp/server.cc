#include "fasthttp/server.h"

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
      (void)DrainAndCut(Nanoseconds(shared_.settings.drain_timeout), runtime::kNoDeadline);
      OnEachLoop([](ServerLoop& loop) { loop.Unregister(); });
    });
  }

  // True on the stack of one of this server's own handlers.
  bool InOwnHandler() const {
    Loop* here = Loop::Current();
    if (here == nullptr || !here->in_user_code()) return false;
    auto* turn = dynamic_cast<Turn*>(here->current_task());
    return turn != nullptr && &turn->server->settings() == &shared_.settings;
  }

  absl::Status Serve(Listener& listener) {
    used_.store(true);
    runtime_.Run([&] {
      Latch closed(listener.one_loop() ? 1 : loops_.size());
      AddListener(listener, &closed);
      Errc errc = closed.Wait(*Loop::Current(), runtime::kNoDeadline);
      if (errc == Errc::kOk) return;
      listener.Close();
      OnEachLoop([](ServerLoop& loop) { loop.CloseListeners(); });
      (void)closed.Wait(*Loop::Current(), runtime::kNoDeadline, /*cancellable=*/false);
    });
    return absl::OkStatus();
  }

  absl::StatusOr<Addr> Start(std::string_view address) {
    absl::StatusOr<std::unique_ptr<Listener>> listener = Listen(address);
    if (!listener.ok()) return listener.status();
    used_.store(true);
    Addr bound = (*listener)->address();
    runtime_.Run([&] {
      for (size_t i = 1; i < loops_.size(); ++i) {
        std::unique_ptr<Listener> clone((*listener)->CloneForLoop());
        if (clone != nullptr) AddOwned(i, std::move(clone));
      }
      AddOwned(0, *std::move(listener));
    });
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
    Errc errc = Errc::kOk;
    runtime_.Run([&] { errc = DrainAndCut(Nanoseconds(timeout), kCutGrace); });
    return errc == Errc::kOk ? absl::OkStatus() : ToStatus(errc, "Shutdown");
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

  void AddListener(Listener& listener, Latch* closed) {
    for (size_t i = 0; i < loops_.size() && (i == 0 || !listener.one_loop()); ++i) {
      std::unique_ptr<Listener> clone(i == 0 ? nullptr : listener.CloneForLoop());
      Listener* mine = clone != nullptr ? clone.get() : &listener;
      runtime_.RunOn(runtime_.loop(i),
                     [&] { loops_[i]->AddListener(mine, std::move(clone), closed); });
    }
  }

  void AddOwned(size_t i, std::unique_ptr<Listener> listener) {
    runtime_.RunOn(runtime_.loop(i), [&] {
      Listener* mine = listener.get();
      loops_[i]->AddListener(mine, std::move(listener), nullptr);
    });
  }

  // On a fiber.
  Errc DrainAndCut(int64_t timeout, int64_t grace) {
    Loop& here = *Loop::Current();
    const runtime::Task& caller = *here.current_task();
    const bool aside = loops_[here.index()]->StandAside(caller);
    Errc errc = DrainAndCut(here, timeout, grace);
    if (aside) loops_[here.index()]->Return(caller);
    return errc;
  }

  Errc DrainAndCut(Loop& here, int64_t timeout, int64_t grace) {
    auto drained = std::make_shared<Latch>(loops_.size());
    OnEachLoop([&](ServerLoop& loop) { loop.Drain(drained); });
    Errc errc = drained->Wait(here, After(here, timeout));
    if (errc == Errc::kOk) return errc;
    OnEachLoop([](ServerLoop& loop) { loop.Cut(); });
    Errc ended = drained->Wait(here, After(here, grace), /*cancellable=*/false);
    if (ended != Errc::kOk) OnEachLoop([&](ServerLoop& loop) { loop.EndDrain(*drained); });
    return errc;
  }

  Runtime& runtime_;
  ServerShared shared_;
  std::vector<std::unique_ptr<ServerLoop>> loops_;
  std::atomic<bool> used_{false};
};

namespace {

ServerSettings SettingsOf(RequestHandler handler) {
  ServerSettings settings;
  settings.handler = std::move(handler);
  return settings;
}

}  // namespace

Server::Server(ServerSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Server::Server(RequestHandler handler) : Server(SettingsOf(std::move(handler))) {}
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
