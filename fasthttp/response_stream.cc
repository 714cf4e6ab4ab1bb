#include "fasthttp/response_stream.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/hash/hash.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/base/check.h"
#include "fasthttp/http1/chunked.h"
#include "fasthttp/out_queue.h"
#include "fasthttp/server_conn.h"
#include "fasthttp/server_loop.h"
#include "fasthttp/turn.h"

namespace fasthttp {

using http1::BodyHeader;

void ResponseStream::Start() {
  written_ = 0;
  sent_without_wait_ = 0;
  plan_ = {};
  error_ = turn_.LostConn();
  buffer_.Clear();
  if (error_ != Errc::kOk) return;
  Response& response = turn_.ctx.response();
  response.CloseBodyStream();
  const OwnedBytes first = response.TakeBody();
  ServerConn conn(*turn_.server, *turn_.endpoint);
  plan_ = conn.SerializeStreamHead(turn_);
  head_print_ = HeadPrint();
  if (response.ImmediateHeaderFlush()) conn.SendNow(turn_);
  (void)TryWrite(first.view());
}

// A number for everything in the response that can't be changed once its head is sent.
uint64_t ResponseStream::HeadPrint() const {
  const ResponseHeader& header = turn_.ctx.response().header();
  const TrailerList* trailers = header.Trailers();
  size_t print = absl::HashOf(header.StatusCode());
  header.VisitAll([&](std::string_view name, std::string_view value) {
    if (trailers != nullptr && trailers->Has(name)) return;
    print = absl::HashOf(print, name, value);
  });
  return print;
}

bool ResponseStream::Finish() {
  if (error_ != Errc::kOk) return false;
  const Response& response = turn_.ctx.response();
  if (HeadPrint() != head_print_ || !response.Body().empty() || response.IsBodyStream()) {
    turn_.server->LogMisuse(turn_, "what was set after StartBodyStream is not sent");
  }
  if (!plan_.sends) return true;
  if (plan_.body == BodyHeader::kLength && plan_.length != 0) {
    turn_.server->LogMisuse(turn_, "the body is shorter than its Content-Length");
    return false;
  }
  OutQueue& out = ServerConn(*turn_.server, *turn_.endpoint).Out();
  if (!buffer_.empty()) AppendPiece(out, {});
  if (plan_.body == BodyHeader::kChunked) AppendTrailers(out);
  return true;
}

// The last chunk and, if any were announced, the trailers (RFC 9112 section 7.1.2).
void ResponseStream::AppendTrailers(OutQueue& out) {
  const ResponseHeader& header = turn_.ctx.response().header();
  if (header.Trailers() == nullptr) return out.Append(http1::kLastChunk);
  std::string section(http1::kLastChunkLine);
  header.VisitAllTrailer([&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    section.append(name).append(": ").append(value).append("\r\n");
  });
  out.Append(section.append("\r\n"));
}

// --- Writing ----------------------------------------------------------------------------------

Errc ResponseStream::DoWrite(std::string_view bytes) {
  if (error_ != Errc::kOk) return error_;
  if (plan_.body == BodyHeader::kLength) {
    if (bytes.size() > plan_.length) return error_ = Errc::kProgramming;
    plan_.length -= bytes.size();
  }
  if (Errc lost = turn_.LostConn(); lost != Errc::kOk) return lost;
  if (!plan_.sends) return Errc::kOk;
  if (bytes.size() <= kBufferSize - buffer_.size()) {
    buffer_.Append(bytes);
    return Errc::kOk;
  }
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, OutQueue::kHighWater - kBufferSize);
    // A part of it may have been sent.
    if (Errc errc = QueuePiece(piece); errc != Errc::kOk) return error_ = errc;
    bytes.remove_prefix(piece.size());
  }
  return Errc::kOk;
}

Errc ResponseStream::DoFlush() {
  if (error_ != Errc::kOk) return error_;
  if (!buffer_.empty()) {
    if (Errc errc = QueuePiece({}); errc != Errc::kOk) return errc;
  }
  return AwaitSent();
}

// What is gathered and `bytes`, as one piece of the body, once there is room for it.
Errc ResponseStream::QueuePiece(std::string_view bytes) {
  const OutQueue* queued =
      turn_.endpoint == nullptr ? nullptr : ServerConn::DataOf(*turn_.endpoint).out;
  const size_t size = buffer_.size() + bytes.size();
  if (queued != nullptr && queued->pending() + size > OutQueue::kHighWater) {
    if (Errc errc = AwaitSent(); errc != Errc::kOk) return errc;
  }
  if (Errc lost = turn_.LostConn(); lost != Errc::kOk) return lost;
  AppendPiece(ServerConn(*turn_.server, *turn_.endpoint).Out(), bytes);
  return Errc::kOk;
}

void ResponseStream::AppendPiece(OutQueue& out, std::string_view bytes) {
  const size_t size = buffer_.size() + bytes.size();
  const bool chunked = plan_.body == BodyHeader::kChunked;
  char* to = out.Reserve(http1::kMaxChunkHeader + size + http1::kChunkEnd.size());
  if (chunked) to += http1::WriteChunkHeader(to, size);
  for (std::string_view part : {buffer_.view(), bytes}) {
    if (!part.empty()) std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
  if (chunked) {
    std::memcpy(to, http1::kChunkEnd.data(), http1::kChunkEnd.size());
    to += http1::kChunkEnd.size();
  }
  out.Commit(to);
  buffer_.Clear();
  sent_without_wait_ += size;
}

// Until the out queue is empty. What waits here is woken by ServerConn::WakeWriter.
Errc ResponseStream::AwaitSent() {
  runtime::Loop& loop = turn_.server->loop();
  Errc cause = loop.CancelCause();
  if (cause != Errc::kOk) return cause;
  if (sent_without_wait_ >= kYieldBytes || base::ChaosStrikes()) {
    sent_without_wait_ = 0;
    loop.Yield();
  }
  for (;;) {
    if (Errc lost = turn_.LostConn(); lost != Errc::kOk) return lost;
    if (ServerConn(*turn_.server, *turn_.endpoint).SendNow(turn_)) return Errc::kOk;
    if (turn_.LostConn() != Errc::kOk) continue;
    // Tried once more after waking: what was sent wins over a deadline of the same moment.
    if (cause != Errc::kOk) return cause;
    FASTHTTP_CHECK(turn_.sending == nullptr, "two tasks write to one BodyWriter");
    sent_without_wait_ = 0;
    runtime::Wait wait;
    loop.Prepare(wait);
    turn_.sending = &wait;
    // The task may be another one than the handler's own.
    if (loop.current_task() != &turn_) turn_.BeforeSuspend();
    cause = loop.Block(wait, runtime::kNoDeadline);
    turn_.sending = nullptr;
  }
}

}  // namespace fasthttp
