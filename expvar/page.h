// PageHandler: a page that shows the program's figures live, in a browser.
//
//   if (ctx.Path() == "/debug/") return expvar::PageHandler(ctx);
//   if (ctx.Path() == "/debug/vars") return expvar::ExpvarHandler(ctx);
//
// Of each server that is published (expvar/server_var.h): requests per second, latencies,
// connections, answers by class and how busy its loops are; of the process: CPU and memory; and all
// other variables. expvar/debug.h has it together with everything that it links to.
//
// One HTML page without anything from elsewhere. Its script asks for "vars" beside it once a second
// while the page is visible, so /debug/vars must be served too. The page's Content-Security-Policy
// allows its own script and style only, and whatever comes from the server is shown as text: a
// variable's name or value cannot become markup.
//
// When not to use it: on a port that strangers reach (see expvar/handler.h).
//
// Thread class: thread-safe.
#ifndef FASTHTTP_EXPVAR_PAGE_H_
#define FASTHTTP_EXPVAR_PAGE_H_

#include "fasthttp/request_ctx.h"

namespace expvar {

void PageHandler(fasthttp::RequestCtx& ctx);

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_PAGE_H_
