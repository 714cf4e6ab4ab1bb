#include "fasthttp/server_loop.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <new>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/base/check.h"
#include "fasthttp/byte_buffer.h"
#include "fasthttp/date.h"
#include "fasthttp/runtime/socket.h"
#include "fasthttp/server_conn.h"

namespace fasthttp {
namespace {

uint32_t Milliseconds(absl::Duration duration) {
  if (duration <= absl::ZeroDuration() || duration == absl::InfiniteDuration()) return 0;
  // Ticks are compared within 24 days.
  int64_t ms = absl::ToInt64Milliseconds(duration + absl::Milliseconds(1) - absl::Nanoseconds(1));
  return static_cast<uint32_t>(std::clamp<int64_t>(ms, 1, int64_t{20} * 24 * 3600 * 1000));
}

TransferLimits Transfer(const ServerSettings& settings, absl::Duration total) {
  TransferLimits limits;
  limits.stall_ms = Milliseconds(settings.stall_timeout);
  limits.total_ms = Milliseconds(total);
  if (settings.min_rate != 0) limits.window_ms = Milliseconds(settings.min_rate_window);
  limits.bytes_per_window = uint64_t{settings.min_rate} * limits.window_ms / 1000;
  return limits;
}

// For texts that people read. Not parsed, since another thread may have the request. A query may
// hold secrets.
std::string PathOf(const Turn& turn) {
  constexpr size_t kShown = 100;
  absl::string_view target = turn.head.Target();
  return absl::CHexEscape(target.substr(0, std::min(target.find('?'), kShown)));
}

}  // namespace

ServerLimits::ServerLimits(const ServerSettings& settings)
    : leniency(settings.lenient ? http1::Leniency::kAll : http1::Leniency::kStrict),
      requests_per_conn(settings.disable_keepalive            ? 1
                        : settings.max_requests_per_conn != 0 ? settings.max_requests_per_conn
                                                              : UINT32_MAX),
      get_only(settings.get_only),
      stream_bodies(settings.stream_request_body),
      head_ms(Milliseconds(settings.read_head_timeout)),
      idle_ms(Milliseconds(settings.idle_timeout)),
      body(Transfer(settings, settings.read_body_timeout)),
      response(Transfer(settings, settings.write_timeout)) {
  head.max_head_bytes = std::min<uint32_t>(settings.max_request_head_size, 65'535);
  head.max_target_bytes = settings.max_request_target_size;
  head.max_fields = settings.max_request_fields;
  chunked.max_body_bytes = settings.max_request_body_size;
  if (idle_ms == 0) idle_ms = kNever;
}

// One listener on this loop.
class ServerLoop::Acceptor final : public runtime::EventSink {
 public:
  Acceptor(ServerLoop& server, std::shared_ptr<Listener> listener, std::shared_ptr<Serving> serving)
      : server_(server), listener_(std::move(listener)), serving_(std::move(serving)) {}

  // After an error this object is gone.
  Errc Start() {
    endpoint_ = server_.loop_.Open(nullptr, this);
    FASTHTTP_CHECK(endpoint_ != nullptr, "out of memory for a listener");
    if (Errc errc = listener_->Arm(endpoint_->token(server_.loop_)); errc != Errc::kOk) {
      Stop();
      return errc == Errc::kListenerClosed ? Errc::kOk : errc;
    }
    // Whatever came before Arm is looked for now.
    server_.loop_.QueueReady(endpoint_->slot, endpoint_->generation, kReadable);
    return Errc::kOk;
  }

  void OnReady(runtime::Endpoint&, uint8_t ready) override {
    if ((ready & kResume) && waiting_) return;
    Accept();
  }
  void OnTimer(runtime::Endpoint&) override { Accept(); }

  void Close() { listener_->Close(); }
  const Serving* serving() const { return serving_.get(); }

 private:
  // Bounded, so that a flood of connections leaves time for the ones that are there.
  static constexpr int kBatch = 16;
  static constexpr uint32_t kPauseMs = 50;

  // Each connection is served as it is accepted: most have sent their request already.
  void Accept() {
    waiting_ = false;
    runtime::Loop& loop = server_.loop_;
    // If a handler suspends below, this event goes on with the accepting.
    loop.QueueReady(endpoint_->slot, endpoint_->generation, kReadable | kResume);
    Accepted accepted;
    for (int i = 0; i < kBatch; ++i) {
      accepted.conn = nullptr;
      accepted.counts = false;
      if (Errc errc = listener_->TryAccept(accepted); errc != Errc::kOk) [[unlikely]] {
        if (EndsBatch(errc)) return;
        continue;
      }
      runtime::Endpoint& conn = server_.Adopt(accepted);
      const Errc refused = server_.Admit(conn);
      if (accepted.handler) {
        server_.HandOverAccepted(conn, std::exchange(accepted.handler, nullptr), refused);
        continue;
      }
      if (refused != Errc::kOk) {
        server_.Refuse(conn, refused);
        continue;
      }
      const uint64_t switches = loop.stats().switches;
      ServerConn::Serve(server_, conn);
      // While the handler was suspended this object may have ended.
      if (loop.stats().switches != switches) return;
    }
    loop.PollNextRound();
  }

  // What TryAccept had in place of a connection; may end this object.
  bool EndsBatch(Errc errc) {
    if (errc == Errc::kListenerClosed) {
      Stop();
      return true;
    }
    waiting_ = errc == Errc::kAgain || errc == Errc::kTooManyFiles;
    // Connections wait in the kernel's queue; trying at once would spin.
    if (errc == Errc::kTooManyFiles) {
      server_.loop_.SetTimer(*endpoint_, server_.loop_.tick() + kPauseMs);
    }
    return waiting_;
  }

  // Ends this object.
  void Stop() {
    listener_->Disarm(endpoint_->token(server_.loop_));
    server_.loop_.Release(*endpoint_);
    ServerLoop& server = server_;
    std::shared_ptr<Serving> serving = std::move(serving_);
    std::erase_if(server.acceptors_, [this](const auto& other) { return other.get() == this; });
    serving->closed.CountDown();
    if (server.draining_) server.CheckDrained();
  }

  ServerLoop& server_;
  const std::shared_ptr<Listener> listener_;
  std::shared_ptr<Serving> serving_;
  runtime::Endpoint* endpoint_ = nullptr;
  bool waiting_ = false;  // For the listener's next notice, or for files.
};

ServerLoop::ServerLoop(ServerShared& shared, runtime::Loop& loop)
    : shared_(shared), loop_(loop), limits_(shared.settings) {}

ServerLoop::~ServerLoop() {
  FASTHTTP_CHECK(counters_.open == 0 && acceptors_.empty(),
                 "a server was destroyed with open connections");
  FASTHTTP_CHECK(held_ == nullptr, "a server was destroyed with held requests");
  FASTHTTP_CHECK(!registered_, "a server's loop was destroyed while registered");
  while (free_turns_ != nullptr) DeleteTurn(TakeTurn());
  FASTHTTP_CHECK(blocks_.in_use() == 0, "a server was destroyed with buffers in use");
  while (free_outs_ != nullptr) delete std::exchange(free_outs_, free_outs_->next);
}

void ServerLoop::Register() {
  if (registered_) return;
  registered_ = true;
  loop_.AddTrimmer([](void* self) { return static_cast<ServerLoop*>(self)->Trim(); }, this);
  loop_.AddWorkEnd(
      [](void* self, int64_t took) { static_cast<ServerLoop*>(self)->OnWorkEnd(took); }, this);
}

void ServerLoop::Unregister() {
  if (registered_) {
    loop_.RemoveTrimmer(this);
    loop_.RemoveWorkEnd(this);
  }
  registered_ = false;
}

Errc ServerLoop::AddListener(std::shared_ptr<Listener> listener, std::shared_ptr<Serving> serving) {
  Register();
  SetDraining(!drained_.empty());
  // Beside a Shutdown that is under way there is nothing to accept.
  if (serving->refused || shared_.shutdowns.load() != serving->shutdowns) listener->Close();
  if (shared_.per_ip.enabled()) listener->SetPeerLimit(loop_, *this);
  acceptors_.push_back(std::make_unique<Acceptor>(*this, std::move(listener), std::move(serving)));
  return acceptors_.back()->Start();
}

Errc ServerLoop::AddConn(Conn* conn, runtime::Latch* ended) {
  Register();
  SetDraining(!drained_.empty());
  Accepted accepted;
  accepted.conn = conn;
  runtime::Endpoint& endpoint = Adopt(accepted);
  if (ended != nullptr) {
    endpoint.owner_state |= ServerConn::kWaitedFor;
    waited_for_[endpoint.slot] = ended;
  }
  const Errc refused = Admit(endpoint);
  if (refused != Errc::kOk) {
    Refuse(endpoint, refused);
  } else {
    // Served in a step of its own: this one may be inside a handler.
    loop_.QueueReady(endpoint.slot, endpoint.generation, kReadable);
  }
  return refused;
}

runtime::Endpoint& ServerLoop::Adopt(const Accepted& accepted) {
  runtime::Endpoint* endpoint = loop_.Open(accepted.conn, this);
  FASTHTTP_CHECK(endpoint != nullptr, "out of memory for a connection");
  if (accepted.conn == nullptr) {
    endpoint->conn = new (endpoint->socket) runtime::SocketConn(accepted.fd, accepted.remote);
  } else {
    if (accepted.conn->is_tls()) endpoint->owner_state |= ServerConn::kTls;
    if (accepted.counts) endpoint->owner_state |= ServerConn::kPerIp;
  }
  new (endpoint->owner) ServerConn::Data{};
  endpoint->latched = kReadable | kWritable;
  Count(counters_.accepted, 1);
  Count(counters_.open, 1);
  return *endpoint;
}

Errc ServerLoop::Admit(runtime::Endpoint& endpoint) {
  if (shared_.open.fetch_add(1, std::memory_order_relaxed) >= shared_.settings.concurrency) {
    shared_.open.fetch_sub(1, std::memory_order_relaxed);
    return Errc::kConcurrencyLimit;
  }
  endpoint.owner_state |= ServerConn::kCounted;
  return shared_.per_ip.enabled() ? AdmitPerIp(endpoint) : Errc::kOk;
}

bool ServerLoop::CountPeer(const Addr& peer) {
  if (shared_.per_ip.Add(peer)) return true;
  Count(counters_.rejected, 1);
  return false;
}

Errc ServerLoop::AdmitPerIp(runtime::Endpoint& endpoint) {
  if (endpoint.owner_state & ServerConn::kPerIp) return Errc::kOk;
  if (!shared_.per_ip.Add(endpoint.conn->RemoteAddr())) return Errc::kPerIpLimit;
  endpoint.owner_state |= ServerConn::kPerIp;
  return Errc::kOk;
}

void ServerLoop::Refuse(runtime::Endpoint& endpoint, Errc errc) {
  Count(counters_.rejected, 1);
  endpoint.owner_state |= ServerConn::kRefused;
  if (++lingering_ > kMaxLingering) {
    return ServerConn(*this, endpoint).Cut(errc);
  }
  http1::ResponseHeadView view;
  std::string_view text = ErrcText(errc);
  http1::FieldView retry = {"Retry-After", "1"};
  view.status = HttpStatusOf(errc);
  view.server_and_date = Blocks(loop_.now()).server_and_date();
  view.content_type = kDefaultContentType;
  view.content_length = text.size();
  view.close = true;
  view.fields = {&retry, 1};
  std::string answer(http1::ResponseHeadBound(view), '\0');
  answer.resize(static_cast<size_t>(http1::WriteResponseHead(answer.data(), view) - answer.data()));
  answer += text;
  ServerConn(*this, endpoint).Finish(answer);
}

void ServerLoop::EndWaitFor(uint32_t slot) {
  auto it = waited_for_.find(slot);
  runtime::Latch* ended = it->second;
  waited_for_.erase(it);
  ended->CountDown();
}

void ServerLoop::Drain(std::shared_ptr<runtime::Latch> drained) {
  SetDraining(true);
  drained_.push_back(std::move(drained));
  CloseListeners();
  runtime::EndpointTable& table = loop_.endpoints();
  for (uint32_t slot = 0; slot < table.slots(); ++slot) {
    runtime::Endpoint* endpoint = table.At(slot);
    if (endpoint != nullptr && endpoint->conn != nullptr && endpoint->sink == this) {
      ServerConn(*this, *endpoint).CloseIfIdle();
    }
  }
  ForEachHijacked([](HijackedConn& conn) { conn.Drain(); });
  CheckDrained();
}

void ServerLoop::EndDrain(const runtime::Latch& drained) {
  std::erase_if(drained_, [&](const auto& latch) { return latch.get() == &drained; });
}

void ServerLoop::CloseListeners(const Serving* serving) {
  // The acceptors end when their listeners tell them, in steps of their own.
  for (const auto& acceptor : acceptors_) {
    if (serving == nullptr || acceptor->serving() == serving) acceptor->Close();
  }
}

void ServerLoop::Cut() {
  runtime::EndpointTable& table = loop_.endpoints();
  for (uint32_t slot = 0; slot < table.slots(); ++slot) {
    runtime::Endpoint* endpoint = table.At(slot);
    if (endpoint == nullptr || endpoint->conn == nullptr || endpoint->sink != this) continue;
    const Turn* turn = ServerConn::DataOf(*endpoint).turn;
    if (std::find(aside_.begin(), aside_.end(), turn) != aside_.end()) continue;
    ServerConn(*this, *endpoint).Cut(Errc::kDraining);
  }
  ForEachHijacked([](HijackedConn& conn) { conn.Reset(); });
}

bool ServerLoop::StandAside(const runtime::Task& task) {
  runtime::EndpointTable& table = loop_.endpoints();
  for (uint32_t slot = 0; slot < table.slots(); ++slot) {
    runtime::Endpoint* endpoint = table.At(slot);
    if (endpoint == nullptr || endpoint->conn == nullptr || endpoint->sink != this) continue;
    if (ServerConn::DataOf(*endpoint).turn != &task) continue;
    aside_.push_back(&task);
    return true;
  }
  for (const Turn* turn = held_; turn != nullptr; turn = turn->next) {
    if (turn != &task) continue;
    aside_.push_back(&task);
    return true;
  }
  if (IsHijacked(task)) aside_.push_back(&task);
  return IsHijacked(task);
}

void ServerLoop::ListStragglers(std::vector<Straggler>& stragglers) {
  auto add = [&](const Turn& turn, bool pinned) {
    if (std::find(aside_.begin(), aside_.end(), &turn) != aside_.end()) return;
    stragglers.push_back({PathOf(turn), loop_.now() - turn.began, pinned});
  };
  runtime::EndpointTable& table = loop_.endpoints();
  for (uint32_t slot = 0; slot < table.slots(); ++slot) {
    runtime::Endpoint* endpoint = table.At(slot);
    if (endpoint == nullptr || endpoint->conn == nullptr || endpoint->sink != this) continue;
    if ((endpoint->owner_state & ServerConn::kStateMask) != ServerConn::kHandling) continue;
    add(*ServerConn::DataOf(*endpoint).turn, /*pinned=*/false);
  }
  for (Turn* turn = held_; turn != nullptr; turn = turn->next) add(*turn, !turn->running);
  ForEachHijacked([&](HijackedConn& conn) {
    stragglers.push_back({absl::StrCat("hijacked ", conn.RemoteAddr().ToString()), 0, false});
  });
}

void ServerLoop::CheckDrained() {
  const uint64_t left = counters_.open + held_count_ + hijacked_count_;
  if (left != aside_.size() || !acceptors_.empty()) return;
  for (const auto& latch : std::exchange(drained_, {})) latch->CountDown();
}

void ServerLoop::AddStats(ServerStats& stats) const {
  auto value = [](const std::atomic<uint64_t>& c) { return c.load(std::memory_order_relaxed); };
  stats.requests += value(counters_.requests);
  stats.errors += value(counters_.errors);
  stats.timeouts += value(counters_.timeouts);
  stats.requests_held += value(counters_.held);
  stats.connections_accepted += value(counters_.accepted);
  stats.connections_rejected += value(counters_.rejected);
  stats.connections_open += value(counters_.open);
  stats.connections_hijacked += value(counters_.hijacked);
  stats.bytes_received += value(counters_.received);
  stats.bytes_sent += value(counters_.sent);
  for (size_t i = 0; i < stats.responses.size(); ++i) {
    stats.responses[i] += value(counters_.responses[i]);
  }
  for (size_t i = 0; i < LatencyStats::kBuckets; ++i) {
    stats.latency.counts[i] += value(counters_.latency[i]);
  }
  stats.latency.total_nanos += value(counters_.latency_nanos);
  stats.blocks_in_use += value(counters_.blocks);
  stats.turns += value(counters_.turns);
  stats.turns_spare += value(counters_.spare_turns);
}

void ServerLoop::CountOtherAnswer(int64_t took, int status) {
  const size_t status_class = status >= 100 && status < 600 ? static_cast<size_t>(status / 100) : 0;
  Count(counters_.responses[status_class], 1);
  if (took != 0) return CountLatency(took, 1);
  ++others_at_once_;
}

void ServerLoop::CountLatency(int64_t took, uint64_t n) {
  const auto& bounds = LatencyStats::kBounds;
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), took) - bounds.begin();
  Count(counters_.latency[static_cast<size_t>(bucket)], n);
  Count(counters_.latency_nanos, n * static_cast<uint64_t>(took));
}

