// Args: the arguments of a query string or of a urlencoded form.
//
// An ordered multimap with byte strings as keys and values, exact and case-sensitive. "a" and "a="
// differ and are written back as they came: an entry may have no value at all.
//
//   absl::StatusOr<uint64_t> page = ctx.QueryArgs().GetUint("page");
//   for (std::string_view tag : args.PeekMulti("tag")) ...
//
// Syntax: application/x-www-form-urlencoded. Entries are separated by "&" only, the first "=" ends
// the key, "+" is a space, %XX is a byte. A "%" that is not followed by two hexadecimal digits is
// kept as it is. Entries with neither key nor value ("&&", "=") are dropped.
//
// Lookups are linear: a handler that looks up each of n distinct keys spends O(n^2). Parse takes a
// cap on the number of entries against hostile input; servers set one.
//
// Lifetimes: views are valid until the next call that changes the Args, and those of a request at
// most until the handler returns. Every function takes views into the object itself, and {}.
//
// Memory: Reset keeps up to 64 KiB; a reused object allocates nothing.
//
// Thread class: thread-compatible.
#ifndef FASTHTTP_ARGS_H_
#define FASTHTTP_ARGS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/base/attributes.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "fasthttp/base/errc.h"
#include "fasthttp/field_list.h"

namespace fasthttp {

class Args {
 public:
  // No cap on the number of entries.
  static constexpr size_t kNoLimit = static_cast<size_t>(-1);

  Args() = default;
  Args(Args&&) = default;
  Args& operator=(Args&&) = default;
  Args(const Args&) = delete;
  Args& operator=(const Args&) = delete;

  // Replaces the content by the entries of `text`. Returns false if there are more than
  // `max_entries` of them; the first max_entries are kept then.
  bool Parse(std::string_view text, size_t max_entries = kNoLimit);

  void Reset() { list_.Clear(); }
  void CopyTo(Args& to) const;

  size_t Len() const { return list_.size(); }
  bool empty() const { return list_.empty(); }

  // The value of the first entry with this key; {} if there is none (Has tells).
  std::string_view Peek(std::string_view key) const ABSL_ATTRIBUTE_LIFETIME_BOUND;
  // All values of this key, in order.
  absl::InlinedVector<std::string_view, 4> PeekMulti(std::string_view key) const
      ABSL_ATTRIBUTE_LIFETIME_BOUND;
  bool Has(std::string_view key) const;

  // Overwrites the first entry with this key and removes the others; appends one if there is none.
  void Set(std::string_view key, std::string_view value);
  void SetNoValue(std::string_view key);
  void SetUint(std::string_view key, uint64_t value);
  void Add(std::string_view key, std::string_view value);
  void AddNoValue(std::string_view key);
  // Removes all entries with this key; the order of the rest stays.
  void Del(std::string_view key);

  // kNoArgValue if the key is missing or its value empty, kBadNumber or kNumberOverflow if it is
  // not a number: ErrcOf(status) tells. `key` appears in the message.
  absl::StatusOr<uint64_t> GetUint(std::string_view key) const;
  absl::StatusOr<double> GetUfloat(std::string_view key) const;
  // 0 in place of an error.
  uint64_t GetUintOrZero(std::string_view key) const;
  double GetUfloatOrZero(std::string_view key) const;
  // True for 1, t, T, true, TRUE, True, y, Y, yes, YES and Yes.
  bool GetBool(std::string_view key) const;

  // Calls f(key, value) for each entry, in order. `f` must not change the Args.
  void VisitAll(absl::FunctionRef<void(std::string_view key, std::string_view value)> f) const;
  // True if entry `i` of VisitAll's order was written without "=".
  bool NoValue(size_t i) const { return list_.flags(i) != 0; }

  // Stable sort by key, then by value; `less` orders bytes, std::less by default.
  void Sort();
  void Sort(absl::FunctionRef<bool(std::string_view a, std::string_view b)> less);
  // Stable sort by key alone.
  void SortKeys(absl::FunctionRef<bool(std::string_view a, std::string_view b)> less);

  // The entries as text: unreserved bytes as they are, space as "+", all others as %XX.
  void AppendBytes(std::string& dst) const;
  std::string QueryString() const;
  std::string String() const { return QueryString(); }

 private:
  bool ParseInto(std::string_view text, size_t max_entries);

  internal::FieldList list_;
};

}  // namespace fasthttp

#endif  // FASTHTTP_ARGS_H_
