#include "fasthttp/sync.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/context.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "fasthttp/runtime/waiter.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

using fasthttptest::SimRuntime;
using runtime::FunctionTask;
using runtime::Loop;
using runtime::TaskList;

constexpr absl::Duration kMs = absl::Milliseconds(1);

// Tasks on 1, 2 and 4 loops, in virtual time.
class SyncTest : public testing::TestWithParam<std::tuple<size_t, uint64_t>> {
 protected:
  // Starts `function` as a task on the next loop in turn.
  FunctionTask& Go(std::function<void()> function) {
    Loop& loop = sim.loop(next_++ % sim.loops());
    FunctionTask* task = nullptr;
    sim.RunOn(loop, [&] {
      task = &tasks.Spawn(loop, [function = std::move(function)](Loop&) { function(); });
    });
    loops_.emplace_back(task, &loop);
    return *task;
  }
  // The same, started `delay` from now: the order of arrival is that of the delays.
  FunctionTask& GoAfter(absl::Duration delay, std::function<void()> function) {
    return Go([delay, function = std::move(function)] {
      (void)Sleep(delay);
      function();
    });
  }
  void Cancel(FunctionTask& task, Errc cause = Errc::kCancelled) {
    for (auto [known, loop] : loops_) {
      if (known == &task) sim.RunOn(*loop, [&, loop = loop] { loop->Cancel(task, cause); });
    }
  }
  void CancelAfter(absl::Duration delay, FunctionTask& task) {
    sim.Advance(delay);
    Cancel(task);
    sim.Settle();
  }
  // Everything has ended, and without a deadlock.
  void Finish() {
    ASSERT_TRUE(sim.RunUntil([&] { return tasks.AllDone(); }));
  }

  TaskList tasks;
  SimRuntime sim{{.loops = std::get<0>(GetParam()), .seed = std::get<1>(GetParam())}};
  std::mt19937_64 random{std::get<1>(GetParam())};

 private:
  size_t next_ = 0;
  std::vector<std::pair<FunctionTask*, Loop*>> loops_;
};
INSTANTIATE_TEST_SUITE_P(LoopsAndSeeds, SyncTest,
                         testing::Combine(testing::Values(1, 2, 4), testing::Values(1, 2, 3)));

// --- Event ------------------------------------------------------------------------------------

TEST_P(SyncTest, AnEventLetsAllGoOnceItIsSet) {
  Event event;
  int passed = 0;
  for (int i = 0; i < 5; ++i) {
    Go([&] {
      EXPECT_TRUE(event.Wait().ok());
      ++passed;
    });
  }
  sim.Settle();
  EXPECT_EQ(passed, 0);
  EXPECT_FALSE(event.IsSet());
  event.Set();
  event.Set();
  Finish();
  EXPECT_EQ(passed, 5);
  EXPECT_TRUE(event.IsSet());
}

TEST_P(SyncTest, AnEventWaitHasATimeout) {
  Event event;
  const absl::Time start = sim.Now();
  Go([&] { EXPECT_EQ(ErrcOf(event.WaitFor(absl::Seconds(3))), Errc::kTimeout); });
  Finish();
  EXPECT_EQ(sim.Now() - start, absl::Seconds(3));
}

TEST_P(SyncTest, AnEventThatIsSetIsSeenByACancelledTask) {
  Event set;
  Event unset;
  set.Set();
  FunctionTask& task = Go([&] {
    (void)Sleep(absl::Seconds(1));
    EXPECT_TRUE(set.Wait().ok());
    EXPECT_EQ(ErrcOf(unset.Wait()), Errc::kClientGone);
  });
  sim.Settle();
  Cancel(task, Errc::kClientGone);
  Finish();
}

// --- Mutex ------------------------------------------------------------------------------------

TEST_P(SyncTest, AMutexExcludesAcrossCallsThatWait) {
  Mutex mutex;
  int inside = 0;
  int entries = 0;
  for (int i = 0; i < 20; ++i) {
    Go([&, i] {
      for (int round = 0; round < 5; ++round) {
        MutexLock lock(mutex);
        mutex.AssertHeld();
        EXPECT_EQ(++inside, 1);
        ++entries;
        if ((i + round) % 3 == 0) (void)Sleep(kMs);
        if ((i + round) % 3 == 1) Yield();
        --inside;
      }
    });
  }
  Finish();
  EXPECT_EQ(entries, 100);
  EXPECT_TRUE(mutex.TryLock());
  EXPECT_FALSE(mutex.TryLock());
  mutex.Unlock();
}

