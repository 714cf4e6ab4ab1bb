#include "fasthttp/channel.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "fasthttp/select.h"
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

class ChannelTest : public testing::TestWithParam<std::tuple<size_t, uint64_t>> {
 protected:
  FunctionTask& Go(std::function<void()> function) {
    Loop& loop = sim.loop(next_++ % sim.loops());
    FunctionTask* task = nullptr;
    sim.RunOn(loop, [&] {
      task = &tasks.Spawn(loop, [function = std::move(function)](Loop&) { function(); });
    });
    loops_.emplace_back(task, &loop);
    return *task;
  }
  void Cancel(FunctionTask& task) {
    for (auto [known, loop] : loops_) {
      if (known != &task) continue;
      sim.RunOn(*loop, [&, loop = loop] { loop->Cancel(task, Errc::kCancelled); });
    }
  }
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
INSTANTIATE_TEST_SUITE_P(LoopsAndSeeds, ChannelTest,
                         testing::Combine(testing::Values(1, 2, 4), testing::Values(1, 2, 3)));

TEST_P(ChannelTest, ValuesComeOutInOrder) {
  for (size_t capacity : {0, 1, 3, 100}) {
    Channel<int> channel(capacity);
    EXPECT_EQ(channel.capacity(), capacity);
    Go([&] {
      for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(channel.Send(i).ok());
        EXPECT_LE(channel.size(), capacity);
        if (i % 7 == 0) (void)Sleep(kMs);
      }
      channel.Close();
    });
    Go([&] {
      for (int i = 0;; ++i) {
        absl::StatusOr<int> value = channel.Recv();
        if (!value.ok()) {
          EXPECT_EQ(ErrcOf(value.status()), Errc::kChannelClosed);
          EXPECT_EQ(i, 50);
          break;
        }
        EXPECT_EQ(*value, i);
        if (i % 5 == 0) (void)Sleep(kMs);
      }
    });
    Finish();
  }
}

TEST_P(ChannelTest, WithoutCapacityASendWaitsForItsRecv) {
  Channel<std::string> channel;
  const absl::Time start = sim.Now();
  EXPECT_FALSE(channel.TrySend("nobody"));
  EXPECT_EQ(channel.TryRecv(), std::nullopt);
  Go([&] {
    EXPECT_TRUE(channel.Send("hello").ok());
    EXPECT_EQ(sim.Now() - start, absl::Seconds(1));
  });
  Go([&] {
    (void)Sleep(absl::Seconds(1));
    absl::StatusOr<std::string> value = channel.Recv();
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(*value, "hello");
  });
  Finish();
}

TEST_P(ChannelTest, AFailedSendKeepsItsValue) {
  Channel<std::unique_ptr<int>> channel;
  auto value = std::make_unique<int>(7);
  Go([&] {
    EXPECT_EQ(ErrcOf(channel.SendFor(kMs, std::move(value))), Errc::kTimeout);
    ASSERT_NE(value, nullptr);
    EXPECT_FALSE(channel.TrySend(std::move(value)));
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(ErrcOf(channel.RecvFor(kMs).status()), Errc::kTimeout);
  });
  Finish();
  FunctionTask& cancelled = Go([&] {
    EXPECT_EQ(ErrcOf(channel.Send(std::move(value))), Errc::kCancelled);
    EXPECT_NE(value, nullptr);
  });
  sim.Settle();
  Cancel(cancelled);
  Finish();
  Go([&] {
    EXPECT_EQ(ErrcOf(channel.Send(std::move(value))), Errc::kChannelClosed);
    EXPECT_NE(value, nullptr);
  });
  sim.Settle();
  channel.Close();
  channel.Close();
  EXPECT_TRUE(channel.closed());
  Finish();
  Go([&] {
    EXPECT_EQ(ErrcOf(channel.Send(std::move(value))), Errc::kChannelClosed);
    EXPECT_NE(value, nullptr);
  });
  Finish();
}

