#include "expvar/handler.h"

#include <string>
#include <utility>

#include "expvar/var.h"
#include "fasthttp/status.h"

namespace expvar {
namespace {

Int calls("expvarHandlerCalls");

}  // namespace

void ExpvarHandler(fasthttp::RequestCtx& ctx) {
  calls.Add(1);
  if (ctx.QueryArgs().Has("r")) {
    return ctx.Error("the filter \"r\" is not built in", fasthttp::kStatusBadRequest);
  }
  std::string json;
  AppendJSON(json);
  ctx.SetContentType("application/json; charset=utf-8");
  ctx.response().SetBodyOwned(std::move(json));
}

}  // namespace expvar
