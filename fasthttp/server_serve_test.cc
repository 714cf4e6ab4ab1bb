// Serve and its listeners: what can go wrong when they are watched, and a Shutdown that comes while
// they are.
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/runtime/transport.h"
#include "fasthttp/server.h"
#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "testing/sim_server.h"

namespace fasthttp {
namespace {

using testing::SimServer;

// Clones that know nothing of each other: whoever forgets one leaves it open.
class LonelyListener final : public Listener {
 public:
  struct Family {
    std::set<LonelyListener*> open;
    int armed = 0;
    int arm_fails_at = -1;
  };

  explicit LonelyListener(Family& family) : family_(family) { family_.open.insert(this); }
  ~LonelyListener() override { family_.open.erase(this); }

  Errc TryAccept(Accepted&) override { return closed_ ? Errc::kListenerClosed : Errc::kAgain; }
  Errc Arm(const ReadyToken& token) override {
    if (family_.armed++ == family_.arm_fails_at) return Errc::kIo;
    token_ = token;
    is_armed_ = true;
    return Errc::kOk;
  }
  void Disarm(const ReadyToken&) override { is_armed_ = false; }
  void Close() override {
    closed_ = true;
    family_.open.erase(this);
    if (is_armed_) token_.Notify(kReadable);
  }
  Addr address() const override { return Addr::Named("test", "lonely"); }
  Listener* CloneForLoop() override { return new LonelyListener(family_); }

 private:
  Family& family_;
  ReadyToken token_;
  bool closed_ = false;
  bool is_armed_ = false;
};

// Number of loops, seed.
class ServerServe : public ::testing::TestWithParam<std::tuple<size_t, uint64_t>> {
 protected:
  fasthttptest::SimOptions Options() const {
    return {.loops = std::get<0>(GetParam()), .seed = std::get<1>(GetParam())};
  }
  static ServerSettings Settings() {
    return {.handler = [](RequestCtx&) {}};
  }
};

TEST_P(ServerServe, AListenerThatCannotBeWatchedIsAnErrorAndLeavesNothing) {
  const int loops = static_cast<int>(std::get<0>(GetParam()));
  for (int fails_at = 0; fails_at < loops; ++fails_at) {
    SimServer sim(Settings(), Options());
    LonelyListener::Family healthy;
    LonelyListener beside(healthy);
    bool beside_ended = false;
    sim.Spawn([&] {
      EXPECT_TRUE(sim.server().Serve(beside).ok());
      beside_ended = true;
    });
    sim.sim().Settle();
    LonelyListener::Family family;
    family.arm_fails_at = fails_at;
    LonelyListener listener(family);
    sim.Run([&] {
      absl::Status status = sim.server().Serve(listener);
      EXPECT_EQ(ErrcOf(status), Errc::kIo) << status;
      sim.Settle();
    });
    EXPECT_TRUE(family.open.empty());
    EXPECT_EQ(family.armed, fails_at + 1);
    // Other listeners of the server are not its business.
    EXPECT_FALSE(beside_ended);
    EXPECT_EQ(healthy.open.size(), static_cast<size_t>(loops));
    sim.Run([&] { EXPECT_TRUE(sim.server().Shutdown().ok()); });
    sim.sim().Settle();
    EXPECT_TRUE(beside_ended);
  }
}

// Serve either came after the Shutdown and serves on every loop, or it has ended on every loop.
TEST_P(ServerServe, AShutdownAtTheSameTimeLeavesNoLateClone) {
  SimServer sim(Settings(), Options());
  const size_t loops = std::get<0>(GetParam());
  for (int i = 0; i < 20; ++i) {
    LonelyListener::Family family;
    LonelyListener listener(family);
    bool served = false;
    bool down = false;
    sim.Spawn([&] {
      EXPECT_TRUE(sim.server().Serve(listener).ok());
      served = true;
    });
    sim.Spawn(
        [&] {
          EXPECT_TRUE(sim.server().Shutdown().ok());
          down = true;
        },
        static_cast<size_t>(i) % loops);
    sim.sim().Settle();
    EXPECT_TRUE(down);
    EXPECT_EQ(family.open.size(), served ? 0 : loops);
    sim.Run([&] { EXPECT_TRUE(sim.server().Shutdown().ok()); });
    sim.sim().Settle();
    EXPECT_TRUE(served);
    EXPECT_TRUE(family.open.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ServerServe,
                         ::testing::Combine(::testing::Values(1, 2, 4),
                                            ::testing::Range(uint64_t{1}, uint64_t{11})),
                         [](const auto& info) {
                           return absl::StrCat("Loops", std::get<0>(info.param), "Seed",
                                               std::get<1>(info.param));
                         });

}  // namespace
}  // namespace fasthttp
