#include "expvar/handler.h"

#include <re2/re2.h>

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "expvar/var.h"
#include "fasthttp/status.h"

namespace expvar {
namespace {

Int calls("expvarHandlerCalls");
Int regexp_errors("expvarRegexpErrors");

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

RE2::Options RegexpOptions() {
  RE2::Options options(RE2::Quiet);  // Else RE2 tells stderr what the client is told.
  options.set_max_mem(kMaxRegexpMemory);
  return options;
}

void RefuseRegexp(fasthttp::RequestCtx& ctx, std::string_view why) {
  regexp_errors.Add(1);
  ctx.Error(absl::StrCat("the query argument \"r\": ", absl::string_view(why.data(), why.size())),
            fasthttp::kStatusBadRequest);
}

}  // namespace

void ExpvarHandler(fasthttp::RequestCtx& ctx) {
  calls.Add(1);
  const std::string_view pattern = ctx.QueryArgs().Peek("r");
  if (pattern.size() > kMaxRegexpSize) {
    return RefuseRegexp(ctx, absl::StrCat("more than ", kMaxRegexpSize, " bytes"));
  }
  const RE2 regexp(Piece(pattern), RegexpOptions());
  if (!regexp.ok()) return RefuseRegexp(ctx, regexp.error());
  std::string json;
  AppendJSON(json, [&](std::string_view name) { return RE2::PartialMatch(Piece(name), regexp); });
  ctx.SetContentType("application/json; charset=utf-8");
  ctx.response().SetBodyOwned(std::move(json));
}

}  // namespace expvar
