#include "fasthttp/args.h"

#include <algorithm>
#include <array>
#include <functional>

#include "fasthttp/bytes.h"
#include "fasthttp/error.h"

namespace fasthttp {

using internal::FieldList;

namespace {

constexpr http1::KnownField kNoId = http1::KnownField::kNone;
constexpr uint8_t kNoValueFlag = 1;

// The bytes that a parser of arguments must look at.
constexpr std::array<bool, 256> kSpecial = [] {
  std::array<bool, 256> table = {};
  for (char c : {'&', '=', '+', '%'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// Decodes one entry from `p` on, to `out`: key, then value. Stops at "&" or `end`.
struct Entry {
  const char* next;
  char* value;
  char* end;
  bool has_value;
};

Entry DecodeEntry(const char* p, const char* end, char* out) {
  char* value = nullptr;
  while (p != end) {
    char c = *p;
    if (!kSpecial[static_cast<unsigned char>(c)]) {
      *out++ = c;
      ++p;
      continue;
    }
    if (c == '&') break;
    if (c == '=' && value == nullptr) {
      value = out;
      ++p;
      continue;
    }
    size_t size = c == '%' ? std::min<size_t>(3, static_cast<size_t>(end - p)) : 1;
    // A byte that is not escaped is decoded alone, since what follows it may be "&".
    size_t written = internal::Unquote(out, {p, size}, /*plus=*/true);
    if (written == size) written = size = 1;
    out += written;
    p += size;
  }
  return {p, value != nullptr ? value : out, out, value != nullptr};
}

}  // namespace

bool Args::Parse(std::string_view text, size_t max_entries) {
  if (list_.Owns(text)) return Parse(std::string(text), max_entries);
  list_.Clear();
  return ParseInto(text, max_entries);
}

bool Args::ParseInto(std::string_view text, size_t max_entries) {
  char* out = list_.PrepareBytes(text.size());
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    Entry entry = DecodeEntry(p, end, out);
    p = entry.next != end ? entry.next + 1 : end;
    if (entry.end == out) continue;
    if (list_.size() == max_entries) return false;
    out = list_.AddPrepared(out, static_cast<size_t>(entry.value - out), entry.value,
                            static_cast<size_t>(entry.end - entry.value),
                            entry.has_value ? uint8_t{0} : kNoValueFlag);
  }
  return true;
}

void Args::CopyTo(Args& to) const { to.list_.CopyFrom(list_); }

std::string_view Args::Peek(std::string_view key) const {
  size_t i = list_.FindExact(key);
  return i == FieldList::kNotFound ? std::string_view() : list_.value(i);
}

absl::InlinedVector<std::string_view, 4> Args::PeekMulti(std::string_view key) const {
  absl::InlinedVector<std::string_view, 4> values;
  for (size_t i = 0; i < list_.size(); ++i) {
    if (list_.name(i) == key) values.push_back(list_.value(i));
  }
  return values;
}

bool Args::Has(std::string_view key) const { return list_.FindExact(key) != FieldList::kNotFound; }

void Args::Set(std::string_view key, std::string_view value) {
  size_t first = list_.FindExact(key);
  if (first == FieldList::kNotFound) return Add(key, value);
  for (size_t i = list_.FindExact(key, first + 1); i != FieldList::kNotFound;
       i = list_.FindExact(key, i)) {
    list_.Erase(i);
  }
  list_.SetValue(first, value, FieldList::Bytes::kAsGiven);
  list_.set_flags(first, 0);
}

void Args::SetNoValue(std::string_view key) {
  Set(key, {});
  list_.set_flags(list_.FindExact(key), kNoValueFlag);
}

void Args::SetUint(std::string_view key, uint64_t value) {
  std::string text;
  AppendUint(text, value);
  Set(key, text);
}

void Args::Add(std::string_view key, std::string_view value) {
  list_.Add(kNoId, key, value, FieldList::Bytes::kAsGiven);
}

void Args::AddNoValue(std::string_view key) {
  Add(key, {});
  list_.set_flags(list_.size() - 1, kNoValueFlag);
}

void Args::Del(std::string_view key) {
  for (size_t i = list_.FindExact(key); i != FieldList::kNotFound; i = list_.FindExact(key, i)) {
    list_.Erase(i);
  }
}

absl::StatusOr<uint64_t> Args::GetUint(std::string_view key) const {
  std::string_view text = Peek(key);
  if (text.empty()) return ToStatus(Errc::kNoArgValue, key);
  uint64_t value = 0;
  Errc errc = ParseUint(text, value);
  if (errc != Errc::kOk) return ToStatus(errc, key);
  return value;
}

absl::StatusOr<double> Args::GetUfloat(std::string_view key) const {
  std::string_view text = Peek(key);
  if (text.empty()) return ToStatus(Errc::kNoArgValue, key);
  double value = 0;
  Errc errc = ParseUfloat(text, value);
  if (errc != Errc::kOk) return ToStatus(errc, key);
  return value;
}

uint64_t Args::GetUintOrZero(std::string_view key) const {
  uint64_t value = 0;
  return ParseUint(Peek(key), value) == Errc::kOk ? value : 0;
}

double Args::GetUfloatOrZero(std::string_view key) const {
  double value = 0;
  return ParseUfloat(Peek(key), value) == Errc::kOk ? value : 0;
}

bool Args::GetBool(std::string_view key) const {
  constexpr std::string_view kTrue[] = {"1", "t", "T",   "true", "TRUE", "True",
                                        "y", "Y", "yes", "YES",  "Yes"};
  std::string_view value = Peek(key);
  return std::find(std::begin(kTrue), std::end(kTrue), value) != std::end(kTrue);
}

void Args::VisitAll(absl::FunctionRef<void(std::string_view, std::string_view)> f) const {
  for (size_t i = 0; i < list_.size(); ++i) f(list_.name(i), list_.value(i));
}

void Args::Sort() { Sort(std::less<std::string_view>()); }

void Args::Sort(absl::FunctionRef<bool(std::string_view, std::string_view)> less) {
  list_.Sort([&](const FieldList::Pair& a, const FieldList::Pair& b) {
    if (less(a.name, b.name)) return true;
    return !less(b.name, a.name) && less(a.value, b.value);
  });
}

void Args::SortKeys(absl::FunctionRef<bool(std::string_view, std::string_view)> less) {
  list_.Sort(
      [&](const FieldList::Pair& a, const FieldList::Pair& b) { return less(a.name, b.name); });
}

void Args::AppendBytes(std::string& dst) const {
  for (size_t i = 0; i < list_.size(); ++i) {
    if (i != 0) dst.push_back('&');
    AppendQuotedArg(dst, list_.name(i));
    if (NoValue(i)) continue;
    dst.push_back('=');
    AppendQuotedArg(dst, list_.value(i));
  }
}

std::string Args::QueryString() const {
  std::string text;
  AppendBytes(text);
  return text;
}

}  // namespace fasthttp
