// A client that asks other people's servers: nginx, Go's net/http and Python's http.server.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/runtime/runtime.h"
#include "gtest/gtest.h"
#include "testing/peer_process.h"

namespace fasthttp {
namespace {

using testing::Answers;
using testing::AwaitAddress;
using testing::Directory;
using testing::FreePort;
using testing::Has;
using testing::kPatience;
using testing::Process;

class ClientPeer : public ::testing::Test {
 protected:
  HostClientOptions Options(std::string address) {
    HostClientOptions options;
    options.addr = std::move(address);
    options.runtime = &runtime_;
    return options;
  }

  // "status body", or the error's name.
  static std::string Ask(HostClient& client, std::string_view method, std::string_view path,
                         std::string body = "", bool expect_continue = false) {
    Request request;
    request.SetRequestURI(path);
    request.header().SetMethod(method);
    if (!body.empty()) request.SetBodyOwned(std::move(body));
    if (expect_continue) request.header().Set("Expect", "100-continue");
    Response response;
    absl::Status status = client.DoTimeout(request, response, kPatience);
    if (!status.ok()) return std::string(ErrcName(ErrcOf(status)));
    return absl::StrCat(response.StatusCode(), " ", response.Body());
  }
  static std::string Get(HostClient& client, std::string_view path) {
    return Ask(client, "GET", path);
  }

  // Fibers of two loops and plain threads, all on one client with fewer connections than callers.
  void AskFromEverywhere(HostClient& client, std::string_view path, const std::string& want) {
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    auto ask = [&] {
      for (int i = 0; i < 50; ++i) right += Get(client, path) == want;
    };
    for (size_t i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] { runtime_.RunOn(runtime_.loop(i % 2), ask); });
      threads.emplace_back(ask);
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(right, 8 * 50);
    EXPECT_LE(client.ConnsCount(), 3u);
    EXPECT_EQ(client.PendingRequests(), 0u);
  }

  Runtime runtime_{{.threads = 2}};
  Directory directory_;
};

// --- nginx --------------------------------------------------------------------------------------

class Nginx : public ClientPeer {
 protected:
  void SetUp() override {
    SKIP_WITHOUT("/usr/sbin/nginx");
    port_ = FreePort();
    address_ = "127.0.0.1:" + port_;
    directory_.Write("www/small", "small\n");
    directory_.Write("www/large", std::string(3'000'000, 'x'));
    directory_.Write("www/text.html", std::string(100'000, 't'));
    directory_.Write("nginx.conf",
                     absl::StrReplaceAll(kConfig, {{"DIR", directory_.Path("")}, {"PORT", port_}}));
    StartServer();
  }
  void TearDown() override {
    process_.reset();
    if (HasFailure()) std::puts(directory_.Read("output").c_str());
  }
  void StartServer() {
    process_.reset();
    std::filesystem::remove(directory_.Path("sock"));
    process_ = std::make_unique<Process>(
        std::vector<std::string>{"/usr/sbin/nginx", "-p", directory_.Path(""), "-e", "stderr", "-c",
                                 directory_.Path("nginx.conf")},
        directory_.Path("output"));
    ASSERT_TRUE(Answers(*process_, address_, runtime_)) << directory_.Read("output");
  }

  static constexpr std::string_view kConfig = R"(
daemon off; master_process off; user root root; pid DIRnginx.pid; error_log stderr;
events { worker_connections 256; }
http {
  access_log off; root DIRwww; default_type text/plain;
  types { text/html html; }
  client_body_temp_path DIRbody; proxy_temp_path DIRproxy; fastcgi_temp_path DIRfastcgi;
  uwsgi_temp_path DIRuwsgi; scgi_temp_path DIRscgi;
  keepalive_timeout 60s; client_max_body_size 1m;
  server {
    listen 127.0.0.1:PORT;
    listen unix:DIRsock;
    location /close { keepalive_timeout 0; return 200 "closed\n"; }
    location /moved { return 302 /small; }
    location /empty { return 204; }
    location /text.html { gzip on; }
    location /few { keepalive_requests 5; return 200 "few\n"; }
  }
})";

  std::string port_;
  std::string address_;
  std::unique_ptr<Process> process_;
};

TEST_F(Nginx, StaticFilesOnOneConnection) {
  HostClient client(Options(address_));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Get(client, "/small"), "200 small\n");
  EXPECT_EQ(Get(client, "/large"), "200 " + std::string(3'000'000, 'x'));
  EXPECT_TRUE(absl::StartsWith(Get(client, "/missing"), "404 <html>"));
  EXPECT_EQ(Ask(client, "HEAD", "/large"), "200 ");
  EXPECT_EQ(Get(client, "/empty"), "204 ");
  EXPECT_EQ(Get(client, "/small"), "200 small\n");
  EXPECT_EQ(client.Stats().dials, 1u);
  EXPECT_EQ(client.Stats().retries, 0u);
}

TEST_F(Nginx, WhatTheFieldsSay) {
  HostClient client(Options(address_));
  Request request;
  request.SetRequestURI("/large");
  request.header().SetMethod("HEAD");
  Response response;
  ASSERT_TRUE(client.DoTimeout(request, response, kPatience).ok());
  EXPECT_EQ(response.header().Peek("Content-Length"), "3000000");
  EXPECT_TRUE(absl::StartsWith(response.header().Peek("Server"), "nginx"));
  const std::string etag(response.header().Peek("ETag"));
  request.header().SetMethod("GET");
  request.header().Set("If-None-Match", etag);
  ASSERT_TRUE(client.DoTimeout(request, response, kPatience).ok());
  EXPECT_EQ(response.StatusCode(), 304);
  EXPECT_EQ(response.Body(), "");
  request.header().Del("If-None-Match");
  request.header().Set("Range", "bytes=10-19");
  ASSERT_TRUE(client.DoTimeout(request, response, kPatience).ok());
  EXPECT_EQ(response.StatusCode(), 206);
  EXPECT_EQ(response.Body(), "xxxxxxxxxx");
  EXPECT_EQ(client.Stats().dials, 1u);
}

TEST_F(Nginx, CompressedContentComesInChunks) {
  HostClient client(Options(address_));
  Request request;
  request.SetRequestURI("/text.html");
  request.header().Set("Accept-Encoding", "gzip");
  Response response;
  ASSERT_TRUE(client.DoTimeout(request, response, kPatience).ok());
  EXPECT_EQ(response.StatusCode(), 200);
  EXPECT_EQ(response.header().Peek("Content-Encoding"), "gzip");
  EXPECT_TRUE(absl::StartsWith(response.Body(), "\x1f\x8b")) << response.Body().size();
  EXPECT_EQ(Get(client, "/small"), "200 small\n");
  EXPECT_EQ(client.Stats().dials, 1u);
}

TEST_F(Nginx, AServerThatEndsConnections) {
  HostClient client(Options(address_));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Get(client, "/close"), "200 closed\n");
  EXPECT_EQ(client.Stats().dials, 10u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Get(client, "/few"), "200 few\n");
  EXPECT_EQ(client.Stats().dials, 14u) << "five requests each";
}

