// ServerConn: bodies that are sent while they are made, interim responses, and connections that
// go over to another protocol.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fasthttp/bytes.h"
#include "fasthttp/error.h"
#include "fasthttp/server_conn.h"

namespace fasthttp {

// --- Streamed responses -----------------------------------------------------------------------

// The head of the turn's response, whose body follows piece by piece.
ResponseStream::Plan ServerConn::SerializeStreamHead(Turn& turn) {
  using http1::BodyHeader;
  Response& response = turn.ctx.response();
  const ResponseHeader& header = response.header();
  server_.CountAnswer(loop_.now() - turn.began, response.StatusCode());
  http1::ResponseHeadView view;
  DescribeHead(turn, response, view);
  const bool has_body = view.body != BodyHeader::kNone;
  ResponseStream::Plan plan;
  plan.keep_alive = KeepsAlive(turn, response);
  plan.sends = has_body && turn.head.method_id != http1::MethodId::kHead;
  if (has_body && header.ContentLength() >= 0) {
    plan.body = BodyHeader::kLength;
    plan.length = view.content_length = static_cast<uint64_t>(header.ContentLength());
  } else if (has_body && turn.head.minor_version != 0) {
    plan.body = BodyHeader::kChunked;
    if (header.Trailers() != nullptr) AnnounceTrailers(turn, *header.Trailers(), view);
  } else if (has_body) {
    plan.keep_alive = false;  // The body lasts until close.
  }
  view.body = plan.body;
  view.close = !plan.keep_alive;
  view.keep_alive_header = plan.keep_alive && turn.head.minor_version == 0;
  if (has_body && view.content_type.empty() && !server_.settings().no_default_content_type) {
    view.content_type = header.ContentType();
  }
  OutQueue& out = Out();
  out.Commit(http1::WriteResponseHead(out.Reserve(http1::ResponseHeadBound(view)), view));
  return plan;
}

// Their names go into the head, and their values behind the body.
void ServerConn::AnnounceTrailers(Turn& turn, const TrailerList& trailers,
                                  http1::ResponseHeadView& view) {
  turn.ViewFields(turn.ctx.response().header().OtherFields());
  std::erase_if(turn.field_views, [&](const auto& field) { return trailers.Has(field.name); });
  turn.field_views.push_back({"Trailer", trailers.Line()});
  view.fields = turn.field_views;
}

// What SetBodyStream and SetBodyStreamWriter asked for, when the handler has returned.
void ServerConn::SendBodyStream(Turn& turn) {
  if (turn.fate & (Turn::kStreams | Turn::kParted | Turn::kGone)) return;
  if (turn.ctx.LastTimeoutErrorResponse() != nullptr) return;
  BodySource source = turn.ctx.response().TakeBodyStream();
  Errc errc = Errc::kOk;
  if (turn.head.method_id == http1::MethodId::kHead ||
      http1::StatusHasNoBody(turn.ctx.response().StatusCode())) {
    if (source.size >= 0) turn.ctx.response().header().SetContentLength(source.size);
    (void)turn.ctx.StartBodyStream();
  } else if (turn.ctx.response().SkipBody()) {
    return;
  } else if (source.writer != nullptr) {
    std::move(source.writer)(turn.ctx.StartBodyStream());
  } else {
    errc = SendFromReader(turn, *source.reader, source.size);
  }
  if (errc == Errc::kOk || turn.LostConn() != Errc::kOk) return;
  AnswerException(turn, ErrcText(errc));
}

Errc ServerConn::SendFromReader(Turn& turn, BodyReader& reader, int64_t size) {
  if (size < 0) size = reader.Size();
  if (size >= 0) turn.ctx.response().header().SetContentLength(size);
  BodyWriter* out = nullptr;
  if (turn.ctx.response().ImmediateHeaderFlush()) out = &turn.ctx.StartBodyStream();
  uint64_t left = size >= 0 ? static_cast<uint64_t>(size) : UINT64_MAX;
  char block[16 * 1024];
  while (left != 0) {
    absl::StatusOr<size_t> n = reader.Read({block, std::min<uint64_t>(left, sizeof block)});
    if (!n.ok()) return ErrcOf(n.status());
    if (*n == 0 && size >= 0) return Errc::kUnexpectedEof;
    if (*n == 0) break;
    if (out == nullptr) out = &turn.ctx.StartBodyStream();
    Errc errc = out->TryWrite({block, *n});
    if (errc == Errc::kOk) errc = out->TryFlush();
    if (errc != Errc::kOk) return errc;
    left -= *n;
  }
  if (out == nullptr) (void)turn.ctx.StartBodyStream();
  return Errc::kOk;
}

// RFC 8297. An HTTP/1.0 client takes it for the answer.
Errc ServerConn::SendEarlyHints(Turn& turn) {
  const internal::FieldList& fields = turn.ctx.response().header().OtherFields();
  turn.ViewFields(fields);
  std::erase_if(turn.field_views,
                [](const auto& field) { return !EqualsIgnoreCase(field.name, "Link"); });
  if (turn.field_views.empty() || turn.head.minor_version == 0) return Errc::kOk;
  http1::ResponseHeadView view;
  view.status = kStatusEarlyHints;
  view.body = http1::BodyHeader::kNone;
  view.fields = turn.field_views;
  OutQueue& out = Out();
  out.Commit(http1::WriteResponseHead(out.Reserve(http1::ResponseHeadBound(view)), view));
  (void)SendNow(turn);
  return turn.LostConn();
}

// --- Streamed requests ------------------------------------------------------------------------

Errc ServerConn::BeginBodyStream(Turn& turn) {
  if (turn.request_stream == nullptr) turn.request_stream = std::make_unique<RequestStream>(turn);
  turn.fate |= Turn::kBodyStreams;
  turn.request_stream->Start();
  turn.ctx.request().BindBodyStream(*turn.request_stream);
  return Errc::kOk;
}

// kOk with *n > 0, or with 0 at the end of the body; kNeedMore: nothing of it is here now.
Errc ServerConn::TakeBody(Turn& turn, std::span<char> into, size_t* n) {
  *n = 0;
  Errc errc = Errc::kOk;
  if (turn.framing.kind == http1::Framing::kChunked) {
    errc = TakeChunked(turn, into, n);
  } else if (turn.body_left != 0) {
    into = into.first(std::min<uint64_t>(into.size(), turn.body_left));
    base::Block& block = *turn.block;
    if (const size_t here = std::min(block.unread_size(), into.size()); here != 0) {
      std::memcpy(into.data(), block.unread(), here);
      block.begin += static_cast<uint32_t>(here);
      *n = here;
    } else if (!(endpoint_.latched & kReadable)) {
      errc = Errc::kAgain;
    } else if (const IoResult received = ReceiveInto(into); received.ok()) {
      *n = received.bytes();
      turn.rate.Moved(loop_.tick(), *n);
    } else {
      errc = received.errc();
    }
    turn.body_left -= *n;
  }
  return errc == Errc::kAgain ? SendContinue(turn) : errc;
}

Errc ServerConn::TakeChunked(Turn& turn, std::span<char> into, size_t* n) {
  while (!turn.decoder.done()) {
    base::Block* from = turn.block->unread_size() != 0 ? turn.block : turn.chunks;
    if (from == nullptr || from->unread_size() == 0) {
      if (!(endpoint_.latched & kReadable)) return Errc::kAgain;
      const IoResult received = ReceiveBody(turn);
      if (!received.ok()) return received.errc();
      continue;
    }
    size_t consumed = 0;
    std::string_view piece;
    Errc errc = turn.decoder.Decode(from->unread(), std::min(from->unread_size(), into.size()),
                                    &consumed, &piece);
    from->begin += static_cast<uint32_t>(consumed);
    if (errc != Errc::kOk && errc != Errc::kNeedMore) return errc;
    if (turn.decoder.in_trailer()) {
      turn.trailer_section.append(piece);
    } else if (!piece.empty()) {
      std::memcpy(into.data(), piece.data(), piece.size());
      *n = piece.size();
      return Errc::kOk;
    }
  }
  return turn.trailer_section.empty() ? Errc::kOk : EndTrailers(turn);
}

// True if what a handler has left of its request's body is worth dropping to keep the connection.
bool ServerConn::CanDropRest(const Turn& turn) {
  // A client that was not told to go on may never send it (RFC 9110 section 10.1.1).
  if (turn.framing.expect_continue && !turn.continue_sent) return false;
  return turn.request_stream->error() == Errc::kOk && turn.framing.keep_alive &&
         turn.body_left <= RequestStream::kMaxDropped;
}

// Behind the answer. Whatever is not a request's body is the next request.
void ServerConn::DropRest() {
  Turn& turn = *data().turn;
  base::Block* room = server_.blocks_.Take();
  Errc errc = Errc::kOk;
  for (size_t n = 1; errc == Errc::kOk && n != 0;) {
    errc = TakeBody(turn, {room->data(), room->capacity}, &n);
    if (!turn.request_stream->CountDropped(n)) errc = Errc::kBodyTooLarge;
  }
  server_.blocks_.Give(room);
  if (errc == Errc::kOk) {
    turn.Restore();
    EndRequest(turn);
    return GoOn(/*keep_alive=*/true, nullptr);
  }
  if (errc == Errc::kNeedMore) {
    if (Flush() == Errc::kConnectionReset) return;
    if (ArmIfNeeded()) return Rearm();
  }
  Set(kLingerLong);
  CloseWhenSent();
}

// --- Other protocols --------------------------------------------------------------------------

bool ServerConn::IsToBeHijacked(const Turn& turn) {
  const Response& response = turn.ctx.response();
  if (!turn.Hijacked() || response.ConnectionClose() || server_.draining_) return false;
  if (!turn.BodyDone()) return false;
  if (turn.Is(Turn::kStreams)) return turn.stream->keep_alive();
  if (!turn.hijack->no_response && LacksBody(turn, response)) return false;
  // What a tunnel carries has its own end.
  return turn.framing.keep_alive || OpensTunnel(turn, response.StatusCode());
}

// The answer is sent, and nothing here has to do with the connection any more.
void ServerConn::HandOver() {
  Turn& turn = *data().turn;
  if (server_.draining_) return Close(/*reset=*/false);
  HijackHandler handler = std::move(turn.hijack->handler);
  std::string received(turn.block->unread(), turn.block->unread_size());
  ReleaseTurn();
  if (Is(kPerIp)) server_.shared_.per_ip.Remove(endpoint_.conn->RemoteAddr());
  server_.HandOver(endpoint_, std::move(received), std::move(handler));
}

}  // namespace fasthttp
