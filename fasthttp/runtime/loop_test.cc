#include "fasthttp/runtime/loop.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fasthttp/base/chaos.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/stack_pool.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttp::runtime {
namespace {

using fasthttptest::SimRuntime;
using testing::ElementsAre;
using testing::ElementsAreArray;

#if defined(__SANITIZE_THREAD__)
constexpr int kManyTasks = 2'000;
constexpr bool kSanitized = true;
#elif defined(__SANITIZE_ADDRESS__)
constexpr int kManyTasks = 10'000;
constexpr bool kSanitized = true;
#else
constexpr int kManyTasks = 10'000;
constexpr bool kSanitized = false;
#endif

// Names the stack that runs: a slab's stacks are at least 256 KiB apart.
uintptr_t StackId() { return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) >> 17; }

// A loop whose events and clock the test writes down.
class ScriptPoller final : public Poller {
 public:
  int Poll(std::span<PollEvent> events, int64_t timeout_ns) override {
    last_timeout = timeout_ns;
    if (batches.empty()) return 0;
    std::vector<PollEvent> batch = std::move(batches.front());
    batches.erase(batches.begin());
    std::copy(batch.begin(), batch.end(), events.begin());
    return static_cast<int>(batch.size());
  }
  void Wake() override {}
  Errc Add(int, uint32_t, uint32_t) override { return Errc::kOk; }
  void Remove(int) override {}
  int64_t Now() override { return now; }
  bool simulated() const override { return true; }

  std::vector<std::vector<PollEvent>> batches;
  int64_t now = kSecond;
  int64_t last_timeout = -1;
};

class ScriptLoop {
 public:
  ScriptLoop() : poller(*new ScriptPoller), loop(std::unique_ptr<Poller>(&poller), {}, 0) {}
  ~ScriptLoop() {
    loop.Stop();
    while (loop.StepOnce()) {
    }
  }
  void Steps(int n) {
    for (int i = 0; i < n; ++i) loop.StepOnce();
  }
  ScriptPoller& poller;
  Loop loop;
};

// Calls a function as user code for each event, as a server does.
class HandlerSink final : public EventSink {
 public:
  HandlerSink(Loop& loop, std::function<void(Endpoint&)> handler)
      : loop_(loop), handler_(std::move(handler)) {}
  void OnReady(Endpoint& endpoint, uint8_t) override {
    FunctionTask task([](Loop&) {});
    loop_.BeginUser(task);
    handler_(endpoint);
    loop_.EndUser();
  }
  void OnTimer(Endpoint& endpoint) override { timers.push_back(endpoint.slot); }
  std::vector<uint32_t> timers;

 private:
  Loop& loop_;
  std::function<void(Endpoint&)> handler_;
};

class LoopTest : public testing::Test {
 protected:
  void Spawn(std::function<void(Loop&)> function) {
    sim.Run([&] { tasks.Spawn(loop, std::move(function)); });
  }
  void Finish() {
    EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
  }

  TaskList tasks;
  SimRuntime sim;
  Loop& loop = sim.loop(0);
};

// --- Switches ---------------------------------------------------------------------------------

