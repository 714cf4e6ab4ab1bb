#include "expvar/profile_proto.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fasthttp/runtime/stack_trace.h"

namespace expvar {
namespace {

// Fields of profile.proto that are used here.
enum ProfileField { kSampleType = 1, kSample = 2, kLocation = 4, kFunction = 5, kStringTable = 6 };
enum ProfileScalar { kTimeNanos = 9, kDurationNanos = 10, kPeriodType = 11, kPeriod = 12 };
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

std::string Packed(const std::vector<uint64_t>& numbers) {
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

  void Encode(const CpuProfile& profile) {
    AppendBytes(dst_, kSampleType, ValueType("samples", "count"));
    AppendBytes(dst_, kSampleType, ValueType("cpu", "nanoseconds"));
    for (const auto& [stack, count] : profile.stacks) AppendSample(stack, count);
    for (const auto& [address, id] : locations_.all()) AppendLocation(address, id);
    for (const auto& [name, id] : functions_.all()) {
      std::string function;
      AppendNumber(function, kFunctionNumber, id);
      AppendNumber(function, kName, Text(name));
      AppendNumber(function, kSystemName, Text(name));
      AppendBytes(dst_, kFunction, function);
    }
    AppendNumber(dst_, kTimeNanos, static_cast<uint64_t>(profile.start_nanos));
    AppendNumber(dst_, kDurationNanos, static_cast<uint64_t>(profile.duration_nanos));
    AppendBytes(dst_, kPeriodType, ValueType("cpu", "nanoseconds"));
    AppendNumber(dst_, kPeriod, CpuProfile::kPeriodNanos);
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

  void AppendSample(const std::vector<const void*>& stack, uint64_t count) {
    std::vector<uint64_t> ids;
    for (const void* address : stack) ids.push_back(locations_.Of(address));
    std::string sample;
    AppendBytes(sample, kLocationId, Packed(ids));
    AppendBytes(sample, kValue, Packed({count, count * CpuProfile::kPeriodNanos}));
    AppendBytes(dst_, kSample, sample);
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

}  // namespace

void AppendProfileProto(std::string& dst, const CpuProfile& profile) {
  Encoder(dst).Encode(profile);
}

}  // namespace expvar
