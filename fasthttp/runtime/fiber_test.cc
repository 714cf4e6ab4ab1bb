#include "fasthttp/runtime/fiber.h"

#include <cerrno>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "fasthttp/runtime/stack_pool.h"
#include "gtest/gtest.h"

namespace fasthttp::runtime {
namespace {

// Runs functions on fibers of their own, which Pause() in the middle, from the test's stack.
class FiberTest : public testing::Test {
 protected:
  struct Body {
    FiberTest* test;
    Fiber fiber;
    std::function<void()> function;
    bool done = false;
  };

  FiberTest() { main_.AdoptThread(); }

  ~FiberTest() override {
    for (auto& body : bodies_) {
      EXPECT_TRUE(body->done);
      pool_.Free(body->fiber.TakeStack());
    }
  }

  Body& Start(std::function<void()> function) {
    bodies_.push_back(std::make_unique<Body>());
    Body& body = *bodies_.back();
    body.test = this;
    body.function = std::move(function);
    body.fiber.Start(
        pool_.Allocate(),
        [](void* argument) {
          Body& self = *static_cast<Body*>(argument);
          self.function();
          self.done = true;
          self.fiber.set_exit_to(&self.test->main_);
        },
        &body);
    return body;
  }

  void Resume(Body& body) {
    running_ = &body;
    Fiber::Switch(main_, body.fiber);
  }

  void Pause() { Fiber::Switch(running_->fiber, main_); }

  // Resumes all of them in random order until they have ended.
  void RunAll(uint32_t seed) {
    std::mt19937 random(seed);
    for (;;) {
      std::vector<Body*> live;
      for (auto& body : bodies_) {
        if (!body->done) live.push_back(body.get());
      }
      if (live.empty()) return;
      Resume(*live[random() % live.size()]);
    }
  }

  StackPool pool_{256 * 1024, 32};
  Fiber main_;
  Body* running_ = nullptr;
  std::vector<std::unique_ptr<Body>> bodies_;
};

TEST_F(FiberTest, SwitchesThereAndBack) {
  std::string trace;
  Body& body = Start([&] {
    trace += "b";
    Pause();
    trace += "d";
  });
  trace += "a";
  Resume(body);
  trace += "c";
  Resume(body);
  EXPECT_EQ(trace, "abcd");
  EXPECT_TRUE(body.done);
}

TEST_F(FiberTest, AStackIsUsedAgain) {
  for (int i = 0; i < 1000; ++i) {
    Body& body = Start([&] { Pause(); });
    Resume(body);
    Resume(body);
    ASSERT_TRUE(body.done);
    pool_.Free(body.fiber.TakeStack());
    bodies_.clear();
  }
  EXPECT_EQ(pool_.slab_count(), 1u);
}

TEST_F(FiberTest, ErrnoIsKept) {
  for (int i = 1; i <= 20; ++i) {
    Start([this, i] {
      errno = i;
      for (int round = 0; round < 10; ++round) {
        Pause();
        EXPECT_EQ(errno, i);
      }
    });
  }
  errno = 77;
  RunAll(1);
  EXPECT_EQ(errno, 77);
}

struct Payload {
  int number;
};

TEST_F(FiberTest, ExceptionsStayDistinctWhileTheirHandlersArePaused) {
  constexpr int kFibers = 300;
  int right = 0;
  for (int i = 0; i < kFibers; ++i) {
    Start([this, i, &right] {
      try {
        try {
          Pause();  // In try.
          throw Payload{i};
        } catch (const Payload& payload) {
          Pause();  // In catch.
          EXPECT_EQ(payload.number, i);
          try {
            throw Payload{i + 10'000};
          } catch (const Payload& inner) {
            Pause();  // In a nested catch.
            EXPECT_EQ(inner.number, i + 10'000);
          }
          Pause();
          throw;
        }
      } catch (const Payload& payload) {
        EXPECT_EQ(std::uncaught_exceptions(), 0);
        right += payload.number == i;
      }
    });
  }
  RunAll(2);
  EXPECT_EQ(right, kFibers);
}

TEST_F(FiberTest, UnwindingDestructorsMayPause) {
  struct Pauser {
    FiberTest* test;
    std::function<void()> pause;
    int* seen;
    ~Pauser() {
      const int before = std::uncaught_exceptions();
      pause();
      *seen += before == 1 && std::uncaught_exceptions() == 1;
      try {
        throw Payload{-1};  // Another one, while unwinding.
      } catch (const Payload&) {
        pause();
      }
      *seen += std::uncaught_exceptions() == 1;
    }
  };
  constexpr int kFibers = 100;
  int right = 0;
  int seen = 0;
  for (int i = 0; i < kFibers; ++i) {
    Start([this, i, &right, &seen] {
      try {
        Pauser pauser{this, [this] { Pause(); }, &seen};
        throw Payload{i};
      } catch (const Payload& payload) {
        Pause();
        right += payload.number == i && std::uncaught_exceptions() == 0;
      }
    });
  }
  RunAll(3);
  EXPECT_EQ(right, kFibers);
  EXPECT_EQ(seen, 2 * kFibers);
  EXPECT_EQ(std::uncaught_exceptions(), 0);
}

TEST_F(FiberTest, ExceptionPointersCross) {
  std::exception_ptr carried;
  Start([&] {
    try {
      throw std::runtime_error("from a fiber");
    } catch (...) {
      carried = std::current_exception();
      Pause();
    }
  });
  RunAll(4);
  try {
    std::rethrow_exception(carried);
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "from a fiber");
  }
}

}  // namespace
}  // namespace fasthttp::runtime
