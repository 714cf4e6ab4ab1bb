// The quick test for hosts as nearly all requests name them. For framing.h and its test.
#ifndef FASTHTTP_HTTP1_HOST_H_
#define FASTHTTP_HTTP1_HOST_H_

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fasthttp::http1 {

// True if `host` is a name of letters, digits, '-' and '.' or an IPv4 address, of at most 32 bytes,
// with a port of up to four digits if there is one: a subset of what IsValidHost accepts. Always
// false where there are no vectors. 32 bytes must be readable at `host`.
#if defined(__SSE2__)

// The same for 17 to 32 bytes.
bool IsPlainLongHost(const char* host, size_t size);

namespace internal {

// True where first <= byte < first + count: an unsigned comparison by way of a signed one.
inline __m128i InRange(__m128i bytes, char first, char count) {
  const __m128i shifted = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(0x80 - first)));
  return _mm_cmplt_epi8(shifted, _mm_set1_epi8(static_cast<char>(0x80 + count)));
}

// Which of 16 bytes are letters, digits, '-' or '.'.
inline uint32_t NameBytes(__m128i bytes) {
  const __m128i letter = InRange(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 26);
  const __m128i mark = InRange(bytes, '-', '9' - '-' + 1);
  const __m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('/'));
  return static_cast<uint32_t>(
      _mm_movemask_epi8(_mm_andnot_si128(slash, _mm_or_si128(letter, mark))));
}

inline uint32_t DigitBytes(__m128i bytes) {
  return static_cast<uint32_t>(_mm_movemask_epi8(InRange(bytes, '0', 10)));
}

// The first byte that is no name byte must be the colon, and up to four digits must follow.
inline bool EndsInPort(const char* host, size_t size, uint32_t odd, uint32_t not_digits) {
  const uint32_t colon = static_cast<uint32_t>(__builtin_ctz(odd));
  return colon > 0 && host[colon] == ':' && size - colon <= 5 && not_digits >> colon == 1;
}

}  // namespace internal

inline bool IsPlainHost(const char* host, size_t size) {
  if (size - 1 >= 16) return IsPlainLongHost(host, size);
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(host));
  const uint32_t used = (uint32_t{1} << size) - 1;
  const uint32_t odd = ~internal::NameBytes(bytes) & used;
  return odd == 0 || internal::EndsInPort(host, size, odd, used & ~internal::DigitBytes(bytes));
}

#else

inline bool IsPlainHost(const char*, size_t) { return false; }

#endif

}  // namespace fasthttp::http1

#endif  // FASTHTTP_HTTP1_HOST_H_