void ServerLoop::OnWorkEnd(int64_t took) {
  if (const uint64_t n = answered_at_once_ + others_at_once_; n != 0) {
    Count(counters_.responses[2], std::exchange(answered_at_once_, 0));
    others_at_once_ = 0;
    CountLatency(took, n);
  }
  counters_.blocks.store(blocks_.in_use() - free_turn_count_, std::memory_order_relaxed);
  counters_.turns.store(turn_count_, std::memory_order_relaxed);
  counters_.spare_turns.store(free_turn_count_, std::memory_order_relaxed);
}

// --- Connections for other protocols ------------------------------------------------------------

void ServerLoop::HandOver(runtime::Endpoint& endpoint, std::string received, HijackHandler handler,
                          bool still_counts) {
  const uint16_t state = std::exchange(endpoint.owner_state, 0);
  Uncount(still_counts ? state & ~ServerConn::kCounted : state);
  loop_.ClearTimer(endpoint);
  const bool keep = settings().keep_hijacked_conns && !still_counts;
  HijackedConn& conn =
      HijackedConn::Start(loop_, endpoint, std::move(received), std::move(handler), *this, keep);
  if (still_counts) conn.counts_as = std::make_unique<Addr>(endpoint.conn->RemoteAddr());
  conn.next = hijacked_;
  if (hijacked_ != nullptr) hijacked_->previous = &conn;
  hijacked_ = &conn;
  counters_.hijacked.store(++hijacked_count_, std::memory_order_relaxed);
  if (state & ServerConn::kWaitedFor) EndWaitFor(endpoint.slot);
}

