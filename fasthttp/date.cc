#include "fasthttp/date.h"

#include <algorithm>

#include "fasthttp/error.h"

namespace fasthttp {
namespace {

constexpr char kDays[] = "SunMonTueWedThuFriSat";
constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr int64_t kSecondsPerDay = 86400;
constexpr int64_t kFirst = -62135596800;  // 0001-01-01 00:00:00
constexpr int64_t kLast = 253402300799;   // 9999-12-31 23:59:59

// The number of days from 1970-01-01 to a date of the Gregorian calendar. Counting years from March
// puts the leap day last, so that the month lengths are a linear formula.
constexpr int64_t DaysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}
static_assert(DaysFromCivil(1970, 1, 1) == 0);
static_assert(DaysFromCivil(2000, 3, 1) == 11017);

struct Civil {
  int64_t year;
  int month;
  int day;
};

constexpr Civil CivilFromDays(int64_t days) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted = (5 * day_of_year + 2) / 153;
  int day = static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1);
  int month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

constexpr bool IsLeap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr int DaysInMonth(int64_t year, int month) {
  constexpr int kLengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kLengths[month - 1];
}

void WriteTwo(char* out, int64_t value) {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
}

// Reads a date from left to right; after a mismatch every further step fails.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && text_.empty(); }

  void Expect(std::string_view literal) {
    if (!ok_ || text_.substr(0, literal.size()) != literal) {
      ok_ = false;
      return;
    }
    text_.remove_prefix(literal.size());
  }

  bool Skip(char c) {
    if (!ok_ || text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }

  // Exactly `digits` of them.
  int Number(size_t digits) {
    int value = 0;
    if (!ok_ || text_.size() < digits) ok_ = false;
    for (size_t i = 0; ok_ && i < digits; ++i) {
      unsigned digit = static_cast<unsigned char>(text_[i]) - unsigned{'0'};
      if (digit > 9) ok_ = false;
      value = value * 10 + static_cast<int>(digit);
    }
    if (ok_) text_.remove_prefix(digits);
    return ok_ ? value : 0;
  }

  // 1 to 12.
  int Month() {
    for (int i = 0; ok_ && i < 12; ++i) {
      if (text_.substr(0, 3) == std::string_view(kMonths + 3 * i, 3)) {
        text_.remove_prefix(3);
        return i + 1;
      }
    }
    ok_ = false;
    return 1;
  }

  std::string_view Letters() {
    size_t n = 0;
    while (ok_ && n < text_.size() && ((text_[n] | 32) >= 'a' && (text_[n] | 32) <= 'z')) ++n;
    std::string_view letters = text_.substr(0, n);
    text_.remove_prefix(n);
    return letters;
  }

  size_t DigitsAhead() const {
    size_t n = 0;
    while (n < text_.size() && text_[n] >= '0' && text_[n] <= '9') ++n;
    return n;
  }

 private:
  std::string_view text_;
  bool ok_ = true;
};

bool IsDayName(std::string_view name) {
  constexpr std::string_view kRest[] = {"day", "day", "sday", "nesday", "rsday", "day", "urday"};
  for (size_t i = 0; i < 7; ++i) {
    if (name.substr(0, 3) != std::string_view(kDays + 3 * i, 3)) continue;
    return name.size() == 3 || name.substr(3) == kRest[i];
  }
  return false;
}

bool IsZone(std::string_view zone, bool any) {
  return zone == "GMT" || zone == "UTC" || (any && !zone.empty() && zone.size() <= 5);
}

struct Clock {
  int hour, minute, second;
};

Clock ReadClock(Reader& in) {
  Clock clock;
  clock.hour = in.Number(2);
  in.Expect(":");
  clock.minute = in.Number(2);
  in.Expect(":");
  clock.second = in.Number(2);
  return clock;
}

