#include "testing/bad_server.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/base/check.h"
#include "fasthttp/http1/head.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/loop.h"

namespace fasthttptest {

using fasthttp::BlockingConn;
using fasthttp::Errc;
using fasthttp::IoResult;
using fasthttp::runtime::Loop;
using fasthttp::runtime::Task;

// --- One connection ---------------------------------------------------------------------------

class BadServer::Conversation final : public Task {
 public:
  Conversation(BadServer& server, BlockingConn conn, const BadBehaviour* behaviour)
      : server_(server), conn_(std::move(conn)), behaviour_(behaviour) {}

  void Run(Loop& loop) override {
    bool more = true;
    if (behaviour_ != nullptr) {
      for (const BadStep& step : behaviour_->script) {
        if (more) more = Play(loop, step);
      }
      --server_.playing_;
    }
    while (more && ReceiveRequest(/*body_too=*/true)) {
      if (behaviour_ != nullptr && !behaviour_->reusable) ++server_.dirty_requests_;
      more = conn_.Write(absl::StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", kHonestBody.size(),
                                      "\r\n\r\n", kHonestBody)) == Errc::kOk;
      ++server_.honest_answers_;
    }
    conn_.Close();
    --server_.open_;
    done = true;
  }

  bool done = false;

 private:
  bool Play(Loop& loop, const BadStep& step) {
    switch (step.kind) {
      case BadStep::kReceive:
      case BadStep::kReceiveHead:
      case BadStep::kReceiveBody:
      case BadStep::kHang: {
        --server_.playing_;
        const bool more = AwaitClient(step.kind);
        ++server_.playing_;
        return more;
      }
      case BadStep::kSend:
        return SendMany(step.bytes, step.times);
      case BadStep::kDrip:
        for (char c : step.bytes) {
          if (!Pause(loop, step.pause) || conn_.Write({&c, 1}) != Errc::kOk) return false;
        }
        return true;
      case BadStep::kPause:
        return Pause(loop, step.pause);
      case BadStep::kFinish:
        conn_.CloseWrite();
        return true;
      case BadStep::kClose:
        conn_.Close();
        return false;
      case BadStep::kReset:
        conn_.Reset();
        return false;
    }
    return false;
  }

  bool AwaitClient(BadStep::Kind what) {
    if (what == BadStep::kReceiveBody) return ReceiveBody();
    if (what != BadStep::kHang) return ReceiveRequest(what == BadStep::kReceive);
    while (Receive()) buffer_.clear();
    return false;
  }

  bool Pause(Loop& loop, absl::Duration pause) {
    return fasthttp::runtime::SleepFor(
               loop, absl::ToInt64Nanoseconds(pause * server_.time_scale_)) == Errc::kOk;
  }

  // In writes of about 16 KiB.
  bool SendMany(std::string_view bytes, uint64_t times) {
    std::string piece;
    for (uint64_t i = 0; i < times; ++i) {
      piece.append(bytes);
      if (piece.size() < 16 * 1024 && i + 1 < times) continue;
      if (conn_.Write(piece) != Errc::kOk) return false;
      piece.clear();
    }
    return true;
  }

  bool Receive() {
    std::array<char, 16 * 1024> room;
    IoResult n = conn_.Read(room);
    if (!n.ok() || n.bytes() == 0) return false;
    buffer_.append(room.data(), n.bytes());
    return true;
  }

  bool ReceiveRequest(bool body_too) {
    if (!ReceiveBody()) return false;
    size_t end;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!Receive()) return false;
    }
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const std::string head = buffer_.substr(0, end + 2);
    if (size_t at = head.find(kLength); at != std::string::npos) {
      at += kLength.size();
      FASTHTTP_CHECK(absl::SimpleAtoi(head.substr(at, head.find("\r\n", at) - at), &body_left_),
                     "a client sent a Content-Length that is no number");
    }
    buffer_.erase(0, end + 4);
    return !body_too || ReceiveBody();
  }

  bool ReceiveBody() {
    for (;;) {
      const size_t here = std::min(body_left_, buffer_.size());
      buffer_.erase(0, here);
      body_left_ -= here;
      if (body_left_ == 0) return true;
      if (!Receive()) return false;
    }
  }

  BadServer& server_;
  BlockingConn conn_;
  const BadBehaviour* const behaviour_;
  std::string buffer_;    // Received, and no part of a request so far.
  size_t body_left_ = 0;  // Of the request whose head came last.
};

class BadServer::Accepting final : public Task {
 public:
  explicit Accepting(BadServer& server) : server_(server) {}

  void Run(Loop& loop) override {
    for (;;) {
      BlockingConn conn;
      Errc errc = fasthttp::AcceptOn(loop, server_.listener_, fasthttp::runtime::kNoDeadline, conn);
      if (errc == Errc::kListenerClosed) break;
      if (errc != Errc::kOk) continue;
      ++server_.accepted_;
      ++server_.open_;
      const BadBehaviour* behaviour = server_.behaviour_;
      if (behaviour != nullptr) ++server_.playing_;
      server_.conversations_.remove_if([](const Conversation& c) { return c.done; });
      loop.Spawn(server_.conversations_.emplace_back(server_, std::move(conn), behaviour));
    }
    done = true;
  }

  bool done = false;

 private:
  BadServer& server_;
};

BadServer::BadServer(fasthttp::Runtime& runtime, fasthttp::Listener& listener, double time_scale)
    : runtime_(runtime),
      listener_(listener),
      time_scale_(time_scale),
      accepting_(std::make_unique<Accepting>(*this)) {
  runtime_.loop(0).Post([](Loop& loop, void* task, uint64_t,
                           uint64_t) { loop.Spawn(*static_cast<Accepting*>(task)); },
                        accepting_.get());
}

BadServer::~BadServer() {
  listener_.Close();
  Loop& loop = runtime_.loop(0);
  runtime_.RunOn(loop, [&] {
    while (!accepting_->done) loop.Yield();
  });
  EndAll();
}

void BadServer::EndAll() {
  Loop& loop = runtime_.loop(0);
  runtime_.RunOn(loop, [&] {
    for (Conversation& c : conversations_) {
      if (!c.done) loop.Cancel(c, Errc::kDraining);
    }
    for (const Conversation& c : conversations_) {
      while (!c.done) loop.Yield();
    }
    conversations_.clear();
  });
}

}  // namespace fasthttptest
