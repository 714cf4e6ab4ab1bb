// Dates of HTTP: IMF-fixdate and its two obsolete forms (RFC 9110, section 5.6.7).
//
// Seconds are the unit: a fraction is cut off when written. Years 1 to 9999.
//
// Thread class: pure functions, thread-safe.
#ifndef FASTHTTP_DATE_H_
#define FASTHTTP_DATE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fasthttp/base/errc.h"

namespace fasthttp {

// The length of an IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT".
inline constexpr size_t kHTTPDateSize = 29;

// Writes kHTTPDateSize bytes, without a terminator. A time outside the years 1 to 9999 is written
// as the nearest one inside.
void WriteHTTPDate(char* out, int64_t unix_seconds);

// Appends `time` in the form above.
void AppendHTTPDate(std::string& dst, absl::Time time);

// Reads an IMF-fixdate, or, more slowly, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06-Nov-1994
// 08:49:37 GMT" and "Sun Nov  6 08:49:37 1994". The calendar is checked (no 31 April, no 29
// February in a common year); a day name that does not fit the date is not. A zone other than GMT
// or UTC is kBadDate, as is everything else.
Errc ParseHTTPDate(std::string_view text, int64_t& unix_seconds);
absl::StatusOr<absl::Time> ParseHTTPDate(std::string_view text);

// The same for the Expires of a cookie, where any zone name of up to five letters is taken as UTC:
// servers send "MST" and mean GMT, and RFC 6265, section 5.1.1, ignores the zone.
Errc ParseCookieDate(std::string_view text, int64_t& unix_seconds);

}  // namespace fasthttp

#endif  // FASTHTTP_DATE_H_
