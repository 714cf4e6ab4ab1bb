// The program itself, asked in memory: its main gets another name.
#define main UploadMain
#include "examples/upload/main.cc"
#undef main

#include <string>

#include "gtest/gtest.h"
#include "testing/test_server.h"

TEST(Upload, TheBytesAreCounted) {
  fasthttptest::TestServer server(Settings());
  for (size_t size : {0, 10, 5'000'000}) {
    fasthttp::Request request;
    request.header().SetMethod("PUT");
    request.SetRequestURI("/");
    request.SetBody(std::string(size, 'x'));
    fasthttp::Response response;
    absl::Status status = server.client().Do(request, response);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(response.Body(), std::to_string(size) + " bytes\n");
  }
}