TEST_F(Nginx, ARestartIsNotSeen) {
  HostClient client(Options(address_));
  EXPECT_EQ(Get(client, "/small"), "200 small\n");
  for (int i = 0; i < 3; ++i) {
    StartServer();
    EXPECT_EQ(Ask(client, i == 1 ? "HEAD" : "GET", "/small"), i == 1 ? "200 " : "200 small\n");
  }
  process_.reset();
  EXPECT_EQ(Get(client, "/small"), "ConnectionRefused");
}

TEST_F(Nginx, UploadsAndRefusals) {
  HostClient client(Options(address_));
  EXPECT_TRUE(absl::StartsWith(Ask(client, "POST", "/small", "a=b"), "405 "));
  EXPECT_TRUE(absl::StartsWith(Ask(client, "POST", "/small", std::string(5'000'000, 'b')), "413 "));
  EXPECT_TRUE(absl::StartsWith(
      Ask(client, "POST", "/small", std::string(5'000'000, 'b'), /*expect_continue=*/true),
      "413 "));
  EXPECT_EQ(Get(client, "/small"), "200 small\n");
}

TEST_F(Nginx, RedirectsAreFollowed) {
  HostClient client(Options(address_));
  absl::StatusOr<Response> r = client.GetTimeout("/moved", kPatience);
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->Body(), "small\n");
}

TEST_F(Nginx, OverAUnixSocket) {
  HostClient client(Options("unix:" + directory_.Path("sock")));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Get(client, "/small"), "200 small\n");
  EXPECT_EQ(client.Stats().dials, 1u);
}

TEST_F(Nginx, ByNameAndFromEverywhere) {
  HostClientOptions options = Options("localhost:" + port_);
  options.max_conns = 3;
  HostClient client(std::move(options));
  AskFromEverywhere(client, "/small", "200 small\n");
}

// --- Go's net/http ------------------------------------------------------------------------------

