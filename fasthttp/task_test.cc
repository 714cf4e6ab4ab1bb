#include "fasthttp/task.h"

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "fasthttp/error.h"
#include "fasthttp/fiber_local.h"
#include "fasthttp/server.h"
#include "gtest/gtest.h"
#include "testing/alloc_counter.h"
#include "testing/sim_runtime.h"
#include "testing/sim_server.h"
#include "testing/wire_client.h"

namespace fasthttp {
namespace {

using fasthttptest::SimRuntime;
using runtime::Loop;
using testing::SimServer;
using testing::WireClient;

// --- Spawn ------------------------------------------------------------------------------------

TEST(SpawnTest, RunsLaterOnTheSameLoop) {
  SimRuntime sim({.loops = 2});
  for (size_t i = 0; i < 2; ++i) {
    sim.RunOn(sim.loop(i), [&] {
      bool ran = false;
      Spawn([&, i] { ran = Loop::Current() == &sim.loop(i); });
      EXPECT_FALSE(ran);
      EXPECT_TRUE(Sleep(absl::Milliseconds(1)).ok());
      EXPECT_TRUE(ran);
    });
  }
}

TEST(SpawnTest, FromAPlainThreadItRunsOnTheDefaultRuntime) {
  Event ran;
  Spawn([&] {
    EXPECT_EQ(Runtime::Current(), &Runtime::Default());
    ran.Set();
  });
  EXPECT_TRUE(ran.Wait().ok());
}

TEST(SpawnTest, TheEndOfTheRuntimeWaitsForIt) {
  std::atomic<int> ended{0};
  {
    Runtime runtime({.threads = 2});
    for (size_t i = 0; i < 20; ++i) {
      runtime.RunOn(runtime.loop(i % 2), [&] {
        Spawn(WithoutCancel(), [&] {
          EXPECT_EQ(ErrcOf(Sleep(absl::Hours(1))), Errc::kDraining);
          Spawn([&] { ended.fetch_add(1); });
        });
      });
    }
  }
  EXPECT_EQ(ended.load(), 20);
}

TEST(SpawnTest, ALostExceptionIsTold) {
  std::vector<std::string> lost;
  {
    Runtime runtime({.threads = 1, .on_lost_exception = [&](const std::exception_ptr& e) {
                       try {
                         std::rethrow_exception(e);
                       } catch (const std::exception& what) {
                         lost.push_back(what.what());
                       }
                     }});
    runtime.Run([&] {
      Spawn([] { throw std::runtime_error("first"); });
      Spawn([] {
        (void)Sleep(absl::Milliseconds(1));
        throw std::runtime_error("second");
      });
    });
    runtime.Run([&] { (void)Sleep(absl::Milliseconds(5)); });
  }
  EXPECT_EQ(lost, (std::vector<std::string>{"first", "second"}));
}

TEST(SpawnTest, AnythingMayBeCaptured) {
  SimRuntime sim;
  int sum = 0;
  sim.Run([&] {
    auto owned = std::make_unique<int>(1);
    std::array<int, 100> large;
    large.fill(2);
    Spawn([&sum, owned = std::move(owned)] { sum += *owned; });
    Spawn([&sum, large] { sum += large[99]; });
    Spawn([&sum, large]() mutable { sum += large[0] = 4; });
  });
  sim.Settle();
  EXPECT_EQ(sum, 7);
}

TEST(SpawnTest, CostsNoAllocationInTheSteadyState) {
  if (!testing_internal::kAllocCounterAvailable) GTEST_SKIP() << "allocations are not counted";
  SimRuntime sim;
  int ran = 0;
  sim.Run([&] {
    auto some = [&] {
      testing_internal::AllocCounter counter;
      std::array<uint64_t, 8> captured = {};
      for (int i = 0; i < 100; ++i) {
        Spawn([&ran, captured] {
          if (captured[0] == 0) Yield();
          ++ran;
        });
      }
      (void)Sleep(absl::Milliseconds(1));
      return counter.count();
    };
    (void)some();
    EXPECT_EQ(some(), 0u);
  });
  EXPECT_EQ(ran, 200);
}

// --- RunOnLargeStack --------------------------------------------------------------------------

// Touches about a kilobyte a level.
[[gnu::noinline]] int Recurse(int depth) {
  volatile char frame[1000];
  frame[depth % 1000] = 1;
  return depth == 0 ? frame[0] : Recurse(depth - 1) + frame[depth % 1000];
}

TEST(LargeStackTest, HoldsWhatAHandlersStackCannot) {
  SimRuntime sim;
  sim.Run([&] {
    int depth = 0;
    EXPECT_TRUE(RunOnLargeStack([&] { depth = Recurse(6000); }).ok());
    EXPECT_EQ(depth, 6001);
  });
}

TEST(LargeStackTest, ItMayWaitAndStaysPartOfItsTask) {
  SimRuntime sim;
  FiberLocal<int> local;
  int others = 0;
  sim.Run([&] {
    *local = 5;
    for (int i = 0; i < 3; ++i) {
      Spawn([&] {
        EXPECT_TRUE(RunOnLargeStack([&] {
                      EXPECT_TRUE(Sleep(absl::Seconds(1)).ok());
                      others += Recurse(2000) == 2001;
                    }).ok());
      });
    }
    ContextScope limit = WithTimeout(absl::Seconds(3));
    EXPECT_TRUE(RunOnLargeStack([&] {
                  EXPECT_EQ(*local, 5);
                  EXPECT_TRUE(Sleep(absl::Seconds(2)).ok());
                  EXPECT_EQ(others, 3);
                  EXPECT_TRUE(RunOnLargeStack([] { Yield(); }).ok()) << "within itself";
                  EXPECT_EQ(ErrcOf(Sleep(absl::Seconds(2))), Errc::kTimeout);
                }).ok());
    EXPECT_EQ(sim.loop(0).blocked(), 0u);
  });
}

TEST(LargeStackTest, ExceptionsComeOut) {
  SimRuntime sim;
  sim.Run([&] {
    for (int i = 0; i < 3; ++i) {
      EXPECT_THROW((void)RunOnLargeStack([] {
                     Yield();
                     throw std::runtime_error("x");
                   }),
                   std::runtime_error);
    }
  });
}

TEST(LargeStackTest, StacksAreUsedAgain) {
  if (!testing_internal::kAllocCounterAvailable) GTEST_SKIP() << "allocations are not counted";
  SimRuntime sim;
  sim.Run([&] {
    (void)RunOnLargeStack([] { Yield(); });
    testing_internal::AllocCounter counter;
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(RunOnLargeStack([] { Yield(); }).ok());
    EXPECT_EQ(counter.count(), 0u);
  });
}

TEST(LargeStackTest, ABlockedOneIsEndedWithItsRuntime) {
  Errc seen = Errc::kOk;
  {
    Runtime runtime({.threads = 1});
    runtime.Run([&] {
      Spawn(Background(), [&] {
        EXPECT_TRUE(RunOnLargeStack([&] { seen = ErrcOf(Sleep(absl::Hours(1))); }).ok());
      });
    });
  }
  EXPECT_EQ(seen, Errc::kDraining);
}

// --- FiberLocal -------------------------------------------------------------------------------

FiberLocal<std::string> trace_id;
FiberLocal<int> depth;

TEST(FiberLocalTest, EachRequestAndTaskHasItsOwn) {
  std::vector<std::string> seen;
  SimServer sim({.handler =
                     [&](RequestCtx& ctx) {
                       EXPECT_EQ(*trace_id, "") << "left by another request";
                       *trace_id = std::string(ctx.Path());
                       Spawn([] { EXPECT_EQ(*trace_id, ""); });
                       (void)Sleep(absl::Seconds(1));
                       Runtime::Current()->RunOn(Runtime::Current()->loop(1), [&] {
                         seen.push_back(*trace_id);
                         *depth = 7;
                         *trace_id += "!";
                       });
                       EXPECT_EQ(*depth, 7);
                       ctx.SetBody(*trace_id);
                     }},
                {.loops = 2});
  sim.Run([&] {
    std::vector<WireClient> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(sim.Dial());
    for (int round = 0; round < 2; ++round) {
      for (size_t i = 0; i < 3; ++i) {
        (void)clients[i].Send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n");
      }
      for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(clients[i].Read().body, "/" + std::to_string(i) + "!");
      }
    }
  });
  EXPECT_EQ(seen.size(), 6u);
}

TEST(FiberLocalTest, ItGoesWithItsTaskAndThread) {
  struct Counted {
    ~Counted() { gone->fetch_add(1); }
    std::atomic<int>* gone = nullptr;
  };
  static FiberLocal<Counted> local;
  std::atomic<int> gone{0};
  SimRuntime sim;
  sim.Run([&] { Spawn([&] { local->gone = &gone; }); });
  sim.Settle();
  EXPECT_EQ(gone.load(), 1);
  std::thread([&] { local->gone = &gone; }).join();
  EXPECT_EQ(gone.load(), 2);
}

// --- On plain threads -------------------------------------------------------------------------

TEST(TaskThreadsTest, CallsAreHeldToTheThreadsContext) {
  int calls = 0;
  {
    CancelContext context = WithCancel();
    ContextScope scope(context);
    EXPECT_TRUE(TryOffload([&] { ++calls; }).ok());
    context.Cancel();
    EXPECT_EQ(ErrcOf(TryOffload([&] { ++calls; })), Errc::kCancelled);
    Offload([&] { ++calls; });
    EXPECT_TRUE(RunOnLargeStack([&] { ++calls; }).ok());
    EXPECT_EQ(ErrcOf(Sleep(absl::ZeroDuration())), Errc::kCancelled);
  }
  EXPECT_EQ(calls, 3);
  EXPECT_TRUE(Sleep(absl::Milliseconds(1)).ok());
}

}  // namespace
}  // namespace fasthttp
