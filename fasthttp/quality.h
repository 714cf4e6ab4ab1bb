// Weights of Accept, Accept-Encoding, Accept-Language and their kin, and the choice of what to send
// (RFC 9110, sections 12.4.2 and 12.5).
//
//   constexpr std::string_view kTypes[] = {"application/json", "text/html"};
//   std::string_view type = NegotiateType(header.Peek(kHeaderAccept), kTypes);
//   if (type.empty()) return ctx.Error("not acceptable", kStatusNotAcceptable);
//
// Only lists that are read here count: a field that a client sent several times has to be joined
// with "," first (RFC 9110, section 5.3). A response that was chosen this way carries Vary, or a
// cache serves it to the wrong client.
//
// Malformed members (no token, a weight that is none) count as not listed. The time is that of
// offers times members.
//
// Thread class: pure functions, thread-safe.
#ifndef FASTHTTP_QUALITY_H_
#define FASTHTTP_QUALITY_H_

#include <span>
#include <string_view>

namespace fasthttp {

// The weight, in thousandths from 0 (refused) to 1000, that the field value `list` gives to
// `token`; that of "*" if the token itself is not listed; -1 if neither is. Tokens fold ASCII case.
int QualityOf(std::string_view list, std::string_view token);

// The following give the member of `offers` with the highest weight, of equal ones the first, so
// put what the server prefers first. The result is a view of the offer; {} if none is acceptable.

// For Accept, section 12.5.1. The most specific range that matches an offer gives its weight:
// "text/html;level=1" before "text/html" before "text/*" before "*/*". Offers are media types,
// whose parameters count. {} as `list` accepts everything.
std::string_view NegotiateType(std::string_view list, std::span<const std::string_view> offers);

// For Accept-Encoding, section 12.5.3. "identity" needs not be offered: it is the answer if no
// offer is listed, or if it has a higher weight itself; {} if it is refused too. {} as `list` gives
// "identity".
std::string_view NegotiateEncoding(std::string_view list, std::span<const std::string_view> offers);

// For Accept-Language, section 12.5.4, by basic filtering (RFC 4647, section 3.3.1): "en" matches
// the offer "en-GB", not the other way round. {} as `list` accepts everything.
std::string_view NegotiateLanguage(std::string_view list, std::span<const std::string_view> offers);

}  // namespace fasthttp

#endif  // FASTHTTP_QUALITY_H_
