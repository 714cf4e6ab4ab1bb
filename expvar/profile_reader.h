// ReadProfile: what a profile.proto message says, for tests: written from the format, not from our
// writer.
//
// Thread class: a value.
#ifndef FASTHTTP_EXPVAR_PROFILE_READER_H_
#define FASTHTTP_EXPVAR_PROFILE_READER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace expvar {

struct ReadProfile {
  struct Sample {
    std::vector<std::string> functions;  // Innermost first; "" if unknown.
    std::vector<uint64_t> addresses;
    std::vector<uint64_t> values;
  };

  bool ok = true;  // The rest is meaningless if not.
  std::vector<std::string> types;
  std::vector<Sample> samples;
  std::vector<std::string> comments;
  std::string period_type, default_type;
  uint64_t period = 0, time_nanos = 0, duration_nanos = 0;

  explicit ReadProfile(std::string_view bytes) {
    std::vector<Field> fields = Fields(bytes);
    std::map<uint64_t, std::vector<Field>> locations, functions;
    for (const Field& field : fields) {
      if (field.number == 6) texts_.emplace_back(field.bytes);
      if (field.number == 4) locations[Number(Fields(field.bytes), 1)] = Fields(field.bytes);
      if (field.number == 5) functions[Number(Fields(field.bytes), 1)] = Fields(field.bytes);
    }
    if (texts_.empty() || !texts_[0].empty()) ok = false;
    for (const Field& field : fields) {
      if (field.number == 1) types.push_back(TypeOf(field.bytes));
      if (field.number == 2) AddSample(Fields(field.bytes), locations, functions);
      if (field.number == 11) period_type = TypeOf(field.bytes);
      if (field.number == 13) comments.push_back(Text(field.value));
      if (field.number == 14) default_type = Text(field.value);
    }
    time_nanos = Number(fields, 9);
    duration_nanos = Number(fields, 10);
    period = Number(fields, 12);
  }

 private:
  struct Field {
    uint64_t number;
    uint64_t value;
    std::string_view bytes;
  };

  uint64_t Varint(std::string_view& from) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (from.empty()) break;
      const auto byte = static_cast<unsigned char>(from[0]);
      from.remove_prefix(1);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    ok = false;
    return 0;
  }

  std::vector<Field> Fields(std::string_view message) {
    std::vector<Field> fields;
    while (!message.empty() && ok) {
      const uint64_t key = Varint(message);
      Field field = {key >> 3, Varint(message), {}};
      if ((key & 7) == 2) {
        if (field.value > message.size()) ok = false;
        field.bytes = message.substr(0, field.value);
        message.remove_prefix(field.bytes.size());
      } else if ((key & 7) != 0) {
        ok = false;
      }
      fields.push_back(field);
    }
    return fields;
  }

  static uint64_t Number(const std::vector<Field>& fields, uint64_t number) {
    for (const Field& field : fields) {
      if (field.number == number) return field.value;
    }
    return 0;
  }

  std::vector<uint64_t> Packed(const std::vector<Field>& fields, uint64_t number) {
    std::vector<uint64_t> values;
    for (const Field& field : fields) {
      if (field.number != number) continue;
      for (std::string_view rest = field.bytes; !rest.empty() && ok;)
        values.push_back(Varint(rest));
    }
    return values;
  }

  std::string Text(uint64_t i) {
    if (i < texts_.size()) return texts_[i];
    ok = false;
    return "";
  }

  std::string TypeOf(std::string_view message) {
    const std::vector<Field> fields = Fields(message);
    return Text(Number(fields, 1)) + "/" + Text(Number(fields, 2));
  }

  void AddSample(const std::vector<Field>& fields,
                 const std::map<uint64_t, std::vector<Field>>& locations,
                 const std::map<uint64_t, std::vector<Field>>& functions) {
    Sample sample;
    sample.values = Packed(fields, 2);
    for (uint64_t id : Packed(fields, 1)) {
      const auto location = locations.find(id);
      if (id == 0 || location == locations.end()) {
        ok = false;
        return;
      }
      sample.addresses.push_back(Number(location->second, 3));
      for (const Field& field : location->second) {
        if (field.number != 4) continue;
        const auto function = functions.find(Number(Fields(field.bytes), 1));
        if (function == functions.end()) ok = false;
        sample.functions.push_back(ok ? Text(Number(function->second, 2)) : "");
      }
    }
    samples.push_back(std::move(sample));
  }

  std::vector<std::string> texts_;
};

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_PROFILE_READER_H_
