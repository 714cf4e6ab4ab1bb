#include "expvar/page.h"

#include "expvar/page_text.h"

namespace expvar {

void PageHandler(fasthttp::RequestCtx& ctx) {
  fasthttp::ResponseHeader& header = ctx.response().header();
  header.Set("Content-Security-Policy", internal::kPagePolicy);
  header.Set("X-Content-Type-Options", "nosniff");
  header.Set("Referrer-Policy", "no-referrer");
  header.Set("Cache-Control", "no-cache");
  ctx.SetContentType("text/html; charset=utf-8");
  ctx.response().SetBodyRaw(internal::kPage);
}

}  // namespace expvar
