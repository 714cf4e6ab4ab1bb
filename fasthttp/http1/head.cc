#include "fasthttp/http1/head.h"

#include <algorithm>
#include <atomic>

#include "fasthttp/base/check.h"
#include "fasthttp/http1/head_line.h"

namespace fasthttp::http1 {
namespace {

// Offsets in the progress are 32 bits wide; no head comes near.
constexpr size_t kMaxInput = size_t{1} << 31;

ParseFunction FunctionOf(ParserVariant variant) {
  switch (variant) {
    case ParserVariant::kScalar:
      return kParseHeadScalar;
#if defined(__x86_64__)
    case ParserVariant::kSse42:
      return __builtin_cpu_supports("sse4.2") ? kParseHeadSse42 : nullptr;
    case ParserVariant::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                     __builtin_cpu_supports("bmi2")
                 ? kParseHeadAvx2
                 : nullptr;
    case ParserVariant::kNeon:
      return nullptr;
#elif defined(__aarch64__)
    case ParserVariant::kNeon:
      return kParseHeadNeon;
    case ParserVariant::kSse42:
    case ParserVariant::kAvx2:
      return nullptr;
#else
    default:
      return nullptr;
#endif
  }
  return nullptr;
}

constexpr ParserVariant kVariants[] = {ParserVariant::kAvx2, ParserVariant::kSse42,
                                       ParserVariant::kNeon, ParserVariant::kScalar};

RawErrc ChooseAndParse(const char* base, size_t size, const HeadLimits& limits, ParseMode mode,
                       ParseProgress& progress, HeadData& head);

// Constant-initialised, so that a static initialiser elsewhere may parse. The first call replaces
// it; several threads may do so at once, with the same value.
constinit std::atomic<ParseFunction> parse_head = &ChooseAndParse;

ParseFunction Best() {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  for (ParserVariant variant : kVariants) {
    if (ParseFunction function = FunctionOf(variant); function != nullptr) return function;
  }
  return kParseHeadScalar;
}

RawErrc ChooseAndParse(const char* base, size_t size, const HeadLimits& limits, ParseMode mode,
                       ParseProgress& progress, HeadData& head) {
  const ParseFunction best = Best();
  parse_head.store(best, std::memory_order_relaxed);
  return best(base, size, limits, mode, progress, head);
}

inline Errc Parse(PaddedView in, const HeadLimits& limits, ParseMode mode, ParseProgress& progress,
                  Head& head) {
  FASTHTTP_DCHECK(in.size < kMaxInput, "a head is parsed from less than 2 GiB");
  FASTHTTP_DCHECK(in.data[in.size] == 0, "the input of the head parser must end with a NUL");
  const ParseFunction parse = parse_head.load(std::memory_order_relaxed);
  return static_cast<Errc>(parse(in.data, in.size, limits, mode, progress, head));
}

}  // namespace

const Field* Head::Find(std::string_view name) const {
  if (KnownField id = LookupKnownField(name); id != KnownField::kNone) return Find(id);
  for (const Field& field : Fields()) {
    if (field.name_size == name.size() && EqualFold(NameOf(field), name)) return &field;
  }
  return nullptr;
}

void Head::UseArena(std::span<Field> arena) {
  FASTHTTP_CHECK(arena.size() >= field_count, "the arena must hold the fields parsed so far");
  std::copy_n(fields, field_count, arena.data());
  fields = arena.data();
  field_capacity = static_cast<uint16_t>(std::min<size_t>(arena.size(), UINT16_MAX));
}

Errc ParseRequestHead(PaddedView in, const HeadLimits& limits, Leniency leniency,
                      ParseProgress& progress, Head& head) {
  return Parse(in, limits, static_cast<ParseMode>(leniency), progress, head);
}

Errc ParseResponseHead(PaddedView in, const HeadLimits& limits, Leniency leniency,
                       ParseProgress& progress, Head& head) {
  return Parse(in, limits, static_cast<ParseMode>(leniency) | kParseResponse, progress, head);
}

ParserVariant CurrentParserVariant() {
  ParseFunction function = parse_head.load(std::memory_order_relaxed);
  if (function == &ChooseAndParse) function = Best();
  for (ParserVariant variant : kVariants) {
    if (function == FunctionOf(variant)) return variant;
  }
  return ParserVariant::kScalar;
}

bool SelectParserVariant(ParserVariant variant) {
  const ParseFunction function = FunctionOf(variant);
  if (function == nullptr) return false;
  parse_head.store(function, std::memory_order_relaxed);
  return true;
}

}  // namespace fasthttp::http1
