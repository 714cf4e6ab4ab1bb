// The debug page and the Content-Security-Policy that fits it; made from page.html by
// embed_page.py.
#ifndef FASTHTTP_EXPVAR_PAGE_TEXT_H_
#define FASTHTTP_EXPVAR_PAGE_TEXT_H_

#include <string_view>

namespace expvar::internal {

extern const std::string_view kPage;
extern const std::string_view kPagePolicy;

}  // namespace expvar::internal

#endif  // FASTHTTP_EXPVAR_PAGE_TEXT_H_