TEST_P(ChannelTest, WhatWasSentBeforeCloseStillComesOut) {
  Channel<int> channel(4);
  ASSERT_TRUE(channel.TrySend(1));
  ASSERT_TRUE(channel.TrySend(2));
  channel.Close();
  EXPECT_FALSE(channel.TrySend(3));
  EXPECT_EQ(channel.TryRecv(), 1);
  Go([&] {
    EXPECT_EQ(*channel.Recv(), 2);
    EXPECT_EQ(ErrcOf(channel.Recv().status()), Errc::kChannelClosed);
  });
  Finish();
  Channel<int> empty;
  int ended = 0;
  for (int i = 0; i < 3; ++i) {
    Go([&] { ended += ErrcOf(empty.Recv().status()) == Errc::kChannelClosed; });
  }
  sim.Settle();
  empty.Close();
  Finish();
  EXPECT_EQ(ended, 3);
}

struct Counted {
  explicit Counted(int v) : value(v) { ++alive; }
  Counted(Counted&& from) noexcept : value(std::exchange(from.value, -1)) { ++alive; }
  ~Counted() { --alive; }
  int value;
  static inline int alive = 0;
};

TEST_P(ChannelTest, WhatIsLeftIsDestroyed) {
  {
    Channel<Counted> channel(5);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(channel.TrySend(Counted(i)));
    EXPECT_EQ(channel.TryRecv()->value, 0);
    for (int i = 4; i < 6; ++i) ASSERT_TRUE(channel.TrySend(Counted(i)));  // Round the end.
    EXPECT_EQ(Counted::alive, 5);
  }
  EXPECT_EQ(Counted::alive, 0);
}

// Deadlines and cancellations fall on the very moments at which values are handed over.
TEST_P(ChannelTest, NothingIsLostOrReceivedTwice) {
  for (size_t capacity : {0, 2}) {
    Channel<int> channel(capacity);
    std::vector<int> received;
    std::vector<int> sent;
    int senders = 6;
    int failed = 0;
    std::vector<FunctionTask*> some;
    for (int k = 0; k < 6; ++k) {
      some.push_back(&Go([&, k] {
        for (int i = 0; i < 40; ++i) {
          const int value = 1000 * k + i;
          absl::Status s = channel.SendFor(kMs * static_cast<int>(1 + random() % 3), int{value});
          if (s.ok()) sent.push_back(value);
          failed += !s.ok();
          if (random() % 3 == 0) (void)Sleep(kMs);
        }
        if (--senders == 0) channel.Close();
      }));
      some.push_back(&Go([&] {
        for (;;) {
          absl::StatusOr<int> value = channel.RecvFor(kMs * static_cast<int>(1 + random() % 3));
          if (value.ok()) received.push_back(*value);
          failed += !value.ok();
          const Errc errc = ErrcOf(value.status());
          if (errc == Errc::kChannelClosed || errc == Errc::kCancelled) return;
          if (random() % 3 == 0) (void)Sleep(kMs);
        }
      }));
    }
    for (size_t i : {3u, 7u}) {  // Two receivers.
      sim.Advance(2 * kMs);
      Cancel(*some[i]);
    }
    Finish();
    std::sort(sent.begin(), sent.end());
    std::sort(received.begin(), received.end());
    EXPECT_EQ(sent, received);
    EXPECT_GT(failed, 0);
    EXPECT_GT(received.size(), 40u);
  }
}

// --- Select -----------------------------------------------------------------------------------

TEST_P(ChannelTest, SelectTakesWhatIsReady) {
  Channel<int> full(1);
  Channel<int> empty(1);
  Event event;
  ASSERT_TRUE(full.TrySend(7));
  Go([&] {
    std::optional<int> in;
    EXPECT_EQ(*Select(OnRecv(full, in), OnEvent(event), After(absl::Seconds(1))), 0u);
    EXPECT_EQ(in, 7);
    EXPECT_EQ(*Select(OnRecv(full, in), OnSend(empty, 8)), 1u);
    EXPECT_EQ(in, std::nullopt);
    EXPECT_EQ(*Select(OnSend(empty, 9), Default()), 1u);
    EXPECT_EQ(*Select(OnRecv(full, in), OnSend(empty, 9), After(absl::ZeroDuration())), 2u);
    EXPECT_EQ(empty.TryRecv(), 8);
    event.Set();
    EXPECT_EQ(*Select(OnRecv(full, in), OnEvent(event), Default()), 1u);
    full.Close();
    EXPECT_EQ(*Select(Default(), OnRecv(full, in)), 1u);
    EXPECT_EQ(in, std::nullopt);
    EXPECT_EQ(ErrcOf(Select(OnSend(full, 1)).status()), Errc::kChannelClosed);
    EXPECT_EQ(ErrcOf(Select(std::span<SelectCase>()).status()), Errc::kProgramming);
  });
  Finish();
}