class GoNetHttp : public ClientPeer {
 protected:
  void SetUp() override {
    SKIP_WITHOUT("go");
    const std::string program = directory_.Path("peer_server");
    ASSERT_EQ(std::system(absl::StrCat("HOME=", directory_.Path(""),
                                       " GOCACHE=", directory_.Path("cache"),
                                       " GOFLAGS=-mod=mod GO111MODULE=off GOMAXPROCS=2 ",
                                       "go build -o ", program, " fasthttp/testdata/peer_server.go")
                              .c_str()),
              0);
    process_ =
        std::make_unique<Process>(std::vector<std::string>{program}, directory_.Path("output"));
    address_ = AwaitAddress(*process_, directory_, "listening on ", "\n");
    ASSERT_NE(address_, "");
  }

  std::unique_ptr<Process> process_;
  std::string address_;
};

// One test, since each would compile the server anew.
TEST_F(GoNetHttp, IsAskedInEveryWay) {
  int hints = 0;
  HostClientOptions options = Options(address_);
  options.interim_response = [&hints](int status, const ResponseHeader& header) {
    hints += status == 103 && header.Peek("Link") == "</style.css>; rel=preload";
  };
  options.max_conns = 3;
  HostClient client(std::move(options));
  EXPECT_EQ(Get(client, "/echo?a=b%20c"), "200 GET /echo?a=b%20c 0 fasthttp []");
  EXPECT_EQ(Ask(client, "POST", "/echo", "hello"), "200 POST /echo 5 fasthttp []");
  EXPECT_EQ(Ask(client, "PUT", "/echo", std::string(5'000'000, 'b')),
            "200 PUT /echo 5000000 fasthttp []");
  EXPECT_EQ(Ask(client, "POST", "/echo", "hello", /*expect_continue=*/true),
            "200 POST /echo 5 fasthttp []");
  EXPECT_EQ(Ask(client, "DELETE", "/echo"), "200 DELETE /echo 0 fasthttp []");
  EXPECT_EQ(Ask(client, "HEAD", "/large"), "200 ");
  EXPECT_EQ(Get(client, "/large").size(), 4 + 3'000'000u);
  EXPECT_EQ(Get(client, "/hints"), "200 hinted");
  EXPECT_EQ(hints, 1);
  EXPECT_EQ(Get(client, "/nothing"), "404 404 page not found\n");

  Request request;
  request.SetRequestURI("/chunked");
  Response response;
  ASSERT_TRUE(client.DoTimeout(request, response, kPatience).ok());
  EXPECT_TRUE(absl::EndsWith(response.Body(), "piece 8\npiece 9\n")) << response.Body();
  ASSERT_NE(response.header().Trailers(), nullptr);
  EXPECT_EQ(response.header().Trailers()->Peek("X-Sum"), "ten");
  EXPECT_EQ(client.Stats().dials, 1u) << "all on one connection";

  EXPECT_EQ(Ask(client, "POST", "/refuse", std::string(5'000'000, 'b')), "413 too large\n");
  EXPECT_EQ(Ask(client, "POST", "/refuse", "small", /*expect_continue=*/true), "413 too large\n");
  EXPECT_EQ(Get(client, "/abort"), "UnexpectedEof");
  EXPECT_EQ(Get(client, "/close"), "200 GET /close 0 fasthttp []");
  absl::StatusOr<Response> moved = client.GetTimeout("/moved", kPatience);
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->Body(), "GET /echo?from=moved 0 fasthttp []");
  absl::StatusOr<Response> slow = client.GetTimeout("/slow", absl::Milliseconds(50));
  EXPECT_EQ(ErrcOf(slow.status()), Errc::kTimeout) << slow.status();
  AskFromEverywhere(client, "/echo", "200 GET /echo 0 fasthttp []");
}

// --- Python's http.server -----------------------------------------------------------------------

TEST_F(ClientPeer, PythonHttpServer) {
  SKIP_WITHOUT("python3");
  directory_.Write("www/small", "small\n");
  directory_.Write("www/large", std::string(1'000'000, 'x'));
  Process python({"python3", "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory",
                  directory_.Path("www"), "0"},
                 directory_.Path("output"));
  const std::string address = AwaitAddress(python, directory_, "(http://", "/)");
  ASSERT_NE(address, "");
  HostClient client(Options(address));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get(client, "/small"), "200 small\n");
  EXPECT_EQ(client.Stats().dials, 3u) << "it speaks HTTP/1.0";
  EXPECT_EQ(Get(client, "/large"), "200 " + std::string(1'000'000, 'x'));
  EXPECT_EQ(Ask(client, "HEAD", "/small"), "200 ");
  EXPECT_TRUE(absl::StrContains(Get(client, "/"), "Directory listing for /"));
  EXPECT_TRUE(absl::StartsWith(Get(client, "/missing"), "404 "));
  EXPECT_TRUE(absl::StartsWith(Ask(client, "POST", "/small", "a=b"), "501 "));
  EXPECT_EQ(client.ConnsCount(), 0u);
}

}  // namespace
}  // namespace fasthttp
