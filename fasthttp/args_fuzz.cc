// Any bytes as arguments: what was parsed is written as text that parses to the same entries, and
// an object that changes agrees with one that was made so.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fasthttp/args.h"
#include "fasthttp/base/check.h"

namespace fasthttp {
namespace {

struct Entry {
  std::string key;
  std::string value;
  bool no_value = false;
  bool operator==(const Entry&) const = default;
};

std::vector<Entry> EntriesOf(const Args& args) {
  std::vector<Entry> entries;
  args.VisitAll([&](std::string_view key, std::string_view value) {
    entries.push_back({std::string(key), std::string(value), args.NoValue(entries.size())});
  });
  return entries;
}

void CheckRoundTrip(const Args& args) {
  std::string text;
  args.AppendBytes(text);
  for (char c : text) FASTHTTP_CHECK(c > ' ' && c < 0x7f, "arguments are written as plain ASCII");
  Args again;
  FASTHTTP_CHECK(again.Parse(text), "there is no cap");
  FASTHTTP_CHECK(EntriesOf(again) == EntriesOf(args), "the entries survive");
}

}  // namespace
}  // namespace fasthttp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fasthttp;  // NOLINT: the whole file is about it.
  const std::string input(reinterpret_cast<const char*>(data), size);
  Args args;
  FASTHTTP_CHECK(args.Parse(input), "there is no cap");
  CheckRoundTrip(args);

  const std::vector<Entry> entries = EntriesOf(args);
  Args capped;
  const bool all = capped.Parse(input, 2);
  FASTHTTP_CHECK(all == (entries.size() <= 2), "the cap tells whether it cut");
  FASTHTTP_CHECK(capped.Len() == (all ? entries.size() : 2), "the first ones are kept");
  if (entries.empty()) return 0;

  // A key that is taken from the object itself.
  const Entry& first = entries.front();
  FASTHTTP_CHECK(args.Peek(first.key) == first.value, "the first value is found");
  args.Set(args.Peek(entries.back().key), "v");
  args.Del(args.PeekMulti(first.key).empty() ? std::string_view() : std::string_view(first.key));
  FASTHTTP_CHECK(!args.Has(first.key) || first.key.empty(), "a deleted key is gone");
  args.Sort();
  Args copy;
  args.CopyTo(copy);
  FASTHTTP_CHECK(EntriesOf(copy) == EntriesOf(args), "a copy is equal");
  return 0;
}