TEST_P(ChannelTest, SelectWaitsForTheFirst) {
  Channel<int> a;
  Channel<int> b;
  Event event;
  std::vector<size_t> order;
  const absl::Time start = sim.Now();
  Go([&] {
    std::optional<int> in;
    for (int i = 0; i < 5; ++i) {
      absl::StatusOr<size_t> first =
          Select(OnRecv(a, in), OnSend(b, int{i}), OnEvent(event), After(absl::Seconds(5)));
      ASSERT_TRUE(first.ok()) << first.status();
      order.push_back(*first);
      EXPECT_EQ(in, *first == 0 ? std::optional<int>(11) : std::nullopt);
    }
    EXPECT_EQ(sim.Now() - start, absl::Seconds(3));
  });
  Go([&] {
    (void)Sleep(absl::Seconds(1));
    EXPECT_TRUE(a.Send(11).ok());
    (void)Sleep(absl::Seconds(1));
    EXPECT_EQ(*b.Recv(), 1);
    (void)Sleep(absl::Seconds(1));
    event.Set();
  });
  Finish();
  EXPECT_EQ(order, (std::vector<size_t>{0, 1, 2, 2, 2}));
  Go([&] {
    std::optional<int> in;
    const absl::Time before = sim.Now();
    EXPECT_EQ(*Select(After(absl::Seconds(9)), OnRecv(a, in), After(absl::Seconds(4))), 2u);
    EXPECT_EQ(sim.Now() - before, absl::Seconds(4));
  });
  Finish();
}

TEST_P(ChannelTest, AWaitingSelectSeesTheClose) {
  Channel<int> in;
  Channel<int> out;
  Channel<int> other;
  int ended = 0;
  Go([&] {
    std::optional<int> value;
    EXPECT_EQ(*Select(OnRecv(other, value), OnRecv(in, value)), 1u);
    EXPECT_EQ(value, std::nullopt);
    ++ended;
  });
  Go([&] {
    std::optional<int> value;
    EXPECT_EQ(ErrcOf(Select(OnRecv(other, value), OnSend(out, 1)).status()), Errc::kChannelClosed);
    ++ended;
  });
  sim.Settle();
  EXPECT_EQ(ended, 0);
  in.Close();
  out.Close();
  Finish();
}

TEST_P(ChannelTest, ACancelledSelectTakesNothing) {
  Channel<int> full(1);
  Channel<int> other;
  Event event;
  FunctionTask& waiting = Go([&] {
    std::optional<int> in;
    EXPECT_EQ(ErrcOf(Select(OnRecv(full, in), OnRecv(other, in)).status()), Errc::kCancelled);
    ASSERT_TRUE(full.TrySend(1));
    EXPECT_EQ(ErrcOf(Select(OnRecv(full, in), Default()).status()), Errc::kCancelled);
    EXPECT_EQ(full.size(), 1u);
    event.Set();
    EXPECT_EQ(*Select(OnRecv(full, in), OnEvent(event)), 1u);
    EXPECT_EQ(full.size(), 1u);
  });
  sim.Settle();
  Cancel(waiting);
  Finish();
}

TEST_P(ChannelTest, NoReadyCaseStarves) {
  Channel<int> a(1);
  Channel<int> b(1);
  int counts[2] = {0, 0};
  Go([&] {
    for (int i = 0; i < 400; ++i) {
      (void)a.TrySend(1);
      (void)b.TrySend(1);
      std::optional<int> in;
      ++counts[*Select(OnRecv(a, in), OnRecv(b, in))];
    }
  });
  Finish();
  EXPECT_GT(counts[0], 100);
  EXPECT_GT(counts[1], 100);
}

