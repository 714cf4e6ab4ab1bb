#include "testing/wire_server.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "fasthttp/base/check.h"

namespace fasthttp::testing {
namespace {

bool ReceiveMore(BlockingConn& conn, std::string& buffer) {
  std::array<char, 16 * 1024> room;
  IoResult n = conn.Read(room);
  if (!n.ok() || n.bytes() == 0) return false;
  buffer.append(room.data(), n.bytes());
  return true;
}

size_t ContentLength(std::string_view head) {
  constexpr std::string_view kName = "\r\nContent-Length: ";
  size_t at = head.find(kName);
  if (at == head.npos) return 0;
  at += kName.size();
  size_t length = 0;
  FASTHTTP_CHECK(absl::SimpleAtoi(head.substr(at, head.find("\r\n", at) - at), &length),
                 "a client sent a Content-Length that is no number");
  return length;
}

std::string AnswerTo(std::string_view target, std::string_view text) {
  std::string answer;
  if (target == "/interim") {
    for (int i = 0; i < 2; ++i) answer += "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
  }
  answer += "HTTP/1.1 200 OK\r\n";
  if (target != "/chunked") {
    const std::string body = target == "/large" ? std::string(150'000, 'x') : std::string(text);
    return absl::StrCat(answer, "Content-Length: ", body.size(), "\r\n\r\n", body);
  }
  answer += "Transfer-Encoding: chunked\r\n\r\n";
  for (char c : text) absl::StrAppend(&answer, "1\r\n", std::string(1, c), "\r\n");
  return answer + "0\r\nX-Trailer: x\r\n\r\n";
}

}  // namespace

void ServeWire(BlockingConn& conn) {
  std::string buffer;
  for (;;) {
    size_t end;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
      if (!ReceiveMore(conn, buffer)) return conn.Close();
    }
    const std::string head = buffer.substr(0, end + 2);
    buffer.erase(0, end + 4);
    const size_t length = ContentLength(head);
    if (head.find("100-continue") != head.npos && buffer.size() < length &&
        conn.Write("HTTP/1.1 100 Continue\r\n\r\n") != Errc::kOk) {
      return conn.Close();
    }
    while (buffer.size() < length) {
      if (!ReceiveMore(conn, buffer)) return conn.Close();
    }
    buffer.erase(0, length);
    const std::string line = head.substr(0, head.find(" HTTP/"));
    const std::string target = line.substr(line.find(' ') + 1);
    if (conn.Write(AnswerTo(target, absl::StrCat(line, " ", length))) != Errc::kOk) {
      return conn.Close();
    }
  }
}

}  // namespace fasthttp::testing