// Its listener has agreed on another protocol, so nobody can be told why it is refused.
void ServerLoop::HandOverAccepted(runtime::Endpoint& endpoint, HijackHandler handler,
                                  Errc refused) {
  if (refused == Errc::kOk && !draining_ && loop_.may_block()) {
    return HandOver(endpoint, {}, std::move(handler), /*still_counts=*/true);
  }
  Count(counters_.rejected, 1);
  ServerConn(*this, endpoint).Cut(Errc::kDraining);
}

void ServerLoop::HijackEnded(HijackedConn& conn, const std::exception_ptr& exception) {
  if (conn.counts_as != nullptr) {
    shared_.open.fetch_sub(1, std::memory_order_relaxed);
    if (shared_.per_ip.enabled()) shared_.per_ip.Remove(*conn.counts_as);
  }
  if (conn.next != nullptr) conn.next->previous = conn.previous;
  (conn.previous != nullptr ? conn.previous->next : hijacked_) = conn.next;
  counters_.hijacked.store(--hijacked_count_, std::memory_order_relaxed);
  if (exception) {
    Count(counters_.errors, 1);
    loop_.owner()->LostException(exception);
  }
  if (draining_) CheckDrained();
}

// Of those whose handlers don't wait for a Shutdown themselves.
void ServerLoop::ForEachHijacked(absl::FunctionRef<void(HijackedConn&)> f) {
  for (HijackedConn *conn = hijacked_, *next; conn != nullptr; conn = next) {
    next = conn->next;
    if (std::find(aside_.begin(), aside_.end(), &conn->task()) == aside_.end()) f(*conn);
  }
}