TEST_P(SyncTest, AMutexIsHandedOverInTheOrderOfArrival) {
  Mutex mutex;
  std::vector<int> order;
  Go([&] {
    MutexLock lock(mutex);
    (void)Sleep(absl::Seconds(1));
  });
  for (int i = 0; i < 8; ++i) {
    GoAfter(kMs * (i + 1), [&, i] {
      MutexLock lock(mutex);
      order.push_back(i);
      (void)Sleep(kMs);
    });
  }
  Finish();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_P(SyncTest, WhoGivesUpIsPassedOver) {
  Mutex mutex;
  std::vector<std::string> order;
  Go([&] {
    MutexLock lock(mutex);
    (void)Sleep(absl::Milliseconds(100));
  });
  GoAfter(kMs, [&] {
    EXPECT_EQ(ErrcOf(mutex.LockCancellable(absl::Milliseconds(50))), Errc::kTimeout);
    order.push_back("timeout");
  });
  FunctionTask& cancelled = GoAfter(2 * kMs, [&] {
    EXPECT_EQ(ErrcOf(mutex.LockCancellable()), Errc::kCancelled);
    order.push_back("cancelled");
  });
  GoAfter(3 * kMs, [&] {
    EXPECT_FALSE(mutex.TryLockFor(absl::Milliseconds(90)));
    order.push_back("too late");
  });
  FunctionTask& patient = GoAfter(4 * kMs, [&] {
    mutex.Lock();  // Whatever happens to its request.
    order.push_back("locked");
    mutex.Unlock();
    EXPECT_EQ(ErrcOf(mutex.LockCancellable()), Errc::kCancelled);
    order.push_back("not again");
  });
  CancelAfter(absl::Milliseconds(20), cancelled);
  Cancel(patient);
  Finish();
  EXPECT_EQ(order,
            (std::vector<std::string>{"cancelled", "timeout", "too late", "locked", "not again"}));
  EXPECT_TRUE(mutex.TryLock());
  mutex.Unlock();
}

// Deadlines fall on the very ticks at which the lock is handed over.
TEST_P(SyncTest, AMutexIsNotLostToWhoGivesUpAtThatMoment) {
  Mutex mutex;
  int held = 0;
  int gave_up = 0;
  std::vector<FunctionTask*> all;
  for (int i = 0; i < 30; ++i) {
    all.push_back(&Go([&] {
      for (int round = 0; round < 20; ++round) {
        if (!mutex.LockCancellable(kMs * static_cast<int>(1 + random() % 4)).ok()) {
          ++gave_up;
          continue;
        }
        ++held;
        (void)Sleep(kMs);
        mutex.Unlock();
      }
    }));
  }
  for (size_t i = 0; i < all.size(); i += 3) CancelAfter(kMs, *all[i]);
  Finish();
  EXPECT_EQ(held + gave_up, 30 * 20);
  EXPECT_GT(held, 20);
  EXPECT_GT(gave_up, 20);
  EXPECT_TRUE(mutex.TryLock());
  mutex.Unlock();
}

TEST_P(SyncTest, StandardGuardsWork) {
  Mutex a;
  Mutex b;
  SharedMutex shared;
  int inside = 0;
  for (int i = 0; i < 6; ++i) {
    Go([&] {
      std::scoped_lock both(a, b);
      EXPECT_EQ(++inside, 1);
      (void)Sleep(kMs);
      --inside;
    });
    Go([&] {
      std::unique_lock<Mutex> lock(b, std::try_to_lock);
      if (!lock) lock.lock();
      std::lock_guard<SharedMutex> writer(shared);
      (void)Sleep(kMs);
    });
    Go([&] { std::shared_lock<SharedMutex> reader(shared); });
  }
  Finish();
}

TEST(MutexDeathTest, WhatIsNotLockedCanNotBeUnlocked) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Mutex mutex;
  EXPECT_DEATH(mutex.Unlock(), "a Mutex is not held");
  EXPECT_DEATH(mutex.AssertHeld(), "a Mutex is not held");
  SharedMutex shared;
  EXPECT_DEATH(shared.UnlockShared(), "more was released");
  WaitGroup group;
  EXPECT_DEATH(group.Done(), "negative");
}

// --- SharedMutex ------------------------------------------------------------------------------

