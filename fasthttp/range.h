// Range requests: the Range field (RFC 9110, section 14.2).
//
// One range is supported. A field with several, or one that is malformed or in another unit, is to
// be ignored (the whole content is sent), which RFC 9110 allows; a range that lies outside of the
// content is to be answered with 416.
//
// Thread class: pure functions, thread-safe.
#ifndef FASTHTTP_RANGE_H_
#define FASTHTTP_RANGE_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "fasthttp/base/errc.h"

namespace fasthttp {

// Bytes start to end, both inclusive: what ResponseHeader::SetContentRange takes.
struct ByteRange {
  uint64_t start = 0;
  uint64_t end = 0;
};

// Reads `value` ("bytes=0-499", "bytes=500-", "bytes=-100") against content of `size` bytes. An end
// behind the content is cut to its last byte, a suffix longer than the content is all of it.
//   kOk         `range` lies within the content.
//   kBadRange   unsatisfiable: answer 416 with "Content-Range: bytes */size".
//   kBadNumber  malformed, several ranges or another unit: ignore the field.
Errc ParseByteRange(std::string_view value, uint64_t size, ByteRange& range);
absl::StatusOr<ByteRange> ParseByteRange(std::string_view value, uint64_t size);

}  // namespace fasthttp

#endif  // FASTHTTP_RANGE_H_
