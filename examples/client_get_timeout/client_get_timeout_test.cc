// The program itself as a process, with a server at its address and without.
#include <sys/wait.h>

#include <cstdio>
#include <string>

#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"

// What it prints, and its exit status.
std::string RunProgram() {
  std::FILE* pipe = ::popen("examples/client_get_timeout/client_get_timeout 2>&1", "r");
  std::string output;
  for (int c; (c = std::fgetc(pipe)) != EOF;) output.push_back(static_cast<char>(c));
  const int status = ::pclose(pipe);
  return absl::StrFormat("%d: %s", WEXITSTATUS(status), output);
}

TEST(ClientGetTimeout, PrintsWhatItGot) {
  fasthttp::Server server([](fasthttp::RequestCtx& ctx) { ctx.SetBodyString("hello"); });
  if (!server.Start("127.0.0.1:8080").ok()) GTEST_SKIP() << "port 8080 is taken";
  EXPECT_EQ(RunProgram(), "0: 200, 5 bytes\n");
  ASSERT_TRUE(server.Shutdown().ok());
  EXPECT_EQ(RunProgram().substr(0, 11), "1: failed: ");
}
