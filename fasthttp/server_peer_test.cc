// A server asked by other people's clients: curl and Python's http.client.
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "fasthttp/server.h"
#include "fasthttp/task.h"
#include "gtest/gtest.h"
#include "testing/peer_process.h"

namespace fasthttp {
namespace {

using testing::OutputOf;

std::string File(std::string_view name, std::string_view content) {
  const char* directory = std::getenv("TEST_TMPDIR");
  std::string path = absl::StrCat(directory != nullptr ? directory : "/tmp", "/", name);
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

class ServerPeer : public ::testing::Test {
 protected:
  ServerPeer() : runtime_({.threads = 2}), server_(Settings(&runtime_)) {
    absl::StatusOr<Addr> address = server_.Start("127.0.0.1:0");
    EXPECT_TRUE(address.ok()) << address.status();
    if (address.ok()) host_ = address->ToString();
  }

  static ServerSettings Settings(Runtime* runtime) {
    ServerSettings settings;
    settings.runtime = runtime;
    settings.handler = [](RequestCtx& ctx) {
      if (ctx.Path() == "/large") return ctx.SetBody(std::string(3'000'000, 'x'));
      if (ctx.Path() == "/sleep") (void)Sleep(absl::Milliseconds(50));
      if (ctx.Path() == "/nothing") return ctx.SetStatusCode(kStatusNoContent);
      ctx.SetBody(absl::StrCat(ctx.Method(), " ", ctx.RequestURI(), " ",
                               ctx.request().header().IsHTTP11() ? "1.1" : "1.0", " ",
                               ctx.PostBody().size(), " ", ctx.PostBody().substr(0, 20)));
    };
    return settings;
  }

  std::string Url(std::string_view path) const { return absl::StrCat("http://", host_, path); }
  static std::string Curl(std::string_view arguments) {
    return OutputOf(
        absl::StrCat("curl --silent --show-error --max-time 60 --noproxy '*' ", arguments));
  }

  Runtime runtime_;
  Server server_;
  std::string host_;
};

TEST_F(ServerPeer, CurlGetsAndPosts) {
  SKIP_WITHOUT("curl");
  EXPECT_EQ(Curl(Url("/a?b=c")), "GET /a?b=c 1.1 0 ");
  EXPECT_EQ(Curl("-d hello " + Url("/p")), "POST /p 1.1 5 hello");
  EXPECT_EQ(Curl("-X PUT --data-binary x " + Url("/p")), "PUT /p 1.1 1 x");
  EXPECT_EQ(Curl("-w '%{http_code} %{size_download}' " + Url("/nothing")), "204 0");
  EXPECT_EQ(Curl("-o /dev/null -w '%{http_code} %{size_download}' " + Url("/large")),
            "200 3000000");
}

TEST_F(ServerPeer, CurlUploadsInChunksAndWaitsForContinue) {
  SKIP_WITHOUT("curl");
  const std::string path = File("upload", std::string(1'000'000, 'y'));
  const std::string want = " /u 1.1 1000000 yyyyyyyyyyyyyyyyyyyy";
  EXPECT_EQ(Curl(absl::StrCat("-H 'Transfer-Encoding: chunked' -T ", path, " ", Url("/u"))),
            "PUT" + want);
  EXPECT_EQ(Curl(absl::StrCat("-T ", path, " ", Url("/u"))), "PUT" + want);
  std::string verbose =
      Curl(absl::StrCat("-v -H 'Expect: 100-continue' --data-binary @", path, " ", Url("/u")));
  EXPECT_NE(verbose.find("HTTP/1.1 100 Continue"), std::string::npos) << verbose;
  EXPECT_NE(verbose.find("POST" + want), std::string::npos) << verbose;
}

TEST_F(ServerPeer, CurlSeesThatAnUploadIsRefused) {
  SKIP_WITHOUT("curl");
  const std::string path = File("large_upload", std::string(5'000'000, 'z'));
  EXPECT_EQ(Curl(absl::StrCat("-o /dev/null -w '%{http_code}' -H 'Expect: 100-continue' -T ", path,
                              " ", Url("/u"))),
            "413");
}

TEST_F(ServerPeer, CurlSpeaksHttp10AndHead) {
  SKIP_WITHOUT("curl");
  EXPECT_EQ(Curl("--http1.0 " + Url("/a")), "GET /a 1.0 0 ");
  std::string head = Curl("-I " + Url("/large"));
  EXPECT_NE(head.find("HTTP/1.1 200 OK\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("Content-Length: 3000000\r\n"), std::string::npos) << head;
}

TEST_F(ServerPeer, CurlKeepsItsConnection) {
  SKIP_WITHOUT("curl");
  std::string output = Curl(absl::StrCat("--http1.1 -o /dev/null -o /dev/null -o /dev/null ",
                                         "-w '%{num_connects} ' ", Url("/a"), " ", Url("/sleep"),
                                         " ", Url("/large")));
  EXPECT_EQ(output, "1 0 0 ");
}

TEST_F(ServerPeer, PythonAsksSeveralTimesOnOneConnection) {
  SKIP_WITHOUT("python3");
  const std::string script = File("client.py", R"(
import http.client
import sys

conn = http.client.HTTPConnection(sys.argv[1], timeout=60)
sock = None
for method, path, body, headers in (
    ("GET", "/a", None, {}),
    ("POST", "/b", b"x" * 100000, {}),
    ("POST", "/c", iter([b"one", b"two"]), {}),
    ("HEAD", "/large", None, {}),
    ("GET", "/sleep", None, {}),
    ("GET", "/nothing", None, {}),
    ("GET", "/end", None, {"Connection": "close"}),
):
    conn.request(method, path, body, headers, encode_chunked=path == "/c")
    assert sock in (None, conn.sock), "another connection"
    sock = conn.sock
    response = conn.getresponse()
    text = response.read().decode()
    print(response.status, response.getheader("Content-Length"), text[:20], response.will_close)
)");
  EXPECT_EQ(OutputOf(absl::StrCat("python3 ", script, " ", host_)),
            "200 13 GET /a 1.1 0  False\n"
            "200 39 POST /b 1.1 100000 x False\n"
            "200 20 POST /c 1.1 6 onetwo False\n"
            "200 3000000  False\n"
            "200 17 GET /sleep 1.1 0  False\n"
            "204 None  False\n"
            "200 15 GET /end 1.1 0  True\n");
}

TEST_F(ServerPeer, NetcatGetsAllAnswersToAPipeline) {
  SKIP_WITHOUT("nc");
  const size_t colon = host_.rfind(':');
  std::string output = OutputOf(
      absl::StrCat(R"(printf 'GET /sleep HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: )",
                   R"(h\r\n\r\nGET /3 HTTP/1.1\r\nHost: h\r\n\r\n' | nc -N -w 60 )",
                   host_.substr(0, colon), " ", host_.substr(colon + 1)));
  for (std::string_view answer : {"GET /sleep", "GET /2", "GET /3"}) {
    EXPECT_NE(output.find(answer), std::string::npos) << output;
  }
}

}  // namespace
}  // namespace fasthttp
