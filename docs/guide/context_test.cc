// The code blocks of context.md.
#include <sys/stat.h>

#include <atomic>
#include <string>
#include <vector>

#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "testing/test_server.h"

namespace {

using fasthttptest::SimRuntime;

absl::StatusOr<int> CountLarge(const std::vector<std::string>& files) {
  int large = 0;  // Members of one loop share it without a lock.
  fasthttp::TaskGroup group;
  group.SetLimit(4);
  for (const std::string& file : files) {
    group.Go([&] {
      struct stat info = {};
      int failed = 0;
      fasthttp::Offload([&] { failed = ::stat(file.c_str(), &info); });
      if (failed != 0) return absl::NotFoundError(file);
      large += info.st_size > 1'000'000;
      return absl::OkStatus();
    });
  }
  if (absl::Status s = group.Wait(); !s.ok()) return s;
  return large;
}

TEST(ContextGuide, AGroupWithALimit) {
  SimRuntime sim;
  sim.Run([] {
    const std::string self = "/proc/self/exe";
    EXPECT_EQ(*CountLarge({self, "/proc/version", self, self, "/", self}), 4);
    EXPECT_EQ(CountLarge({self, "/no/such/file"}).status(), absl::NotFoundError("/no/such/file"));
  });
}

struct Ledger {
  void Begin() { log += "begin "; }
  absl::Status Commit() { return Step("commit"); }
  absl::Status Rollback() { return Step("rollback"); }
  absl::Status Step(std::string_view what) {
    if (absl::Status s = fasthttp::Sleep(absl::Milliseconds(10)); !s.ok()) return s;
    log += what;
    return absl::OkStatus();
  }
  std::string log;
};

absl::Status Transfer(Ledger& ledger) {
  ledger.Begin();
  absl::Status s = fasthttp::Sleep(absl::Seconds(5));  // Or any other call that waits.
  if (s.ok()) return ledger.Commit();
  fasthttp::ContextScope on = fasthttp::WithoutCancel();
  fasthttp::ContextScope limit = fasthttp::WithTimeout(absl::Seconds(1));
  (void)ledger.Rollback();
  return s;
}

TEST(ContextGuide, Cleanup) {
  SimRuntime sim;
  sim.Run([] {
    Ledger whole;
    EXPECT_TRUE(Transfer(whole).ok());
    EXPECT_EQ(whole.log, "begin commit");
    Ledger cut;
    fasthttp::ContextScope limit = fasthttp::WithTimeout(absl::Seconds(1));
    EXPECT_EQ(fasthttp::ErrcOf(Transfer(cut)), fasthttp::Errc::kTimeout);
    EXPECT_EQ(cut.log, "begin rollback");
  });
}

inline constexpr fasthttp::ContextKey<std::string> kTraceId;

std::string TraceId() {
  fasthttp::Context context = fasthttp::CurrentContext();
  const std::string* id = context.Value(kTraceId);
  return id == nullptr ? "none" : *id;
}

void Traced(fasthttp::RequestCtx& ctx) {
  std::string id(ctx.request().header().Peek("X-Trace"));
  fasthttp::ContextScope traced = fasthttp::WithValue(kTraceId, id);
  std::string seen;
  fasthttp::TaskGroup group;
  group.Go([&] { seen = TraceId(); });
  if (absl::Status s = group.Wait(); !s.ok()) return ctx.Error(s);
  ctx.SetBodyString(seen);
}

TEST(ContextGuide, Values) {
  fasthttptest::TestServer server(Traced);
  absl::StatusOr<fasthttp::Response> r =
      server.Do("GET / HTTP/1.1\r\nHost: h\r\nX-Trace: 4711\r\n\r\n");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "4711");
  EXPECT_EQ(TraceId(), "none");
}

absl::Status SearchShard(int shard) {
  return fasthttp::Sleep(shard == 5 ? absl::Seconds(1) : absl::Hours(1));
}

int SearchAll(fasthttp::Runtime& runtime) {
  std::atomic<int> found{-1};
  fasthttp::CancelContext search = fasthttp::WithCancel();
  fasthttp::ContextScope scope = search;
  fasthttp::TaskGroup group(runtime);
  for (int shard = 0; shard < 8; ++shard) {
    group.Go([&, shard] {
      if (!SearchShard(shard).ok()) return;  // Nothing there, or cancelled.
      found = shard;
      search.Cancel();  // The others need not go on.
    });
  }
  (void)group.Wait();
  return found;
}

TEST(ContextGuide, EndingItYourself) {
  SimRuntime sim({.loops = 2});
  const absl::Time start = sim.Now();
  EXPECT_EQ(SearchAll(sim), 5);
  EXPECT_LT(sim.Now() - start, absl::Seconds(2));
}

}  // namespace
