// How connections wait: what they keep meanwhile, and how long.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "fasthttp/server_conn.h"

namespace fasthttp {
namespace {

bool Before(uint32_t a, uint32_t b) { return static_cast<int32_t>(a - b) < 0; }

}  // namespace

// Nothing more can be done now.
void ServerConn::Park(Turn& turn) {
  if (Flush() == Errc::kConnectionReset) return;
  if (!ArmIfNeeded()) return Close(/*reset=*/true);
  if (turn.phase == Turn::Phase::kHead && turn.block->unread_size() == 0) ReleaseTurn();
  Rest();
}

void ServerConn::Rest() {
  if (server_.draining_ && data().out == nullptr && IsBetweenRequests()) {
    return Close(/*reset=*/false);
  }
  Rearm();
}

// True if nothing of a request is there. Empty lines behind one are an old habit of clients, and
// no beginning of the next.
bool ServerConn::IsBetweenRequests() {
  if (state() != kReading) return false;
  const Turn* turn = data().turn;
  if (turn == nullptr) return true;
  if (turn->phase != Turn::Phase::kHead || data().requests == 0) return false;
  std::string_view rest = {turn->block->unread(), turn->block->unread_size()};
  return rest.find_first_not_of("\r\n") == std::string_view::npos;
}

// The tick at which something is too late; far ahead if nothing can be.
uint32_t ServerConn::NextDeadline() {
  const ServerLimits& limits = server_.limits_;
  const uint32_t now = loop_.tick();
  uint32_t next = ServerLimits::kNever;
  const bool idle = state() == kReading && data().turn == nullptr && data().requests != 0;
  if (idle && data().out == nullptr) return IdleDeadline();
  if (data().out != nullptr)
    next = std::min(next, data().out->rate().NextLook(now, limits.response));
  if (state() == kReading) {
    const Turn* turn = data().turn;
    if (turn != nullptr && turn->phase == Turn::Phase::kBody) {
      next = std::min(next, turn->rate.NextLook(now, limits.body));
    } else if (data().requests != 0 && IsBetweenRequests()) {
      // Not idle while an answer is on its way.
      if (data().out == nullptr) next = std::min(next, limits.idle_ms);
    } else if (limits.head_ms != 0) {
      next = std::min(next, TransferRate::TicksUntil(HeadStarted() + limits.head_ms, now));
    }
  } else if (state() == kDropping) {
    next = std::min(next, data().turn->rate.NextLook(now, limits.body));
  } else if (state() == kHandling && data().turn->limit != nullptr && !data().turn->gone()) {
    const uint32_t due = loop_.TickAt(data().turn->limit->deadline);
    next = std::min(next, TransferRate::TicksUntil(due, now));
  }
  return now + next;
}

uint32_t ServerConn::HeadStarted() {
  return data().requests == 0 ? endpoint_.opened : data().turn->head_started;
}

void ServerConn::OnTimer() {
  const uint32_t now = loop_.tick();
  if (Before(now, data().deadline)) return loop_.SetTimer(endpoint_, data().deadline);
  OutQueue* out = data().out;
  if (out != nullptr) {
    out->Look(*endpoint_.conn, now);
    if (out->rate().TooSlow(now, server_.limits_.response)) return Cut(Errc::kClientGone);
  }
  if (state() == kLingering) return Close(/*reset=*/false);
  if (state() == kDropping) {
    return data().turn->rate.TooSlow(now, server_.limits_.body) ? CloseWhenSent() : Rearm();
  }
  if (state() == kHandling) {
    Turn& turn = *data().turn;
    if (turn.limit == nullptr || turn.gone() || loop_.now() < turn.limit->deadline) return Rearm();
    return AnswerLate(turn);
  }
  if (state() != kReading) return Rearm();
  // The timer may have been set for something else than what is waited for now.
  const ServerLimits& limits = server_.limits_;
  Turn* turn = data().turn;
  if (turn != nullptr && turn->phase == Turn::Phase::kBody) {
    if (!turn->rate.TooSlow(now, limits.body)) return Rearm();
    return Reject(*turn, Errc::kBodyTimeout);
  }
  if (data().requests != 0 && IsBetweenRequests()) {
    if (out != nullptr || limits.idle_ms == ServerLimits::kNever) return Rearm();
    return Close(/*reset=*/false);
  }
  if (limits.head_ms == 0 || Before(now, HeadStarted() + limits.head_ms)) return Rearm();
  Reject(TurnOf(), Errc::kHeadTimeout);
}

}  // namespace fasthttp