TEST_P(SyncTest, ReadersShareAndWritersDoNot) {
  SharedMutex mutex;
  int readers = 0;
  int most_readers = 0;
  bool writing = false;
  for (int i = 0; i < 24; ++i) {
    Go([&, i] {
      if (i % 4 == 0) {
        mutex.Lock();
        EXPECT_FALSE(std::exchange(writing, true));
        EXPECT_EQ(readers, 0);
        (void)Sleep(kMs);
        writing = false;
        mutex.Unlock();
      } else {
        mutex.LockShared();
        EXPECT_FALSE(writing);
        most_readers = std::max(most_readers, ++readers);
        (void)Sleep(kMs);
        --readers;
        mutex.UnlockShared();
      }
    });
  }
  Finish();
  EXPECT_GE(most_readers, 2);
  EXPECT_TRUE(mutex.TryLock());
  EXPECT_FALSE(mutex.TryLockShared());
  mutex.Unlock();
  EXPECT_TRUE(mutex.TryLockShared());
  EXPECT_TRUE(mutex.TryLockShared());
  EXPECT_FALSE(mutex.TryLock());
  mutex.UnlockShared();
  mutex.UnlockShared();
}

TEST_P(SyncTest, AWaitingWriterHoldsUpReadersUntilItGivesUp) {
  SharedMutex mutex;
  bool read = false;
  absl::Time read_at;
  const absl::Time start = sim.Now();
  Go([&] {
    mutex.LockShared();
    (void)Sleep(absl::Seconds(1));
    mutex.UnlockShared();
  });
  GoAfter(kMs, [&] {
    EXPECT_EQ(ErrcOf(mutex.LockCancellable(absl::Milliseconds(99))), Errc::kTimeout);
  });
  GoAfter(2 * kMs, [&] {
    EXPECT_FALSE(mutex.TryLockShared());
    EXPECT_TRUE(mutex.LockSharedCancellable().ok());
    read = true;
    read_at = sim.Now();
    mutex.UnlockShared();
  });
  Finish();
  EXPECT_TRUE(read);
  EXPECT_EQ(read_at - start, absl::Milliseconds(100));
}

// --- CondVar ----------------------------------------------------------------------------------

TEST_P(SyncTest, ASignalLetsGoTheOneWhoWaitedLongest) {
  Mutex mutex;
  CondVar changed;
  std::vector<int> order;
  for (int i = 0; i < 4; ++i) {
    GoAfter(kMs * (i + 1), [&, i] {
      MutexLock lock(mutex);
      EXPECT_TRUE(changed.Wait(mutex).ok());
      mutex.AssertHeld();
      order.push_back(i);
    });
  }
  sim.Advance(absl::Milliseconds(10));
  changed.Signal();
  sim.Settle();
  EXPECT_EQ(order, (std::vector<int>{0}));
  changed.Signal();
  sim.Settle();
  EXPECT_EQ(order, (std::vector<int>{0, 1}));
  changed.SignalAll();
  Finish();
  EXPECT_EQ(order.size(), 4u);
  changed.Signal();  // Nobody waits: nothing is kept.
  Go([&] {
    MutexLock lock(mutex);
    EXPECT_EQ(ErrcOf(changed.WaitFor(mutex, kMs)), Errc::kTimeout);
    mutex.AssertHeld();
  });
  Finish();
}

TEST_P(SyncTest, ASignalIsNotLostToWhoHasGivenUp) {
  Mutex mutex;
  CondVar changed;
  int signalled = 0;
  FunctionTask& first = GoAfter(kMs, [&] {
    MutexLock lock(mutex);
    EXPECT_EQ(ErrcOf(changed.Wait(mutex)), Errc::kCancelled);
    EXPECT_EQ(ErrcOf(changed.Wait(mutex)), Errc::kCancelled);  // Fails before it tries.
  });
  GoAfter(2 * kMs, [&] {
    MutexLock lock(mutex);
    signalled += changed.Wait(mutex).ok();
  });
  CancelAfter(absl::Milliseconds(5), first);
  changed.Signal();
  Finish();
  EXPECT_EQ(signalled, 1);
}

TEST_P(SyncTest, AConditionIsWaitedFor) {
  Mutex mutex;
  CondVar changed;
  int value = 0;
  const absl::Time start = sim.Now();
  Go([&] {
    MutexLock lock(mutex);
    EXPECT_TRUE(changed.Wait(mutex, [&] { return value == 3; }).ok());
    EXPECT_EQ(sim.Now() - start, 3 * kMs);
    EXPECT_EQ(ErrcOf(changed.WaitFor(mutex, kMs, [&] { return value == 5; })), Errc::kTimeout);
    EXPECT_TRUE(changed.WaitFor(mutex, kMs, [&] { return value == 4; }).ok());
  });
  Go([&] {
    for (int i = 0; i < 4; ++i) {
      (void)Sleep(kMs);
      MutexLock lock(mutex);
      ++value;
      changed.SignalAll();
    }
  });
  Finish();
}

