// What both versions of the program answer.
#include "fasthttp/host_client.h"
#include "fasthttp/request.h"
#include "gtest/gtest.h"

inline void ExpectAnswers(fasthttp::HostClient& client) {
  auto ask = [&](const char* method, const char* target, const char* body) {
    fasthttp::Request request;
    request.header().SetMethod(method);
    request.SetRequestURI(target);
    request.SetBody(body);
    fasthttp::Response response;
    absl::Status status = client.Do(request, response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  };
  fasthttp::Response r = ask("POST", "/reverse", "Hello");
  EXPECT_EQ(r.StatusCode(), 200);
  EXPECT_EQ(r.Body(), "olleH");
  EXPECT_EQ(r.ContentType(), "text/plain");
  r = ask("GET", "/reverse", "");
  EXPECT_EQ(r.StatusCode(), 405);
  EXPECT_EQ(r.header().Peek("Allow"), "POST");
  r = ask("POST", "/none", "Hello");
  EXPECT_EQ(r.StatusCode(), 404);
  EXPECT_EQ(r.Body(), "");
}
