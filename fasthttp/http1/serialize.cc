#include "fasthttp/http1/serialize.h"

#include <algorithm>
#include <cstring>

#include "fasthttp/base/check.h"

namespace fasthttp::http1 {
namespace {

constexpr std::string_view kVersionSp = "HTTP/1.1 ";
constexpr std::string_view kCrLf = "\r\n";
constexpr std::string_view kColonSp = ": ";
constexpr std::string_view kClose = "Connection: close\r\n";
constexpr std::string_view kKeepAlive = "Connection: keep-alive\r\n";
constexpr std::string_view kTransferChunked = "Transfer-Encoding: chunked\r\n";
constexpr std::string_view kContentLength = "Content-Length: ";
constexpr std::string_view kContentType = "Content-Type: ";
constexpr std::string_view kContentEncoding = "Content-Encoding: ";

inline char* Append(char* out, std::string_view s) {
  return base::CopyShort(out, s.data(), s.size());
}

// The sizes that nearly all blocks have are moved in registers.
inline char* AppendBlock(char* out, std::string_view s) {
  const size_t n = s.size();
  if (n - 64 > 32) return Append(out, s);
  memcpy(out, s.data(), 64);
  Append(out + n - 32, s.substr(n - 32));
  return out + n;
}

inline char* AppendValue(char* out, std::string_view s) {
  FASTHTTP_DCHECK(internal::IsOneLine(s), "a value to be serialized holds CR, LF or NUL");
  return Append(out, s);
}

// `name_and_colon` ends with ": ".
inline char* AppendSlot(char* out, std::string_view name_and_colon, std::string_view value) {
  if (value.empty()) return out;
  return Append(AppendValue(Append(out, name_and_colon), value), kCrLf);
}

[[gnu::noinline]] char* AppendFields(char* out, std::span<const FieldView> fields) {
  for (const FieldView& field : fields) {
    out = AppendValue(out, field.name);
    out = Append(out, kColonSp);
    out = AppendValue(out, field.value);
    out = Append(out, kCrLf);
  }
  return out;
}

inline char* AppendBodyHeader(char* out, BodyHeader body, uint64_t content_length) {
  switch (body) {
    case BodyHeader::kNone:
      return out;
    case BodyHeader::kLength:
      return Append(WriteDecimal(Append(out, kContentLength), content_length), kCrLf);
    case BodyHeader::kChunked:
      return Append(out, kTransferChunked);
  }
  return out;
}

[[gnu::noinline]] char* AppendStatusLine(char* out, int status) {
  FASTHTTP_DCHECK(status >= 100 && status <= 999, "a status code has three digits");
  out = Append(out, kVersionSp);
  out[0] = static_cast<char>('0' + status / 100 % 10);
  memcpy(out + 1, &internal::kDigitPairs.digits[2 * (status % 100)], 2);
  out[3] = ' ';
  out = Append(out + 4, StatusText(status));
  return Append(out, kCrLf);
}

// The position of `status` among those that StatusBlockCache keeps; -1 if it is not one.
int KeptIndex(int status) {
  switch (status) {
    case 200:
      return 0;
    case 201:
      return 1;
    case 204:
      return 2;
    case 206:
      return 3;
    case 302:
      return 4;
    case 304:
      return 5;
    case 400:
      return 6;
    case 404:
      return 7;
    case 500:
      return 8;
    case 503:
      return 9;
    default:
      return -1;
  }
}

}  // namespace

bool internal::IsOneLine(std::string_view s) {
  return std::none_of(s.begin(), s.end(), [](char c) { return c == '\r' || c == '\n' || c == 0; });
}

// The room for twenty digits brings a check of its stack frame.
[[gnu::noinline]] static char* WriteAnyDecimal(char* out, uint64_t value) {
  char reversed[20];
  char* p = reversed + sizeof(reversed);
  for (; value >= 100; value /= 100) {
    p -= 2;
    memcpy(p, &internal::kDigitPairs.digits[2 * (value % 100)], 2);
  }
  if (value < 10) {
    *--p = static_cast<char>('0' + value);
  } else {
    p -= 2;
    memcpy(p, &internal::kDigitPairs.digits[2 * value], 2);
  }
  const size_t size = static_cast<size_t>(reversed + sizeof(reversed) - p);
  memcpy(out, p, size);
  return out + size;
}

char* WriteLongDecimal(char* out, uint64_t value) {
  if (value >= 10'000) return WriteAnyDecimal(out, value);
  out = WriteDecimal(out, value / 100);
  memcpy(out, &internal::kDigitPairs.digits[2 * (value % 100)], 2);
  return out + 2;
}

size_t FieldsBound(std::span<const FieldView> fields) {
  size_t bound = 0;
  for (const FieldView& field : fields) bound += field.name.size() + field.value.size() + 4;
  return bound;
}

char* WriteResponseHead(char* out, const ResponseHeadView& view) {
  if (!view.status_block.empty()) {
    out = AppendBlock(out, view.status_block);
  } else {
    out = AppendStatusLine(out, view.status);
    out = Append(out, view.server_and_date);
  }
  out = AppendSlot(out, kContentType, view.content_type);
  out = AppendSlot(out, kContentEncoding, view.content_encoding);
  out = AppendBodyHeader(out, view.body, view.content_length);
  if (!view.fields.empty()) out = AppendFields(out, view.fields);
  if (view.close) {
    out = Append(out, kClose);
  } else if (view.keep_alive_header) {
    out = Append(out, kKeepAlive);
  }
  return Append(out, kCrLf);
}

char* WriteRequestHead(char* out, const RequestHeadView& view) {
  out = view.method.empty() ? Append(out, "GET") : AppendValue(out, view.method);
  *out++ = ' ';
  out = view.target.empty() ? Append(out, "/") : AppendValue(out, view.target);
  out = Append(out, " HTTP/1.1\r\n");
  out = AppendSlot(out, "Host: ", view.host);
  out = AppendSlot(out, "User-Agent: ", view.user_agent);
  out = AppendSlot(out, kContentType, view.content_type);
  out = AppendBodyHeader(out, view.body, view.content_length);
  if (!view.fields.empty()) out = AppendFields(out, view.fields);
  if (view.close) out = Append(out, kClose);
  return Append(out, kCrLf);
}

void StatusBlockCache::Refresh(std::string_view server, std::string_view date) {
  server = server.substr(0, kMaxServerSize);
  FASTHTTP_DCHECK(date.empty() || date.size() == kDateSize, "Date must be an IMF-fixdate");
  char* end = AppendSlot(common_, "Server: ", server);
  end = AppendSlot(end, "Date: ", date.substr(0, kDateSize));
  common_size_ = static_cast<uint16_t>(end - common_);
  for (uint16_t& size : sizes_) size = 0;
  Render(0, 200);
}

std::string_view StatusBlockCache::GetSlow(int status) {
  const int i = KeptIndex(status);
  if (i < 0) return {};
  if (sizes_[i] == 0) [[unlikely]]
    Render(static_cast<size_t>(i), status);
  return {blocks_[i], sizes_[i]};
}

void StatusBlockCache::Render(size_t i, int status) {
  char* end = AppendStatusLine(blocks_[i], status);
  end = Append(end, server_and_date());
  sizes_[i] = static_cast<uint16_t>(end - blocks_[i]);
  Append(end, kBehind);
}

}  // namespace fasthttp::http1
