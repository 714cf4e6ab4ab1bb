// JSON from the query string and a form: GET or POST /users?page=2, with name=... as a form.
#include "fasthttp/fasthttp.h"

void Users(fasthttp::RequestCtx& ctx) {
  if (ctx.Path() != "/users") return ctx.NotFound();
  absl::StatusOr<uint64_t> page = ctx.QueryArgs().GetUint("page");  // StatusOr, never -1
  if (!page.ok()) return ctx.Error(page.status());                  // 400, client-safe text only
  std::string_view name = ctx.PostArgs().Peek("name");  // urlencoded form; valid until return
  ctx.SetContentType("application/json");
  absl::Format(&ctx, R"({"page":%d,"name":%s})", *page, fasthttp::JSONQuoted(name));
}

int main() { return fasthttp::ListenAndServe(":8080", Users).ok() ? 0 : 1; }