bool ServerLoop::IsHijacked(const runtime::Task& task) const {
  const HijackedConn* conn = hijacked_;
  while (conn != nullptr && &conn->task() != &task) conn = conn->next;
  return conn != nullptr;
}

void ServerLoop::LogMisuse(const Turn& turn, std::string_view what) {
  Count(counters_.errors, 1);
  if (loop_.now() < next_log_) return;
  next_log_ = loop_.now() + runtime::kSecond;
  std::fprintf(stderr, "fasthttp: %s: %.*s\n", PathOf(turn).c_str(), static_cast<int>(what.size()),
               what.data());
}

// --- Turns that outlive their answers -----------------------------------------------------------

void ServerLoop::Hold(Turn& turn) {
  turn.previous = nullptr;
  turn.next = held_;
  if (held_ != nullptr) held_->previous = &turn;
  held_ = &turn;
  counters_.held.store(++held_count_, std::memory_order_relaxed);
  shared_.open.fetch_add(1, std::memory_order_relaxed);
}

void ServerLoop::EndHandler(Turn& turn) {
  turn.running = false;
  if (turn.DropShare()) LetGo(turn);
}

void ServerLoop::LetGo(Turn& turn) {
  if (turn.next != nullptr) turn.next->previous = turn.previous;
  (turn.previous != nullptr ? turn.previous->next : held_) = turn.next;
  counters_.held.store(--held_count_, std::memory_order_relaxed);
  shared_.open.fetch_sub(1, std::memory_order_relaxed);
  turn.EndRequest(loop_.tick());
  GiveTurn(&turn);
  if (draining_) CheckDrained();
}

