#include "expvar/profile_proto.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fasthttp/runtime/stack_trace.h"

namespace expvar {
namespace {

// Fields of profile.proto that are used here.
enum ProfileField { kSampleType = 1, kSample = 2, kLocation = 4, kFunction = 5, kStringTable = 6 };
enum ProfileScalar { kTimeNanos = 9, kDurationNanos = 10, kPeriodType = 11, kPeriod = 12 };
enum ProfileHint { kComment = 13, kDefaultSampleType = 14 };
enum ValueTypeField { kType = 1, kUnit = 2 };
enum SampleField { kLocationId = 1, kValue = 2 };
enum LocationField { kId = 1, kAddress = 3, kLine = 4 };
enum LineField { kFunctionId = 1 };
enum FunctionField { kFunctionNumber = 1, kName = 2, kSystemName = 3 };

void AppendVarint(std::string& dst, uint64_t value) {
  for (; value >= 0x80; value >>= 7) dst += static_cast<char>(value | 0x80);
  dst += static_cast<char>(value);
}

void AppendNumber(std::string& dst, int field, uint64_t value) {
  AppendVarint(dst, static_cast<uint64_t>(field) << 3);
  AppendVarint(dst, value);
}

// A text, a message or packed numbers.
void AppendBytes(std::string& dst, int field, std::string_view bytes) {
  AppendVarint(dst, static_cast<uint64_t>(field) << 3 | 2);
  AppendVarint(dst, bytes.size());
  dst += bytes;
}

template <typename Numbers>
std::string Packed(const Numbers& numbers) {
  std::string packed;
  for (uint64_t number : numbers) AppendVarint(packed, number);
  return packed;
}

// Numbers things from 1 in the order in which they are first asked for.
template <typename Key>
class Numbering {
 public:
  uint64_t Of(const Key& key) {
    return numbers_.try_emplace(key, numbers_.size() + 1).first->second;
  }
  const std::map<Key, uint64_t>& all() const { return numbers_; }

 private:
  std::map<Key, uint64_t> numbers_;
};

class Encoder {
 public:
  explicit Encoder(std::string& dst) : dst_(dst) { AppendBytes(dst_, kStringTable, ""); }

  void SampleType(std::string_view type, std::string_view unit) {
    AppendBytes(dst_, kSampleType, ValueType(type, unit));
  }
  void DefaultSampleType(std::string_view type) {
    AppendNumber(dst_, kDefaultSampleType, Text(type));
  }
  void Period(std::string_view type, std::string_view unit, uint64_t period) {
    AppendBytes(dst_, kPeriodType, ValueType(type, unit));
    AppendNumber(dst_, kPeriod, period);
  }
  void Number(ProfileScalar field, int64_t value) {
    AppendNumber(dst_, field, static_cast<uint64_t>(value));
  }
  void Comment(std::string_view text) { AppendNumber(dst_, kComment, Text(text)); }

  // A value for each sample type.
  void Sample(const std::vector<const void*>& stack, std::initializer_list<uint64_t> values) {
    std::vector<uint64_t> ids;
    for (const void* address : stack) ids.push_back(locations_.Of(address));
    std::string sample;
    AppendBytes(sample, kLocationId, Packed(ids));
    AppendBytes(sample, kValue, Packed(values));
    AppendBytes(dst_, kSample, sample);
  }

  // What the samples refer to.
  void Finish() {
    for (const auto& [address, id] : locations_.all()) AppendLocation(address, id);
    for (const auto& [name, id] : functions_.all()) {
      std::string function;
      AppendNumber(function, kFunctionNumber, id);
      AppendNumber(function, kName, Text(name));
      AppendNumber(function, kSystemName, Text(name));
      AppendBytes(dst_, kFunction, function);
    }
  }

 private:
  // The number of a text in the table; new ones are appended at once.
  uint64_t Text(std::string_view text) {
    const size_t before = texts_.all().size();
    const uint64_t number = texts_.Of(std::string(text));
    if (texts_.all().size() != before) AppendBytes(dst_, kStringTable, text);
    return number;
  }

  std::string ValueType(std::string_view type, std::string_view unit) {
    std::string message;
    AppendNumber(message, kType, Text(type));
    AppendNumber(message, kUnit, Text(unit));
    return message;
  }

  void AppendLocation(const void* address, uint64_t id) {
    std::string line;
    AppendNumber(line, kFunctionId, functions_.Of(fasthttp::runtime::NameOf(address)));
    std::string location;
    AppendNumber(location, kId, id);
    AppendNumber(location, kAddress, reinterpret_cast<uintptr_t>(address));
    AppendBytes(location, kLine, line);
    AppendBytes(dst_, kLocation, location);
  }

  std::string& dst_;
  Numbering<std::string> texts_;
  Numbering<const void*> locations_;
  Numbering<std::string> functions_;
};

// Estimates; what was added and taken away again may be a little below nothing.
uint64_t Rounded(double estimate) {
  return static_cast<uint64_t>(std::llround(std::max(estimate, 0.0)));
}

}  // namespace

void AppendProfileProto(std::string& dst, const CpuProfile& profile) {
  Encoder encoder(dst);
  encoder.SampleType("samples", "count");
  encoder.SampleType("cpu", "nanoseconds");
  for (const auto& [stack, count] : profile.stacks) {
    encoder.Sample(stack, {count, count * CpuProfile::kPeriodNanos});
  }
  encoder.Finish();
  encoder.Number(kTimeNanos, profile.start_nanos);
  encoder.Number(kDurationNanos, profile.duration_nanos);
  encoder.Period("cpu", "nanoseconds", CpuProfile::kPeriodNanos);
}

void AppendProfileProto(std::string& dst, const HeapProfile& profile, HeapView view) {
  Encoder encoder(dst);
  encoder.SampleType("alloc_objects", "count");
  encoder.SampleType("alloc_space", "bytes");
  encoder.SampleType("inuse_objects", "count");
  encoder.SampleType("inuse_space", "bytes");
  encoder.DefaultSampleType(view == HeapView::kLive ? "inuse_space" : "alloc_space");
  for (const HeapProfile::Site& site : profile.sites) {
    encoder.Sample(site.stack, {Rounded(site.allocated.objects), Rounded(site.allocated.bytes),
                                Rounded(site.live.objects), Rounded(site.live.bytes)});
  }
  encoder.Finish();
  encoder.Number(kTimeNanos, profile.time_nanos);
  encoder.Period("space", "bytes", profile.period);
  if (profile.dropped != 0) {
    encoder.Comment(absl::StrCat(profile.dropped, " samples were dropped: no room"));
  }
}

}  // namespace expvar