// --- Semaphore --------------------------------------------------------------------------------

TEST_P(SyncTest, ASemaphoreBoundsHowManyAreInside) {
  Semaphore semaphore(3);
  int inside = 0;
  int most = 0;
  for (int i = 0; i < 20; ++i) {
    Go([&] {
      ASSERT_TRUE(semaphore.Acquire().ok());
      most = std::max(most, ++inside);
      (void)Sleep(kMs);
      --inside;
      semaphore.Release();
    });
  }
  Finish();
  EXPECT_EQ(most, 3);
  EXPECT_EQ(semaphore.available(), 3);
}

TEST_P(SyncTest, WhoWantsManyPermitsIsNotOvertaken) {
  Semaphore semaphore(2);
  std::vector<int> order;
  auto take = [&](int64_t n) {
    EXPECT_TRUE(semaphore.Acquire(n).ok());
    order.push_back(static_cast<int>(n));
    (void)Sleep(absl::Milliseconds(10));
    semaphore.Release(n);
  };
  Go([&] { take(1); });
  GoAfter(1 * kMs, [&] { take(2); });
  GoAfter(2 * kMs, [&] {
    EXPECT_FALSE(semaphore.TryAcquire());  // One is free, but somebody waits.
    take(1);
  });
  Finish();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 1}));
  EXPECT_TRUE(semaphore.TryAcquire(2));
  EXPECT_TRUE(semaphore.TryAcquire(0));
  semaphore.Release(5);
  EXPECT_EQ(semaphore.available(), 5);
}

TEST_P(SyncTest, ACancelledWaiterLetsThoseBehindIn) {
  Semaphore semaphore(1);
  bool small = false;
  FunctionTask& big = Go([&] { EXPECT_EQ(ErrcOf(semaphore.Acquire(5)), Errc::kCancelled); });
  GoAfter(kMs, [&] {
    EXPECT_TRUE(semaphore.Acquire(1).ok());
    small = true;
  });
  sim.Advance(absl::Seconds(1));
  EXPECT_FALSE(small);
  Cancel(big);
  Finish();
  EXPECT_TRUE(small);
  EXPECT_EQ(semaphore.available(), 0);
}

TEST_P(SyncTest, PermitsAreNotLostToWhoGivesUpAtThatMoment) {
  Semaphore semaphore(4);
  int gave_up = 0;
  for (int i = 0; i < 20; ++i) {
    Go([&] {
      for (int round = 0; round < 30; ++round) {
        const int64_t n = static_cast<int64_t>(1 + random() % 4);
        if (!semaphore.AcquireFor(kMs * static_cast<int>(1 + random() % 3), n).ok()) {
          ++gave_up;
          continue;
        }
        (void)Sleep(kMs);
        semaphore.Release(n);
      }
    });
  }
  Finish();
  EXPECT_GT(gave_up, 10);
  EXPECT_EQ(semaphore.available(), 4);
}

// --- WaitGroup --------------------------------------------------------------------------------

TEST_P(SyncTest, AWaitGroupWaitsForAll) {
  WaitGroup group;
  int done = 0;
  for (int use = 1; use <= 2; ++use) {
    group.Add(5);
    for (int i = 0; i < 5; ++i) {
      GoAfter(kMs * i, [&] {
        ++done;
        group.Done();
      });
    }
    for (int i = 0; i < 3; ++i) {
      Go([&, use] {
        EXPECT_EQ(ErrcOf(group.WaitFor(kMs)), Errc::kTimeout);
        EXPECT_TRUE(group.Wait().ok());
        EXPECT_EQ(done, 5 * use);
      });
    }
    Finish();
  }
  Go([&] { EXPECT_TRUE(group.Wait().ok()); });
  Finish();
}

// --- All of them ------------------------------------------------------------------------------

