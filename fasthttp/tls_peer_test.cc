// TLS with other people's programs: curl, openssl, Go and Python as clients of our server, and
// openssl, nginx, Go and Python as servers of our client.
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "fasthttp/base/chaos.h"
#include "fasthttp/error.h"
#include "fasthttp/host_client.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/server.h"
#include "fasthttp/tls.h"
#include "gtest/gtest.h"
#include "testing/peer_process.h"
#include "testing/test_certificate.h"

namespace fasthttp {
namespace {

using fasthttptest::GenerateTestCertificate;
using fasthttptest::TestCertificate;
using testing::Answers;
using testing::AwaitAddress;
using testing::Directory;
using testing::FreePort;
using testing::kPatience;
using testing::OutputOf;
using testing::Process;

// The authority of all certificates here, one of a server and one of a client.
class TLSPeer : public ::testing::Test {
 protected:
  TLSPeer() {
    Keep("roots", root_);
    Keep("server",
         GenerateTestCertificate({.hosts = {"localhost", "127.0.0.1"}, .issuer = &root_}));
    Keep("client", GenerateTestCertificate({.common_name = "client", .issuer = &root_}));
  }
  void Keep(const std::string& name, const TestCertificate& certificate) {
    directory_.Write(name + ".pem", certificate.cert_pem);
    directory_.Write(name + ".key", certificate.key_pem);
  }
  // Words in capitals stand for files and addresses.
  std::string Fill(std::string_view text) const {
    return absl::StrReplaceAll(text, {{"DIR", directory_.Path("")},
                                      {"ROOTS", directory_.Path("roots.pem")},
                                      {"CLIENT", directory_.Path("client")},
                                      {"SERVER", directory_.Path("server")},
                                      {"HOST", "localhost:" + port_}});
  }
  std::string Run(std::string_view command) const { return OutputOf(Fill(command)); }
  // The program of testdata/tls_peer.go.
  std::string BuildGo() const {
    std::string program = directory_.Path("tls_peer");
    EXPECT_EQ(std::system(absl::StrCat("HOME=", directory_.Path(""),
                                       " GOCACHE=", directory_.Path("cache"),
                                       " GO111MODULE=off GOMAXPROCS=2 go build -o ", program,
                                       " fasthttp/testdata/tls_peer.go")
                              .c_str()),
              0);
    return program;
  }

  const TestCertificate root_ = GenerateTestCertificate({.common_name = "root", .is_ca = true});
  Directory directory_;
  Runtime runtime_{{.threads = 2}};
  std::string port_;
};

// --- Our server ---------------------------------------------------------------------------------

class ServerTLSPeer : public TLSPeer {
 protected:
  void Start(TLSSettings settings = {}) {
    config_ = TLSConfig(std::move(settings));
    absl::Status added = config_.AppendCert(Fill("SERVER.pem"), Fill("SERVER.key"));
    ASSERT_TRUE(added.ok()) << added;
    server_ = std::make_unique<Server>(ServerSettings{.handler = Answer, .runtime = &runtime_});
    absl::StatusOr<Addr> address = StartTLS(*server_, "127.0.0.1:0", config_);
    ASSERT_TRUE(address.ok()) << address.status();
    port_ = absl::StrCat(address->port());
  }

  static void Answer(RequestCtx& ctx) {
    if (ctx.Path() == "/large") return ctx.SetBody(std::string(3'000'000, 'x'));
    if (ctx.Path() == "/close") ctx.SetConnectionClose();
    const TLSConnectionState& tls = *ctx.TLSConnectionState();
    ctx.SetBody(absl::StrCat(ctx.Method(), " ", ctx.PostBody().size(), " ",
                             tls.peer_certificates.size(), "\n"));
  }

