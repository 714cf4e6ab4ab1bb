// What both versions of the program answer.
#include <string>

#include "fasthttp/host_client.h"
#include "fasthttp/request.h"
#include "gtest/gtest.h"

inline void ExpectAnswers(fasthttp::HostClient& client) {
  auto ask = [&](const char* method, const char* target, const char* body) {
    fasthttp::Request request;
    request.header().SetMethod(method);
    request.SetRequestURI(target);
    request.header().SetContentType("text/plain");
    request.SetBody(body);
    fasthttp::Response response;
    absl::Status status = client.Do(request, response);
    EXPECT_TRUE(status.ok()) << status;
    return std::to_string(response.StatusCode()) + " " + std::string(response.Body());
  };
  EXPECT_EQ(ask("GET", "/notes/milk", ""), "404 ");
  EXPECT_EQ(ask("PUT", "/notes/milk", "two pints"), "201 ");
  EXPECT_EQ(ask("GET", "/notes/milk", ""), "200 two pints");
  EXPECT_EQ(ask("GET", "/count", ""), "200 1");
  EXPECT_EQ(ask("GET", "/notes/a-b", ""), "404 ");
}