TEST_P(SyncTest, ACancelledTaskFailsBeforeItTries) {
  Mutex mutex;
  SharedMutex shared;
  Semaphore semaphore(1);
  WaitGroup group;
  Channel<int> channel(1);
  FunctionTask& task = Go([&] {
    (void)Sleep(absl::Hours(1));
    EXPECT_EQ(ErrcOf(mutex.LockCancellable()), Errc::kClientGone);
    EXPECT_EQ(ErrcOf(shared.LockCancellable()), Errc::kClientGone);
    EXPECT_EQ(ErrcOf(shared.LockSharedCancellable()), Errc::kClientGone);
    EXPECT_EQ(ErrcOf(semaphore.Acquire()), Errc::kClientGone);
    EXPECT_EQ(ErrcOf(group.Wait()), Errc::kClientGone);
    EXPECT_EQ(ErrcOf(channel.Send(1)), Errc::kClientGone);
    EXPECT_TRUE(channel.TrySend(2));  // Doesn't wait, so isn't asked.
    EXPECT_EQ(ErrcOf(channel.Recv().status()), Errc::kClientGone);
    EXPECT_EQ(channel.size(), 1u);
  });
  sim.Settle();
  Cancel(task, Errc::kClientGone);
  Finish();
  EXPECT_EQ(semaphore.available(), 1);
}

TEST(SyncShutdownTest, WaitsEndWhenTheRuntimeDoes) {
  Event event;
  Semaphore semaphore(0);
  Channel<int> in;
  Channel<int> out;
  WaitGroup group;
  group.Add(1);
  TaskList tasks;
  int drained = 0;
  {
    SimRuntime sim({.loops = 2});
    const std::function<absl::Status()> waits[] = {
        [&] { return event.Wait(); }, [&] { return semaphore.Acquire(); },
        [&] { return in.Send(1); },   [&] { return out.Recv().status(); },
        [&] { return group.Wait(); }, [&] { return Select(OnEvent(event)).status(); }};
    for (size_t i = 0; i < std::size(waits); ++i) {
      Loop& loop = sim.loop(i % 2);
      sim.RunOn(loop, [&] {
        tasks.Spawn(loop, [&, i](Loop&) { drained += ErrcOf(waits[i]()) == Errc::kDraining; });
      });
    }
    sim.Settle();
    EXPECT_EQ(drained, 0);
  }
  EXPECT_EQ(drained, 6);
}

// --- Threads ----------------------------------------------------------------------------------

TEST(SyncThreadsTest, AnEventPassesBetweenThreadsAndLoops) {
  Runtime first({.threads = 2});
  Runtime second({.threads = 1});
  for (int i = 0; i < 200; ++i) {
    Event there;
    Event back;
    std::thread thread([&] {
      if (!there.Wait().ok()) std::abort();
      back.Set();
    });
    first.RunOn(first.loop(static_cast<size_t>(i) % 2), [&] {
      there.Set();
      EXPECT_TRUE(back.Wait().ok());
    });
    EXPECT_TRUE(back.Wait().ok());
    thread.join();
    // Made, set and destroyed at once by who was let go.
    auto once = std::make_unique<Event>();
    std::thread setter([e = once.get()] { e->Set(); });
    second.Run([&] {
      EXPECT_TRUE(once->Wait().ok());
      once.reset();
    });
    setter.join();
  }
}

TEST(SyncThreadsTest, APlainThreadHasDeadlinesAndCancellation) {
  Event never;
  EXPECT_EQ(ErrcOf(never.WaitFor(kMs)), Errc::kTimeout);
  EXPECT_EQ(ErrcOf(never.WaitFor(absl::ZeroDuration())), Errc::kTimeout);
  Semaphore semaphore(1);
  {
    ContextScope limit = WithTimeout(kMs);
    EXPECT_EQ(ErrcOf(never.Wait()), Errc::kTimeout);
    EXPECT_EQ(ErrcOf(semaphore.Acquire()), Errc::kTimeout);  // Fails before it tries.
  }
  {
    CancelContext context = WithCancel();
    ContextScope scope(context);
    std::thread canceller([&context] { context.Cancel(); });
    EXPECT_EQ(ErrcOf(never.Wait()), Errc::kCancelled);
    canceller.join();
    EXPECT_EQ(ErrcOf(never.WaitFor(absl::Hours(1))), Errc::kCancelled);
    EXPECT_EQ(ErrcOf(semaphore.Acquire()), Errc::kCancelled);
  }
  EXPECT_TRUE(semaphore.Acquire().ok());
}