  TLSConfig config_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTLSPeer, Curl) {
  SKIP_WITHOUT("curl");
  Start();
  const std::string curl = "curl -sS --max-time 60 --noproxy '*' --cacert ROOTS ";
  for (const char* version : {"--tls-max 1.2 ", "--tlsv1.3 ", ""}) {
    EXPECT_EQ(Run(curl + version + "https://HOST/a"), "GET 0 0\n");
    EXPECT_EQ(Run(curl + version + "-d hello https://HOST/a"), "POST 5 0\n");
    EXPECT_EQ(Run(curl + version + "-o /dev/null -w '%{size_download}' https://HOST/large"),
              "3000000");
    directory_.Write("upload", std::string(2'000'000, 'u'));
    EXPECT_EQ(Run(curl + version + "--data-binary @DIR/upload https://HOST/a"), "POST 2000000 0\n");
  }
  EXPECT_EQ(Run(curl + "-o /dev/null -o /dev/null -w '%{num_connects} ' https://HOST/a "
                       "https://HOST/a"),
            "1 0 ");
  // Its own error numbers: 60 is a certificate that is not trusted.
  EXPECT_EQ(Run("curl -sS --noproxy '*' --max-time 60 -o /dev/null -w '%{exitcode}' "
                "https://HOST/ 2>/dev/null"),
            "60");
  // That answer is sent once, and chaos mode cuts it short.
  if (base::chaos_enabled) return;
  EXPECT_TRUE(absl::StrContains(Run("curl -sS --noproxy '*' --max-time 60 http://HOST/"),
                                "This port speaks HTTPS."));
}

TEST_F(ServerTLSPeer, CurlWithACertificate) {
  SKIP_WITHOUT("curl");
  Start({.client_auth = ClientAuth::kRequired, .client_ca_pem = root_.cert_pem});
  const std::string curl = "curl -sS --max-time 60 --noproxy '*' --cacert ROOTS ";
  for (const char* version : {"--tls-max 1.2 ", "--tlsv1.3 "}) {
    // It adds the root that it knows.
    EXPECT_EQ(Run(curl + version + "--cert CLIENT.pem --key CLIENT.key https://HOST/"),
              "GET 0 2\n");
    EXPECT_TRUE(absl::StrContains(Run(curl + version + "https://HOST/"), "alert"));
  }
}

TEST_F(ServerTLSPeer, OpenSSL) {
  SKIP_WITHOUT("openssl");
  Start();
  const std::string get = "printf 'GET /close HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n' | ";
  const std::string client =
      "timeout 60 openssl s_client -connect HOST -CAfile ROOTS -verify_return_error -quiet ";
  for (const char* version : {"-tls1_2 ", "-tls1_3 "}) {
    // -quiet keeps it from ending with its input.
    const std::string answer = Run(get + client + version);
    EXPECT_TRUE(absl::EndsWith(answer, "GET 0 0\n")) << answer;
  }
  for (const char* refused : {"-tls1_1 -cipher DEFAULT@SECLEVEL=0", "-tls1_2 -cipher AES128-SHA",
                              "-tls1_2 -cipher ECDHE+AES+SHA", "-alpn h2"}) {
    const std::string answer = Run("echo | " + client + refused);
    EXPECT_TRUE(absl::StrContains(answer, "alert")) << refused << answer;
  }
  // A renegotiation is refused, and the connection ends.
  const std::string renegotiated =
      Run("(echo R; sleep 1) | timeout 60 openssl s_client -connect HOST -CAfile ROOTS -tls1_2");
  EXPECT_TRUE(absl::StrContains(renegotiated, "no renegotiation") ||
              absl::StrContains(renegotiated, "NO_RENEGOTIATION"))
      << renegotiated;
  // Sessions.
  for (const char* version : {"-tls1_2 ", "-tls1_3 "}) {
    Run(get + client + version + "-sess_out DIR/session -ign_eof");
    const std::string again =
        Run(get +
            "timeout 60 openssl s_client -connect HOST -CAfile ROOTS -ign_eof -sess_in "
            "DIR/session " +
            version);
    EXPECT_TRUE(absl::StrContains(again, "Reused, TLSv1")) << again;
  }
}

TEST_F(ServerTLSPeer, Go) {
  SKIP_WITHOUT("go");
  Start({.client_auth = ClientAuth::kOptional, .client_ca_pem = root_.cert_pem});
  const std::string go = BuildGo();
  EXPECT_EQ(Run(go + " ask ROOTS HOST"),
            "303 false POST 1000000 0\n <nil>\n303 true POST 1000000 0\n <nil>\n"
            "304 false POST 1000000 0\n <nil>\n304 true POST 1000000 0\n <nil>\n");
  EXPECT_EQ(Run(go + " ask ROOTS HOST CLIENT.pem CLIENT.key"),
            "303 false POST 1000000 1\n <nil>\n303 true POST 1000000 1\n <nil>\n"
            "304 false POST 1000000 1\n <nil>\n304 true POST 1000000 1\n <nil>\n");
}

TEST_F(ServerTLSPeer, PythonSeesACleanEnd) {
  SKIP_WITHOUT("python3");
  Start();
  directory_.Write("ask.py", R"(
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
raw = socket.create_connection(("localhost", int(sys.argv[2])), 60)
with context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False) as s:
    s.sendall(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\nGET /close HTTP/1.1\r\nHost: h\r\n\r\n")
    got = b""
    while True:
        piece = s.recv(100000)  # Without a close_notify an exception.
        if not piece:
            break
        got += piece
print(got.count(b"x" * 1000), got[-8:])
)");
  EXPECT_EQ(Run("python3 DIR/ask.py ROOTS " + port_), "3000 b'GET 0 0\\n'\n");
}

// --- Our client ---------------------------------------------------------------------------------

class ClientTLSPeer : public TLSPeer {
 protected:
  HostClientOptions Options(TLSVersion max = TLSVersion::kTLS13, bool with_certificate = false) {
    ClientTLSSettings tls;
    tls.max_version = max;
    tls.root_ca_file = Fill("ROOTS");
    if (with_certificate) {
      tls.cert_file = Fill("CLIENT.pem");
      tls.key_file = Fill("CLIENT.key");
    }
    HostClientOptions options;
    options.addr = "localhost:" + port_;
    options.is_tls = true;
    options.tls = ClientTLSConfig(std::move(tls));
    options.runtime = &runtime_;
    return options;
  }
  std::string Get(HostClient& client, std::string_view path) {
    absl::StatusOr<Response> r = client.GetTimeout(path, kPatience);
    return r.ok() ? absl::StrCat(r->StatusCode(), " ", r->Body())
                  : std::string(ErrcName(ErrcOf(r.status())));
  }
  void Run(std::vector<std::string> command) {
    process_.reset();
    process_ = std::make_unique<Process>(std::move(command), directory_.Path("output"));
  }
  void TearDown() override {
    process_.reset();
    if (HasFailure()) std::puts(directory_.Read("output").c_str());
  }