// --- Pools ------------------------------------------------------------------------------------

Turn* ServerLoop::NewTurn() {
  void* memory = turn_slabs_.Allocate();
  FASTHTTP_CHECK(memory != nullptr, "out of memory for a turn");
  Turn* turn = new (memory) Turn;
  ++turn_count_;
  turn->server = this;
  turn->ctx.Bind(turn, nullptr, /*tls=*/false);
  turn->block = blocks_.Take();
  return turn;
}

void ServerLoop::DeleteTurn(Turn* turn) {
  blocks_.Give(turn->block);
  turn->~Turn();
  turn_slabs_.Free(turn);
  --turn_count_;
}

// What its connection leaves unfinished, what parted it from that, a block beyond the ordinary.
void ServerLoop::EndTurn(Turn& turn) {
  // A request that can't be served has an answer before its head is complete.
  if (turn.phase != Turn::Phase::kHead || turn.fate != 0) turn.EndRequest(loop_.tick());
  if (turn.fate != 0) turn.Restore();
  if (turn.block->size_class != 0) {
    blocks_.Give(turn.block);
    turn.block = blocks_.Take();
  }
}

OutQueue* ServerLoop::NewOut() { return new OutQueue; }

bool ServerLoop::Trim() {
  for (size_t n = (free_turn_count_ + 1) / 2; n > 0; --n) DeleteTurn(TakeTurn());
  const bool more = blocks_.Trim();
  for (size_t n = (free_out_count_ + 1) / 2; n > 0; --n, --free_out_count_) {
    delete std::exchange(free_outs_, free_outs_->next);
  }
  return more || free_turns_ != nullptr || free_outs_ != nullptr;
}

void ServerLoop::RefreshBlocks() {
  timespec wall;
  ::clock_gettime(CLOCK_REALTIME, &wall);
  static_assert(sizeof date_ == kHTTPDateSize);
  WriteHTTPDate(date_, wall.tv_sec);
  const ServerSettings& settings = shared_.settings;
  status_blocks_.Refresh(
      settings.no_default_server_header ? std::string_view() : settings.name,
      settings.no_default_date ? std::string_view() : std::string_view(date_, sizeof date_));
  blocks_until_ = loop_.now() + runtime::kSecond - wall.tv_nsec;
}

std::string ServerLoop::ServerAndDate(std::string_view server) {
  std::string lines = absl::StrCat("Server: ", server, "\r\n");
  if (!shared_.settings.no_default_date) {
    absl::StrAppend(&lines, "Date: ", absl::string_view(date_, sizeof date_), "\r\n");
  }
  return lines;
}

}  // namespace fasthttp