Errc Combine(int64_t year, int month, int day, Clock clock, int64_t& unix_seconds) {
  if (year < 1 || day < 1 || day > DaysInMonth(year, month)) return Errc::kBadDate;
  // RFC 9110 allows a leap second; it becomes the first second of the next minute.
  if (clock.hour > 23 || clock.minute > 59 || clock.second > 60) return Errc::kBadDate;
  unix_seconds = DaysFromCivil(year, month, day) * kSecondsPerDay + clock.hour * 3600 +
                 clock.minute * 60 + clock.second;
  return Errc::kOk;
}

// "Sun Nov  6 08:49:37 1994", behind the day name.
Errc ParseAsctime(Reader& in, int64_t& unix_seconds) {
  in.Expect(" ");
  int month = in.Month();
  in.Expect(" ");
  int day = in.Skip(' ') ? in.Number(1) : in.Number(2);
  in.Expect(" ");
  Clock clock = ReadClock(in);
  in.Expect(" ");
  int year = in.Number(4);
  if (!in.AtEnd()) return Errc::kBadDate;
  return Combine(year, month, day, clock, unix_seconds);
}

Errc ParseAnyDate(std::string_view text, bool any_zone, int64_t& unix_seconds) {
  Reader in(text);
  if (!IsDayName(in.Letters())) return Errc::kBadDate;
  if (!in.Skip(',')) return ParseAsctime(in, unix_seconds);
  in.Expect(" ");
  int day = in.Number(2);
  std::string_view separator = in.Skip('-') ? "-" : " ";
  if (separator == " ") in.Expect(" ");
  int month = in.Month();
  in.Expect(separator);
  int64_t year;
  if (separator == "-" && in.DigitsAhead() == 2) {
    // RFC 850. As in POSIX: 69 to 99 are of the last century.
    year = in.Number(2);
    year += year >= 69 ? 1900 : 2000;
  } else {
    year = in.Number(4);
  }
  in.Expect(" ");
  Clock clock = ReadClock(in);
  in.Expect(" ");
  if (!IsZone(in.Letters(), any_zone) || !in.AtEnd()) return Errc::kBadDate;
  return Combine(year, month, day, clock, unix_seconds);
}

}  // namespace

void WriteHTTPDate(char* out, int64_t unix_seconds) {
  unix_seconds = std::clamp(unix_seconds, kFirst, kLast);
  int64_t days = unix_seconds / kSecondsPerDay;
  int64_t second = unix_seconds % kSecondsPerDay;
  if (second < 0) {
    second += kSecondsPerDay;
    --days;
  }
  Civil date = CivilFromDays(days);
  int64_t weekday = (days % 7 + 11) % 7;  // 1970-01-01 was a Thursday.
  std::copy_n(kDays + 3 * weekday, 3, out);
  std::copy_n(", ", 2, out + 3);
  WriteTwo(out + 5, date.day);
  out[7] = ' ';
  std::copy_n(kMonths + 3 * (date.month - 1), 3, out + 8);
  out[11] = ' ';
  WriteTwo(out + 12, date.year / 100);
  WriteTwo(out + 14, date.year % 100);
  out[16] = ' ';
  WriteTwo(out + 17, second / 3600);
  out[19] = ':';
  WriteTwo(out + 20, second / 60 % 60);
  out[22] = ':';
  WriteTwo(out + 23, second % 60);
  std::copy_n(" GMT", 4, out + 25);
}

void AppendHTTPDate(std::string& dst, absl::Time time) {
  char date[kHTTPDateSize];
  WriteHTTPDate(date, absl::ToUnixSeconds(time));
  dst.append(date, kHTTPDateSize);
}

Errc ParseHTTPDate(std::string_view text, int64_t& unix_seconds) {
  return ParseAnyDate(text, /*any_zone=*/false, unix_seconds);
}

absl::StatusOr<absl::Time> ParseHTTPDate(std::string_view text) {
  int64_t seconds = 0;
  Errc errc = ParseHTTPDate(text, seconds);
  if (errc != Errc::kOk) return ToStatus(errc);
  return absl::FromUnixSeconds(seconds);
}

Errc ParseCookieDate(std::string_view text, int64_t& unix_seconds) {
  return ParseAnyDate(text, /*any_zone=*/true, unix_seconds);
}

}  // namespace fasthttp