TEST_F(LoopTest, TasksThatDoNotBlockCostNoSwitch) {
  int ran = 0;
  for (int i = 0; i < 5'000; ++i) Spawn([&](Loop&) { ++ran; });
  Finish();
  EXPECT_EQ(ran, 5'000);
  EXPECT_EQ(loop.stats().switches, 0u);
  EXPECT_EQ(loop.stats().fibers_created, 1u);
}

TEST_F(LoopTest, OneBlockedTaskIsTwoSwitchesAndOneMoreFiber) {
  sim.Settle();
  const LoopStats before = loop.stats();
  Spawn([](Loop& here) { EXPECT_EQ(SleepFor(here, kSecond), Errc::kOk); });
  int others = 0;
  for (int i = 0; i < 100; ++i) Spawn([&](Loop&) { ++others; });
  sim.Settle();
  EXPECT_EQ(others, 100);
  EXPECT_EQ(loop.blocked(), 1u);
  EXPECT_EQ(loop.stats().switches - before.switches, 1u);
  sim.Advance(absl::Seconds(1));
  EXPECT_TRUE(tasks.AllDone());
  for (int i = 0; i < 100; ++i) Spawn([&](Loop&) { ++others; });
  Finish();
  EXPECT_EQ(loop.stats().switches - before.switches, 2u);
  EXPECT_EQ(loop.stats().fibers_created - before.fibers_created, 1u);
  EXPECT_EQ(loop.stats().blocks - before.blocks, 1u);
  EXPECT_EQ(loop.blocked(), 0u);
}

TEST_F(LoopTest, AYieldLetsTheOthersGoFirst) {
  if (base::chaos_enabled) GTEST_SKIP() << "chaos resumes in any order";
  std::string trace;
  sim.Run([&] {
    for (char name : {'a', 'b'}) {
      tasks.Spawn(loop, [&trace, name](Loop& here) {
        for (int i = 0; i < 3; ++i) {
          trace += name;
          here.Yield();
        }
      });
    }
  });
  Finish();
  EXPECT_EQ(trace, "ababab");
}

// --- Order ------------------------------------------------------------------------------------

TEST_F(LoopTest, ReadyFibersResumeInTheOrderTheyWereFired) {
  if (base::chaos_enabled) GTEST_SKIP() << "chaos resumes in any order";
  std::vector<WakeToken> tokens(6);
  std::vector<int> order;
  for (int i = 0; i < 6; ++i) {
    Spawn([&, i](Loop& here) {
      Wait wait;
      here.Prepare(wait);
      tokens[static_cast<size_t>(i)] = here.TokenOf(wait);
      EXPECT_EQ(here.Block(wait, kNoDeadline), Errc::kOk);
      order.push_back(i);
    });
  }
  sim.Settle();
  for (size_t i : {3, 1, 5, 0, 4, 2}) Loop::PostWake(tokens[i], Errc::kOk);
  sim.Settle();
  EXPECT_THAT(order, ElementsAre(3, 1, 5, 0, 4, 2));
}

TEST_F(LoopTest, ParkedFibersLeadLastInFirstOut) {
  if (base::chaos_enabled) GTEST_SKIP() << "chaos resumes in any order";
  std::vector<uintptr_t> first;
  std::vector<uintptr_t> then;
  auto block_and_note = [](std::vector<uintptr_t>& into) {
    return [&into](Loop& here) {
      into.push_back(StackId());
      EXPECT_EQ(SleepFor(here, kSecond), Errc::kOk);
    };
  };
  // Each of three blocks on its stack, and a fourth one shows who leads then.
  for (int i = 0; i < 3; ++i) Spawn(block_and_note(first));
  Spawn([&](Loop&) { first.push_back(StackId()); });
  sim.Settle();
  ASSERT_EQ(first.size(), 4u);
  // They resume in order; each leader parks before it resumes the next.
  sim.Advance(absl::Seconds(1));
  for (int i = 0; i < 3; ++i) Spawn(block_and_note(then));
  Spawn([&](Loop&) { then.push_back(StackId()); });
  sim.Settle();
  EXPECT_THAT(then, ElementsAre(first[2], first[1], first[0], first[3]));
  Finish();
}

TEST(LoopScriptTest, ResumedFiberBecomesLeaderMidBatch) {
  ScriptLoop script;
  Loop& loop = script.loop;
  std::vector<uint32_t> order;
  std::map<uint32_t, uintptr_t> stack_of;
  std::string returned;
  Wait* blocked_at_3 = nullptr;
  HandlerSink sink(loop, [&](Endpoint& endpoint) {
    const uint32_t event = endpoint.slot;
    order.push_back(event);
    stack_of[event] = StackId();
    if (event == 3 || event == 14) {
      Wait wait;
      loop.Prepare(wait);
      if (event == 3) blocked_at_3 = &wait;
      EXPECT_EQ(loop.Block(wait, event == 3 ? kNoDeadline : loop.now() + kSecond),
                event == 3 ? Errc::kOk : Errc::kTimeout);
      returned += event == 3 ? "3" : "14";
    }
    if (event == 5) {
      loop.Fire(*blocked_at_3, Errc::kOk);
      // Though a fiber is ready: so that the next round begins with a full batch.
      loop.PollNextRound();
    }
  });
  std::vector<PollEvent> events;
  for (int i = 0; i < 20; ++i) {
    Endpoint* endpoint = loop.Open(nullptr, &sink);
    events.push_back({endpoint->slot, endpoint->generation, kReadable});
  }
  script.poller.batches = {{events.begin(), events.begin() + 10},
                           {events.begin() + 10, events.end()}};
  script.Steps(40);
  // All events once and in order, though the stack changed twice in mid-batch.
  std::vector<uint32_t> all(20);
  for (uint32_t i = 0; i < 20; ++i) all[i] = i;
  EXPECT_THAT(order, ElementsAreArray(all));
  EXPECT_EQ(returned, "3");
  EXPECT_NE(stack_of[4], stack_of[3]);
  EXPECT_EQ(stack_of[14], stack_of[4]);
  // 14 blocked and jumped to 3, whose handler ended: its stack took up the batch at 15.
  EXPECT_EQ(stack_of[15], stack_of[3]);
  EXPECT_EQ(stack_of[19], stack_of[3]);
  script.poller.now += kSecond;
  script.Steps(5);
  EXPECT_EQ(returned, "314");
}

// Whichever handlers of a batch block, each event is served once and in order.
TEST(LoopScriptTest, EveryEventOfABatchIsServedOnceWhoeverBlocks) {
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    ScriptLoop script;
    Loop& loop = script.loop;
    std::vector<uint32_t> order;
    size_t ended = 0;
    uint64_t blocked = 0;
    HandlerSink sink(loop, [&](Endpoint& endpoint) {
      order.push_back(endpoint.slot);
      for (uint32_t waits = random() % 4; waits > 1; --waits) {
        ++blocked;
        if (random() % 2 == 0) {
          loop.Yield();
        } else {
          EXPECT_EQ(SleepFor(loop, kMillisecond), Errc::kOk);
        }
      }
      ++ended;
    });
    std::vector<uint32_t> all;
    for (int batch = 0; batch < 5; ++batch) {
      std::vector<PollEvent> events;
      for (uint32_t i = 1 + random() % 60; i != 0; --i) {
        Endpoint* endpoint = loop.Open(nullptr, &sink);
        events.push_back({endpoint->slot, endpoint->generation, kReadable});
        all.push_back(endpoint->slot);
      }
      script.poller.batches.push_back(std::move(events));
    }
    for (int i = 0; ended < all.size() && i < 20'000; ++i) {
      script.poller.now += kMillisecond / 10;
      script.Steps(1);
    }
    EXPECT_EQ(ended, all.size()) << seed;
    EXPECT_THAT(order, ElementsAreArray(all)) << seed;
    EXPECT_GE(loop.stats().switches, blocked) << seed;
  }
}

TEST(LoopScriptTest, StaleEventsAreDropped) {
  ScriptLoop script;
  Loop& loop = script.loop;
  int calls = 0;
  HandlerSink sink(loop, [&](Endpoint&) { ++calls; });
  Endpoint* old = loop.Open(nullptr, &sink);
  PollEvent stale = {old->slot, old->generation, kReadable};
  loop.Release(*old);
  Endpoint* fresh = loop.Open(nullptr, &sink);
  EXPECT_EQ(fresh->slot, stale.slot);
  script.poller.batches = {{stale, {fresh->slot, fresh->generation, kReadable}}};
  script.Steps(5);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(loop.stats().stale_events, 1u);
  EXPECT_EQ(fresh->latched, kReadable);
}

// --- User code --------------------------------------------------------------------------------

TEST_F(LoopTest, OneUserEntryPerStack) {
  // Whatever a handler does, no other user code runs on its stack before it has returned.
  std::map<uintptr_t, int> depth;
  int deepest = 0;
  int ran = 0;
  std::function<void(Loop&)> body = [&](Loop& here) {
    const uintptr_t stack = StackId();
    deepest = std::max(deepest, ++depth[stack]);
    if (++ran < 500) {
      tasks.Spawn(here, body);
      tasks.Spawn(here, [&](Loop&) { ++ran; });
      if (ran % 3 == 0) here.Yield();
      if (ran % 7 == 0) (void)SleepFor(here, kMillisecond);
    }
    EXPECT_EQ(StackId(), stack);
    --depth[stack];
  };
  Spawn(body);
  Finish();
  EXPECT_EQ(deepest, 1);
}

void BlockInASink() {
  class BlockingSink final : public EventSink {
   public:
    explicit BlockingSink(Loop& loop) : loop_(loop) {}
    void OnReady(Endpoint&, uint8_t) override {
      Wait wait;
      loop_.Prepare(wait);
    }
    void OnTimer(Endpoint&) override {}

   private:
    Loop& loop_;
  };
  ScriptLoop script;
  BlockingSink sink(script.loop);
  Endpoint* endpoint = script.loop.Open(nullptr, &sink);
  const PollEvent event = {endpoint->slot, endpoint->generation, kReadable};
  script.poller.batches = {{event}};
  script.Steps(3);
}

TEST(LoopDeathTest, BlockingOutsideOfUserCodeIsFatal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(BlockInASink(), "outside of a handler");
}

#ifndef NDEBUG
TEST(LoopDeathTest, ASecondUserEntryOnOneStackIsFatal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  SimRuntime sim;
  FunctionTask task([](Loop&) {});
  EXPECT_DEATH(sim.Run([&] { sim.loop(0).BeginUser(task); }), "user code entered twice");
}
#endif

TEST_F(LoopTest, BeforeSuspendIsCalledBeforeTheStackIsLeft) {
  sim.Run([&] {
    FunctionTask& task = tasks.Spawn(loop, [](Loop& here) {
      EXPECT_EQ(SleepFor(here, 0), Errc::kOk);  // Does not wait.
      EXPECT_EQ(SleepFor(here, kSecond), Errc::kOk);
    });
    (void)SleepFor(loop, kMillisecond);
    EXPECT_EQ(task.suspensions, 1);
  });
  Finish();
}

TEST_F(LoopTest, TheCurrentTaskFollowsTheStack) {
  for (int i = 0; i < 50; ++i) {
    sim.Run([&, i] {
      FunctionTask* self = nullptr;
      FunctionTask** where = new FunctionTask*(nullptr);
      self = &tasks.Spawn(loop, [where, i](Loop& here) {
        for (int round = 0; round < 5; ++round) {
          EXPECT_EQ(here.current_task(), *where);
          (void)SleepFor(here, (i % 3 + 1) * kMillisecond);
        }
        EXPECT_EQ(here.current_task(), *where);
        delete where;
      });
      *where = self;
    });
  }
  Finish();
  EXPECT_EQ(loop.current_task(), nullptr);
}

// --- Time -------------------------------------------------------------------------------------

TEST_F(LoopTest, SleepsLastExactlyAsLongAsAsked) {
  for (int64_t length : {kMillisecond, 63 * kMillisecond, 64 * kMillisecond, 5 * kSecond,
                         300 * kSecond, 40 * 86'400 * kSecond}) {
    const int64_t before = sim.NowNanos();
    sim.Run([&] { EXPECT_EQ(SleepFor(loop, length), Errc::kOk); });
    EXPECT_EQ(sim.NowNanos() - before, length);
  }
}

TEST_F(LoopTest, ATasksDeadlineEndsItsWaits) {
  sim.Run([&] {
    Task& task = *loop.current_task();
    task.scope.deadline = loop.now() + kSecond;
    EXPECT_EQ(SleepFor(loop, 5 * kSecond), Errc::kTimeout);
    EXPECT_EQ(SleepFor(loop, 5 * kSecond), Errc::kTimeout) << "later ones fail at once";
    task.scope.deadline = kNoDeadline;
    EXPECT_EQ(SleepFor(loop, kSecond), Errc::kOk);
  });
}

TEST(LoopScriptTest, PollsWaitUntilTheNextTimer) {
  ScriptLoop script;
  Loop& loop = script.loop;
  HandlerSink sink(loop, [](Endpoint&) {});
  Endpoint* endpoint = loop.Open(nullptr, &sink);
  script.Steps(2);
  EXPECT_EQ(script.poller.last_timeout, INT64_MAX);
  loop.SetTimer(*endpoint, loop.tick() + 10);
  script.Steps(1);
  EXPECT_EQ(script.poller.last_timeout, 10 * kMillisecond);
  // Re-arming replaces.
  loop.SetTimer(*endpoint, loop.tick() + 20);
  script.Steps(1);
  EXPECT_EQ(script.poller.last_timeout, 20 * kMillisecond);
  loop.ClearTimer(*endpoint);
  script.Steps(1);
  EXPECT_EQ(script.poller.last_timeout, INT64_MAX);
  EXPECT_TRUE(sink.timers.empty());
}

TEST(LoopScriptTest, AFresherClockDoesNotDelayTimers) {
  ScriptLoop script;
  Loop& loop = script.loop;
  HandlerSink sink(loop, [](Endpoint&) {});
  Endpoint* endpoint = loop.Open(nullptr, &sink);
  script.Steps(2);
  script.poller.now += 50 * kMillisecond;  // A handler that took 50 ms...
  (void)loop.FreshNow();
  loop.SetTimer(*endpoint, loop.TickAt(loop.now() + 10 * kMillisecond));
  script.Steps(1);
  EXPECT_EQ(script.poller.last_timeout, 10 * kMillisecond);
  script.poller.now += 10 * kMillisecond;
  script.Steps(2);
  EXPECT_EQ(sink.timers.size(), 1u);
}

TEST(LoopScriptTest, TimersWorkAfterTheTicksHaveWrapped) {
  ScriptLoop script;
  Loop& loop = script.loop;
  HandlerSink sink(loop, [](Endpoint&) {});
  Endpoint* endpoint = loop.Open(nullptr, &sink);
  for (int week = 0; week < 15; ++week) {
    script.poller.now += 7 * 86'400 * kSecond;
    script.Steps(1);
  }
  loop.SetTimer(*endpoint, loop.tick() + 10);
  script.Steps(1);
  EXPECT_EQ(script.poller.last_timeout, 10 * kMillisecond);
  script.poller.now += 10 * kMillisecond;
  script.Steps(2);
  EXPECT_EQ(sink.timers.size(), 1u);
}

// --- Stopping ---------------------------------------------------------------------------------

TEST(LoopStopTest, BlockedTasksEndWithDraining) {
  TaskList tasks;
  std::vector<Errc> causes;
  {
    SimRuntime sim({.loops = 2});
    for (size_t i = 0; i < 20; ++i) {
      sim.RunOn(sim.loop(i % 2), [&] {
        tasks.Spawn(*Loop::Current(), [&](Loop& loop) {
          Errc first = SleepFor(loop, 3600 * kSecond);
          Errc second = SleepFor(loop, kSecond);  // Later waits end at once as well.
          causes.push_back(first == second ? first : Errc::kIo);
        });
      });
    }
    sim.Settle();
  }
  EXPECT_EQ(causes, std::vector<Errc>(20, Errc::kDraining));
}

// --- Many -------------------------------------------------------------------------------------

TEST_F(LoopTest, ManyTasksBlockedAtOnce) {
  int woken = 0;
  sim.Run([&] {
    for (int i = 0; i < kManyTasks; ++i) {
      tasks.Spawn(loop, [&](Loop& here) {
        EXPECT_EQ(SleepFor(here, kSecond), Errc::kOk);
        ++woken;
      });
    }
  });
  sim.Settle();
  EXPECT_EQ(loop.blocked(), static_cast<uint32_t>(kManyTasks));
  EXPECT_EQ(woken, 0);
  sim.Advance(absl::Seconds(1));
  EXPECT_EQ(woken, kManyTasks);
  EXPECT_EQ(loop.blocked(), 0u);
}

size_t ResidentKiB() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0;
  unsigned long resident = 0;
  if (file == nullptr || std::fscanf(file, "%lu %lu", &total, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return resident * 4;
}

TEST_F(LoopTest, MemoryReturnsAfterABurst) {
  int trimmed = 0;
  loop.AddTrimmer([](void* count) { return ++*static_cast<int*>(count) < 20; }, &trimmed);
  const size_t premade = loop.stack_slabs();
  const int burst = kManyTasks / 5;
  sim.Run([&] {
    for (int i = 0; i < burst; ++i) {
      tasks.Spawn(loop, [](Loop& here) {
        volatile char touched[32 * 1024];
        for (size_t at = 0; at < sizeof touched; at += 1024) touched[at] = 1;
        (void)SleepFor(here, kSecond);
      });
    }
  });
  sim.Settle();
  const size_t at_peak = ResidentKiB();
  EXPECT_GT(loop.fibers_alive(), static_cast<size_t>(burst));
  EXPECT_GT(loop.stack_slabs(), premade);
  Finish();
  sim.Advance(absl::Minutes(2));
  EXPECT_LE(loop.fibers_alive(), 2u);
  // The fiber that leads now may have its stack in any slab.
  EXPECT_LE(loop.stack_slabs(), premade + 2);
  // To the end, although nothing else happens.
  EXPECT_GE(trimmed, 20);
  if (!kSanitized) {
    EXPECT_LT(ResidentKiB() + static_cast<size_t>(burst) * 24, at_peak);
  }
  loop.RemoveTrimmer(&trimmed);
  // And another burst works on what is left.
  int again = 0;
  sim.Run([&] {
    for (int i = 0; i < 100; ++i) {
      tasks.Spawn(loop, [&](Loop& here) { again += SleepFor(here, kSecond) == Errc::kOk; });
    }
  });
  Finish();
  EXPECT_EQ(again, 100);
}

TEST(LoopLimitTest, WithoutStacksAWaitIsOverloaded) {
  if (kSanitized) GTEST_SKIP() << "sanitizers need the address space";
  // One slab of 32 such stacks fits into the address space, two don't.
  constexpr size_t kHuge = size_t{1} << 41;
  if (StackPool(kHuge, 0).Allocate().bottom == nullptr) {
    GTEST_SKIP() << "this kernel does not lend so much (vm.overcommit_memory)";
  }
  TaskList tasks;
  SimRuntime sim({.stack_size = kHuge});
  Loop& loop = sim.loop(0);
  int overloaded = 0;
  int slept = 0;
  sim.Run([&] {
    for (int i = 0; i < 100; ++i) {
      tasks.Spawn(loop, [&](Loop& here) {
        Errc errc = SleepFor(here, kSecond);
        slept += errc == Errc::kOk;
        overloaded += errc == Errc::kOverloaded;
      });
    }
  });
  EXPECT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
  EXPECT_GE(slept, 30);
  EXPECT_GE(overloaded, 30);
  EXPECT_EQ(slept + overloaded, 100);
}

// --- Other threads ----------------------------------------------------------------------------

TEST(LoopThreadsTest, PostsArriveInOrder) {
  Runtime runtime({.threads = 1});
  Loop& loop = runtime.loop(0);
  static std::vector<uint64_t> seen;
  seen.clear();
  for (uint64_t i = 0; i < 10'000; ++i) {
    loop.Post([](Loop&, void*, uint64_t a, uint64_t) { seen.push_back(a); }, nullptr, i);
  }
  size_t count = 0;
  runtime.Run([&] { count = seen.size(); });
  ASSERT_EQ(count, 10'000u);
  for (uint64_t i = 0; i < count; ++i) ASSERT_EQ(seen[i], i);
}

}  // namespace
}  // namespace fasthttp::runtime
