// Handlers that wait for each other: who listens gets what somebody says.
//
//   curl localhost:8080/listen &           waits, up to ten seconds, and holds no thread
//   curl localhost:8080/say -d hello       one listener gets it; without any, up to 16 are kept
//   curl localhost:8080/report             at most two of these at once, in the order of arrival
#include <optional>
#include <string>

#include "fasthttp/fasthttp.h"

fasthttp::Channel<std::string> messages(16);
fasthttp::Semaphore reports(2);

void Say(fasthttp::RequestCtx& ctx) {
  if (!messages.TrySend(std::string(ctx.PostBody()))) {
    ctx.Error("nobody listens", fasthttp::kStatusServiceUnavailable);
  }
}

void Listen(fasthttp::RequestCtx& ctx) {
  std::optional<std::string> message;
  absl::StatusOr<size_t> first =
      fasthttp::Select(fasthttp::OnRecv(messages, message), fasthttp::After(absl::Seconds(10)));
  if (!first.ok()) return ctx.Error(first.status());  // The client has gone, or the server ends.
  if (!message) return ctx.SetStatusCode(fasthttp::kStatusNoContent);
  ctx.SetBodyString(*message);
}

void Report(fasthttp::RequestCtx& ctx) {
  if (absl::Status s = reports.Acquire(); !s.ok()) return ctx.Error(s);
  (void)fasthttp::Sleep(absl::Seconds(1));  // A report takes its time.
  reports.Release();
  ctx.SetBodyString("done\n");
}

void Handle(fasthttp::RequestCtx& ctx) {
  if (ctx.Path() == "/say") return Say(ctx);
  if (ctx.Path() == "/listen") return Listen(ctx);
  if (ctx.Path() == "/report") return Report(ctx);
  ctx.NotFound();
}

int main() { return fasthttp::ListenAndServe(":8080", Handle).ok() ? 0 : 1; }
