// The program itself, asked in memory: its main gets another name.
#define main TaskGroupMain
#include "examples/task_group/main.cc"
#undef main

#include "gtest/gtest.h"
#include "testing/sim_runtime.h"
#include "testing/test_server.h"

namespace {

class TaskGroupExample : public testing::Test {
 protected:
  int Get(std::string_view target) {
    const absl::Time start = sim.Now();
    absl::StatusOr<fasthttp::Response> r = server.Get(target);
    took = sim.Now() - start;
    if (!r.ok()) return 0;
    body = std::string(r->Body());
    return r->StatusCode();
  }

  fasthttptest::SimRuntime sim;
  fasthttptest::TestServer server{fasthttp::ServerSettings{.handler = Handle, .runtime = &sim}};
  absl::Duration took;
  std::string body;
};

TEST_F(TaskGroupExample, APageTakesAsLongAsItsSlowestPart) {
  EXPECT_EQ(Get("/page"), fasthttp::kStatusOK);
  EXPECT_EQ(body, "waited waited Linux\n");
  EXPECT_GE(took, absl::Milliseconds(200));
  EXPECT_LT(took, absl::Milliseconds(210));
}

TEST_F(TaskGroupExample, ALimitEndsThePage) {
  EXPECT_EQ(Get("/page?slow=1"), fasthttp::kStatusGatewayTimeout);
  EXPECT_GE(took, absl::Milliseconds(300));
  EXPECT_LT(took, absl::Milliseconds(310));
}

TEST_F(TaskGroupExample, AnErrorEndsThePageAtOnce) {
  EXPECT_EQ(Get("/page?bad=1"), fasthttp::kStatusBadGateway);
  EXPECT_LT(took, absl::Milliseconds(10));
}

TEST_F(TaskGroupExample, ATaskGoesOnAfterItsRequest) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(Get("/later"), fasthttp::kStatusOK);
  EXPECT_LT(took, absl::Milliseconds(10));
  sim.Advance(absl::Seconds(2));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "served /later a second ago\n");
}

}  // namespace
