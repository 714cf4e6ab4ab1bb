#include "fasthttp/range.h"

#include <algorithm>

#include "fasthttp/bytes.h"
#include "fasthttp/error.h"

namespace fasthttp {
namespace {

constexpr std::string_view kUnit = "bytes=";

// A number that is too large is a position behind any content.
bool ParsePosition(std::string_view text, uint64_t& position) {
  Errc errc = ParseUint(text, position);
  if (errc == Errc::kNumberOverflow) position = UINT64_MAX;
  return errc == Errc::kOk || errc == Errc::kNumberOverflow;
}

}  // namespace

Errc ParseByteRange(std::string_view value, uint64_t size, ByteRange& range) {
  if (!EqualsIgnoreCase(value.substr(0, kUnit.size()), kUnit)) return Errc::kBadNumber;
  value = TrimOws(value.substr(kUnit.size()));
  size_t dash = value.find('-');
  if (dash == std::string_view::npos) return Errc::kBadNumber;
  std::string_view first = value.substr(0, dash);
  std::string_view last = value.substr(dash + 1);
  uint64_t start = 0;
  uint64_t end = UINT64_MAX;
  if (first.empty()) {
    uint64_t suffix = 0;
    if (!ParsePosition(last, suffix)) return Errc::kBadNumber;
    if (suffix == 0 || size == 0) return Errc::kBadRange;
    range = {size - std::min(suffix, size), size - 1};
    return Errc::kOk;
  }
  if (!ParsePosition(first, start)) return Errc::kBadNumber;
  if (!last.empty() && !ParsePosition(last, end)) return Errc::kBadNumber;
  if (start > end) return Errc::kBadNumber;
  if (start >= size) return Errc::kBadRange;
  range = {start, std::min(end, size - 1)};
  return Errc::kOk;
}

absl::StatusOr<ByteRange> ParseByteRange(std::string_view value, uint64_t size) {
  ByteRange range;
  Errc errc = ParseByteRange(value, size, range);
  if (errc != Errc::kOk) return ToStatus(errc, "Range");
  return range;
}

}  // namespace fasthttp
