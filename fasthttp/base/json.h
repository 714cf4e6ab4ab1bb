// JSON strings (RFC 8259, section 7), for whatever writes JSON below or beside HTTP.
//
// Thread class: pure functions, thread-safe.
#ifndef FASTHTTP_BASE_JSON_H_
#define FASTHTTP_BASE_JSON_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace fasthttp::base {

// Gives `sink` the pieces of `text` as a JSON string with its quotes. Bytes that are not UTF-8
// become U+FFFD, so the output is always valid JSON; "<", ">" and "&" are escaped, so it may stand
// inside an HTML script element.
void WriteJSONQuoted(std::string_view text, absl::FunctionRef<void(std::string_view piece)> sink);

void AppendJSONQuoted(std::string& dst, std::string_view text);

// The length of the UTF-8 sequence at the start of `text`, which is not empty; 0 if it is malformed
// (RFC 3629).
size_t Utf8Length(std::string_view text);

}  // namespace fasthttp::base

#endif  // FASTHTTP_BASE_JSON_H_
