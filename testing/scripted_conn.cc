#include "testing/scripted_conn.h"

#include <algorithm>
#include <cstring>

namespace fasthttptest {

using fasthttp::Errc;
using fasthttp::IoResult;
using fasthttp::ReadyToken;

// --- The script -------------------------------------------------------------------------------

ScriptedConn& ScriptedConn::Repeat(std::string_view bytes, uint64_t times) {
  if (!bytes.empty() && times != 0) {
    Step& step = reads_to_come_.emplace_back(Kind::kData);
    step.bytes = std::string(bytes);
    step.left = times;
  }
  return *this;
}

ScriptedConn& ScriptedConn::Dribble(std::string_view bytes) {
  for (char byte : bytes) Again().Data({&byte, 1});
  return *this;
}

ScriptedConn& ScriptedConn::Again() {
  reads_to_come_.emplace_back(Kind::kAgain);
  return *this;
}

ScriptedConn& ScriptedConn::AwaitWritten(uint64_t bytes) {
  reads_to_come_.emplace_back(Kind::kAwaitWritten).left = bytes;
  return *this;
}

ScriptedConn& ScriptedConn::Eof() {
  reads_to_come_.emplace_back(Kind::kEof);
  return *this;
}

ScriptedConn& ScriptedConn::Fail(Errc errc) {
  reads_to_come_.emplace_back(Kind::kFail).errc = errc;
  return *this;
}

ScriptedConn& ScriptedConn::Take(size_t bytes) {
  writes_to_come_.emplace_back(Kind::kTake).size = bytes;
  return *this;
}

ScriptedConn& ScriptedConn::FailWrites(Errc errc) {
  writes_to_come_.emplace_back(Kind::kFail).errc = errc;
  return *this;
}

void ScriptedConn::SetAddresses(const fasthttp::Addr& local, const fasthttp::Addr& remote) {
  local_ = local;
  remote_ = remote;
}

// --- Conn -------------------------------------------------------------------------------------

IoResult ScriptedConn::TryRecv(std::span<char> into) {
  ++reads_;
  if (IsAwaiting() || reads_to_come_.empty()) return IoResult::Error(Errc::kAgain);
  Step& step = reads_to_come_.front();
  if (step.kind == Kind::kEof) return IoResult::Bytes(0);
  if (step.kind == Kind::kFail) return IoResult::Error(step.errc);
  if (step.kind == Kind::kAgain) {
    reads_to_come_.pop_front();
    TellIfMore();
    return IoResult::Error(Errc::kAgain);
  }
  const size_t n = std::min(into.size(), step.bytes.size() - offset_);
  std::memcpy(into.data(), step.bytes.data() + offset_, n);
  offset_ += n;
  if (offset_ == step.bytes.size()) {
    offset_ = 0;
    if (--step.left == 0) reads_to_come_.pop_front();
    TellIfMore();
  }
  return IoResult::Bytes(n);
}

// Leaves the awaits that are over behind.
bool ScriptedConn::IsAwaiting() {
  while (!reads_to_come_.empty() && reads_to_come_.front().kind == Kind::kAwaitWritten) {
    if (bytes_written_ < reads_to_come_.front().left) return true;
    reads_to_come_.pop_front();
  }
  return false;
}

void ScriptedConn::TellIfMore() {
  if (IsAwaiting() || reads_to_come_.empty() || token_.loop == nullptr) return;
  const Kind kind = reads_to_come_.front().kind;
  const bool ends = kind == Kind::kEof || kind == Kind::kFail;
  token_.Notify(ends ? fasthttp::kReadable | fasthttp::kHangup : fasthttp::kReadable);
}

IoResult ScriptedConn::TrySend(std::span<const iovec> from) {
  ++writes_;
  size_t limit = SIZE_MAX;
  if (!writes_to_come_.empty()) {
    const Step step = writes_to_come_.front();
    if (step.kind == Kind::kFail) return IoResult::Error(step.errc);
    writes_to_come_.pop_front();
    limit = step.size;
    if (token_.loop != nullptr) token_.Notify(fasthttp::kWritable);
    if (limit == 0) return IoResult::Error(Errc::kAgain);
  }
  size_t n = 0;
  for (const iovec& piece : from) {
    const size_t size = std::min(piece.iov_len, limit - n);
    if (keep_) written_.append(static_cast<const char*>(piece.iov_base), size);
    n += size;
  }
  const bool awaited = IsAwaiting();
  bytes_written_ += n;
  if (awaited) TellIfMore();
  return IoResult::Bytes(n);
}

Errc ScriptedConn::Arm(const ReadyToken& token) {
  token_ = token;
  TellIfMore();
  token_.Notify(fasthttp::kWritable);
  return Errc::kOk;
}

bool ScriptedConn::HasUnread() {
  return !reads_to_come_.empty() && reads_to_come_.front().kind == Kind::kData;
}

void ScriptedConn::Close(bool reset) {
  token_ = {};
  reset_ = reset;
  closes_.fetch_add(1);
}

// --- ScriptedListener -------------------------------------------------------------------------

void ScriptedListener::Add(fasthttp::Conn& conn) { Push({&conn, Errc::kOk}); }

void ScriptedListener::AddError(Errc errc) { Push({nullptr, errc}); }

void ScriptedListener::Push(const Next& next) {
  std::lock_guard<std::mutex> lock(mutex_);
  next_.push_back(next);
  for (const ReadyToken& token : tokens_) token.Notify(fasthttp::kReadable);
}

size_t ScriptedListener::waiting() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return next_.size();
}

bool ScriptedListener::closed() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return closed_;
}

Errc ScriptedListener::TryAccept(fasthttp::Accepted& into) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return Errc::kListenerClosed;
  if (next_.empty()) return Errc::kAgain;
  const Next next = next_.front();
  next_.pop_front();
  if (next.conn == nullptr) return next.errc;
  into.conn = next.conn;
  into.fd = -1;
  into.remote = next.conn->RemoteAddr();
  return Errc::kOk;
}

Errc ScriptedListener::Arm(const ReadyToken& token) {
  std::lock_guard<std::mutex> lock(mutex_);
  tokens_.push_back(token);
  if (closed_ || !next_.empty()) token.Notify(fasthttp::kReadable);
  return Errc::kOk;
}

void ScriptedListener::Disarm(const ReadyToken& token) {
  std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(tokens_, [&](const ReadyToken& t) {
    return t.loop == token.loop && t.slot == token.slot && t.generation == token.generation;
  });
}

void ScriptedListener::Close() {
  std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  for (const ReadyToken& token : tokens_) token.Notify(fasthttp::kReadable | fasthttp::kHangup);
}

}  // namespace fasthttptest