// Runs `body(k)` for each k < n at once: on both loops of a runtime, on another one's and on plain
// threads.
void Everywhere(int n, const std::function<void(int)>& body) {
  Runtime first({.threads = 2});
  Runtime second({.threads = 1});
  std::vector<std::thread> threads;
  for (int k = 0; k < n; ++k) {
    threads.emplace_back([&, k] {
      if (k % 4 == 0) return first.RunOn(first.loop(0), [&] { body(k); });
      if (k % 4 == 1) return first.RunOn(first.loop(1), [&] { body(k); });
      if (k % 4 == 2) return second.Run([&] { body(k); });
      body(k);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(SyncThreadsTest, LocksExcludeEverywhere) {
  Mutex mutex;
  SharedMutex shared;
  Semaphore one(1);
  int a = 0;  // Not atomic: TSan sees what excludes badly.
  int b = 0;
  int c = 0;
  std::atomic<int> gave_up{0};
  constexpr int kRounds = 300;
  Everywhere(8, [&](int k) {
    std::mt19937 random(static_cast<uint32_t>(k));
    for (int i = 0; i < kRounds; ++i) {
      {
        MutexLock lock(mutex);
        ++a;
        if (random() % 16 == 0) Yield();
      }
      if (random() % 4 == 0) {
        shared.Lock();
        ++b;
        shared.Unlock();
      } else {
        shared.LockShared();
        EXPECT_GE(b, 0);
        shared.UnlockShared();
      }
      if (one.AcquireFor(absl::Microseconds(random() % 2000)).ok()) {
        ++c;
        if (random() % 16 == 0) Yield();
        one.Release();
      } else {
        gave_up.fetch_add(1);
      }
    }
  });
  EXPECT_EQ(a, 8 * kRounds);
  EXPECT_EQ(c + gave_up.load(), 8 * kRounds);
  EXPECT_EQ(one.available(), 1);
}

TEST(SyncThreadsTest, TimedLocksRaceWithHandOvers) {
  Mutex mutex;
  int count = 0;
  std::atomic<int> expected{0};
  Everywhere(8, [&](int k) {
    std::mt19937 random(static_cast<uint32_t>(k));
    for (int i = 0; i < 200; ++i) {
      if (!mutex.TryLockFor(absl::Microseconds(random() % 1500))) continue;
      ++count;
      expected.fetch_add(1);
      if (random() % 4 == 0) (void)Sleep(absl::Microseconds(random() % 1500));
      mutex.Unlock();
    }
  });
  EXPECT_EQ(count, expected.load());
  EXPECT_TRUE(mutex.TryLock());
  mutex.Unlock();
}

TEST(SyncThreadsTest, ACondVarPassesATokenRound) {
  Mutex mutex;
  CondVar changed;
  int turn = 0;
  constexpr int kWho = 4;
  constexpr int kRounds = 100;
  Everywhere(kWho, [&](int k) {
    for (int i = 0; i < kRounds; ++i) {
      MutexLock lock(mutex);
      EXPECT_TRUE(changed.Wait(mutex, [&] { return turn % kWho == k; }).ok());
      ++turn;
      changed.SignalAll();
    }
  });
  EXPECT_EQ(turn, kWho * kRounds);
}

// The last holder destroys it, while the one before may still be within its Unlock.
TEST(SyncThreadsTest, WhoWasLetInLastMayDestroy) {
  Runtime runtime({.threads = 2});
  struct Shared {
    Mutex mutex;
    Semaphore semaphore{0};
    WaitGroup group;
    Channel<int> channel;
    int users = 0;
  };
  for (int i = 0; i < 200; ++i) {
    auto* shared = new Shared;
    shared->mutex.Lock();
    std::thread other([shared] {
      shared->mutex.Lock();
      delete shared;
    });
    shared->mutex.Unlock();
    other.join();

    auto* permits = new Shared;
    runtime.RunOn(runtime.loop(0), [&] {
      std::thread giver([permits] { permits->semaphore.Release(); });
      EXPECT_TRUE(permits->semaphore.Acquire().ok());
      delete permits;
      Offload([&] { giver.join(); });
    });

    auto* group = new Shared;
    group->group.Add(1);
    runtime.RunOn(runtime.loop(1), [&] {
      std::thread worker([group] { group->group.Done(); });
      EXPECT_TRUE(group->group.Wait().ok());
      delete group;
      Offload([&] { worker.join(); });
    });

    auto* channel = new Shared;
    runtime.RunOn(runtime.loop(1), [&] {
      std::thread sender([channel] { EXPECT_TRUE(channel->channel.Send(1).ok()); });
      EXPECT_TRUE(channel->channel.Recv().ok());
      Offload([&] { sender.join(); });
      delete channel;
    });
  }
}

}  // namespace
}  // namespace fasthttp