  std::unique_ptr<Process> process_;
};

TEST_F(ClientTLSPeer, OpenSSL) {
  SKIP_WITHOUT("openssl");
  port_ = FreePort();
  auto start = [&](std::vector<std::string> more) {
    std::vector<std::string> command = {
        "openssl", "s_server",         "-accept", "127.0.0.1:" + port_,
        "-cert",   Fill("SERVER.pem"), "-key",    Fill("SERVER.key")};
    command.insert(command.end(), more.begin(), more.end());
    Run(std::move(command));
    ASSERT_TRUE(Answers(*process_, "127.0.0.1:" + port_, runtime_));
  };
  start({"-www"});
  for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    HostClient client(Options(version));
    // HTTP/1.0 without a length: the end is the connection's.
    const std::string page = Get(client, "/");
    EXPECT_TRUE(absl::StartsWith(page, "200 <HTML>")) << page;
    EXPECT_TRUE(absl::StrContains(page, "</HTML>") || absl::StrContains(page, "</pre>")) << page;
    const std::string again = Get(client, "/");
    EXPECT_TRUE(absl::StrContains(again, "Reused")) << again;
  }
  start({"-www", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"});
  HostClient modern(Options());
  EXPECT_EQ(Get(modern, "/"), "TlsAlert");
  start({"-www", "-Verify", "1", "-verify_return_error", "-CAfile", Fill("ROOTS")});
  HostClient named(Options(TLSVersion::kTLS13, /*with_certificate=*/true)), nobody(Options());
  EXPECT_TRUE(absl::StartsWith(Get(named, "/"), "200 "));
  EXPECT_EQ(Get(nobody, "/"), "TlsAlert");
}

TEST_F(ClientTLSPeer, Nginx) {
  SKIP_WITHOUT("/usr/sbin/nginx");
  port_ = FreePort();
  directory_.Write("www/small", "small\n");
  directory_.Write("www/large", std::string(3'000'000, 'x'));
  directory_.Write("nginx.conf",
                   absl::StrReplaceAll(R"(
daemon off; master_process off; user root root; pid DIRnginx.pid; error_log stderr;
events { worker_connections 256; }
http {
  access_log off; root DIRwww; client_body_temp_path DIRbody; proxy_temp_path DIRproxy;
  fastcgi_temp_path DIRfastcgi; uwsgi_temp_path DIRuwsgi; scgi_temp_path DIRscgi;
  server {
    listen 127.0.0.1:PORT ssl;
    ssl_certificate DIRserver.pem; ssl_certificate_key DIRserver.key;
    ssl_session_cache shared:s:1m;
    location /close { keepalive_timeout 0; return 200 "closed\n"; }
  }
})",
                                       {{"DIR", directory_.Path("")}, {"PORT", port_}}));
  Run({"/usr/sbin/nginx", "-p", directory_.Path(""), "-e", "stderr", "-c",
       directory_.Path("nginx.conf")});
  ASSERT_TRUE(Answers(*process_, "127.0.0.1:" + port_, runtime_)) << directory_.Read("output");
  for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    HostClient client(Options(version));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(Get(client, "/small"), "200 small\n");
    EXPECT_EQ(Get(client, "/large"), "200 " + std::string(3'000'000, 'x'));
    EXPECT_EQ(client.Stats().dials, 1u);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(Get(client, "/close"), "200 closed\n");
  }
}

TEST_F(ClientTLSPeer, Go) {
  SKIP_WITHOUT("go");
  const std::string program = BuildGo();
  auto start = [&](std::vector<std::string> command) {
    Run(std::move(command));
    const std::string address = AwaitAddress(*process_, directory_, "listening on ", "\n");
    port_ = address.substr(address.rfind(':') + 1);
  };
  start({program, "serve", Fill("SERVER.pem"), Fill("SERVER.key")});
  for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    HostClient client(Options(version));
    const std::string hex = version == TLSVersion::kTLS12 ? "303" : "304";
    EXPECT_EQ(Get(client, "/echo"), "200 GET 0 " + hex + " false 0 localhost");
    EXPECT_EQ(Get(client, "/large").size(), 4 + 3'000'000u);
    absl::StatusOr<Response> posted = client.Post("/echo", "a/b", std::string(2'000'000, 'b'));
    EXPECT_EQ(posted.ok() ? posted->Body() : posted.status().message(),
              "POST 2000000 " + hex + " false 0 localhost");
    EXPECT_EQ(client.Stats().dials, 1u);
    EXPECT_EQ(Get(client, "/close"), "200 closed");
    EXPECT_EQ(Get(client, "/echo"), "200 GET 0 " + hex + " true 0 localhost");
  }
  start({program, "serve", Fill("SERVER.pem"), Fill("SERVER.key"), Fill("ROOTS")});
  for (TLSVersion version : {TLSVersion::kTLS12, TLSVersion::kTLS13}) {
    HostClient named(Options(version, /*with_certificate=*/true)), nobody(Options(version));
    EXPECT_TRUE(absl::StrContains(Get(named, "/echo"), " false 1 localhost"));
    EXPECT_EQ(Get(nobody, "/echo"), "TlsAlert");
  }
}

TEST_F(ClientTLSPeer, Python) {
  SKIP_WITHOUT("python3");
  directory_.Write("www/small", "small\n");
  directory_.Write("serve.py", Fill(R"(
import functools, http.server, ssl
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="DIRwww")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS)
context.load_cert_chain("SERVER.pem", "SERVER.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
print("port", server.server_address[1], "ready", flush=True)
server.serve_forever()
)"));
  Run({"python3", "-u", directory_.Path("serve.py")});
  port_ = AwaitAddress(*process_, directory_, "port ", " ready");
  HostClient client(Options());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get(client, "/small"), "200 small\n");
}

}  // namespace
}  // namespace fasthttp
