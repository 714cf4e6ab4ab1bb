// ServerConn: bodies that are sent while they are made, interim responses, and connections that
// go over to another protocol.
#include <algorithm>
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
  const Response& response = turn.ctx.response();
  const ResponseHeader& header = response.header();
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

// --- Other protocols --------------------------------------------------------------------------

bool ServerConn::IsToBeHijacked(const Turn& turn) {
  const Response& response = turn.ctx.response();
  if (!turn.Hijacked() || response.ConnectionClose() || server_.draining_) return false;
  if (turn.Is(Turn::kStreams)) return turn.stream->keep_alive();
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