// Selects on both sides of two channels: each value is taken by one, from one.
TEST_P(ChannelTest, SelectsMeetEachOther) {
  Channel<int> a;
  Channel<int> b(2);
  Event stop;
  int sent = 0;
  std::vector<int> received;
  int senders = 4;
  for (int k = 0; k < 4; ++k) {
    Go([&, k] {
      for (int i = 0; i < 40; ++i) {
        int value = k * 100 + i;
        int copy = value;
        absl::StatusOr<size_t> first =
            Select(OnSend(a, std::move(value)), OnSend(b, std::move(copy)),
                   After(kMs * static_cast<int>(random() % 3)));
        ASSERT_TRUE(first.ok());
        sent += *first != 2;
      }
      if (--senders == 0) stop.Set();
    });
    Go([&] {
      std::optional<int> x;
      std::optional<int> y;
      for (;;) {
        x.reset();
        y.reset();
        absl::StatusOr<size_t> first = Select(OnRecv(b, x), OnRecv(a, y), OnEvent(stop));
        ASSERT_TRUE(first.ok());
        EXPECT_EQ(x.has_value(), *first == 0);
        EXPECT_EQ(y.has_value(), *first == 1);
        if (*first == 2) return;
        received.push_back(x ? *x : *y);
        if (random() % 3 == 0) (void)Sleep(kMs);
      }
    });
  }
  Finish();
  while (std::optional<int> rest = b.TryRecv()) received.push_back(*rest);
  EXPECT_EQ(received.size(), static_cast<size_t>(sent));
  std::sort(received.begin(), received.end());
  EXPECT_EQ(std::unique(received.begin(), received.end()), received.end());
  EXPECT_GT(sent, 40);
}

// The same with threads: loops of two runtimes and plain threads.
TEST(ChannelThreadsTest, SelectsAndTimedCallsLoseNothing) {
  Runtime first({.threads = 2});
  Runtime second({.threads = 1});
  auto everywhere = [&](int k, const std::function<void()>& body) {
    if (k % 4 == 0) return first.RunOn(first.loop(0), body);
    if (k % 4 == 1) return first.RunOn(first.loop(1), body);
    if (k % 4 == 2) return second.Run(body);
    body();
  };
  Channel<int> a;
  Channel<int> b(3);
  std::atomic<int> sent{0};
  std::atomic<int> received{0};
  std::atomic<int64_t> sum{0};
  std::atomic<int> senders{4};
  Event stop;
  std::vector<std::thread> threads;
  for (int k = 0; k < 8; ++k) {
    threads.emplace_back([&, k] {
      if (k < 4) {
        everywhere(k, [&, k] {
          std::mt19937 random(static_cast<uint32_t>(k));
          for (int i = 1; i <= 300; ++i) {
            int value = i;
            int copy = i;
            bool ok;
            if (random() % 2 == 0) {
              ok = a.SendFor(absl::Microseconds(random() % 1500), std::move(value)).ok();
            } else {
              ok = *Select(OnSend(b, std::move(copy)), OnSend(a, std::move(value)),
                           After(absl::Microseconds(random() % 1500))) != 2;
            }
            if (!ok) continue;
            sent.fetch_add(1);
            sum.fetch_add(i);
          }
          if (senders.fetch_sub(1) == 1) stop.Set();
        });
      } else {
        everywhere(k, [&, k] {
          std::mt19937 random(static_cast<uint32_t>(k));
          for (;;) {
            std::optional<int> x;
            std::optional<int> y;
            if (random() % 2 == 0) {
              absl::StatusOr<int> value = a.RecvFor(absl::Microseconds(random() % 1500));
              if (value.ok()) x = *value;
            } else {
              absl::StatusOr<size_t> n =
                  Select(OnRecv(a, x), OnRecv(b, y), OnEvent(stop), After(absl::Milliseconds(2)));
              if (*n == 2) return;
            }
            for (std::optional<int> value : {x, y}) {
              if (!value) continue;
              received.fetch_add(1);
              sum.fetch_sub(*value);
            }
          }
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (std::optional<int> rest = b.TryRecv()) {
    received.fetch_add(1);
    sum.fetch_sub(*rest);
  }
  EXPECT_EQ(sent.load(), received.load());
  EXPECT_EQ(sum.load(), 0);
  EXPECT_GT(sent.load(), 100);
}

}  // namespace
}  // namespace fasthttp
