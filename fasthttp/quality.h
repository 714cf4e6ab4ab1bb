// Weights of Accept, Accept-Encoding, Accept-Language and their kin (RFC 9110, section 12.4.2).
//
// Thread class: pure functions, thread-safe.
#ifndef FASTHTTP_QUALITY_H_
#define FASTHTTP_QUALITY_H_

#include <string_view>

namespace fasthttp {

// The weight, in thousandths from 0 (refused) to 1000, that the field value `list` gives to
// `token`; that of "*" if the token itself is not listed; -1 if neither is. Tokens fold ASCII case.
// An element with a malformed weight counts as not listed.
int QualityOf(std::string_view list, std::string_view token);

}  // namespace fasthttp

#endif  // FASTHTTP_QUALITY_H_
