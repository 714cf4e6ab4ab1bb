#include "fasthttp/out_queue.h"

#include <string>
#include <string_view>
#include <utility>

#include "fasthttp/base/errc.h"
#include "gtest/gtest.h"
#include "testing/scripted_conn.h"

namespace fasthttp {
namespace {

using fasthttptest::ScriptedConn;

std::string Chunk(int i) { return std::string(1000, static_cast<char>('a' + i % 26)); }

// A peer that reads just enough to be given more, and never all.
TEST(OutQueue, MemoryIsBoundedByWhatIsPending) {
  ScriptedConn conn;
  OutQueue queue;
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    queue.Append(Chunk(i));
    expected += Chunk(i);
  }
  for (int i = 0; i < 10'000; ++i) {
    queue.Append(Chunk(i));
    expected += Chunk(i);
    conn.Take(1000).Take(0);
    ASSERT_EQ(queue.Flush(conn, 0), Errc::kAgain);
    ASSERT_EQ(queue.pending(), 20'000u);
  }
  EXPECT_LE(queue.capacity(), 64u * 1024);
  EXPECT_EQ(queue.Flush(conn, 0), Errc::kOk);
  EXPECT_EQ(conn.written(), expected);
}

TEST(OutQueue, PiecesKeepTheirPlaceWhenWhatIsSentIsDropped) {
  ScriptedConn conn;
  OutQueue queue;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    if (i % 3 == 0) {
      queue.Append(OwnedBytes(Chunk(i)));
    } else {
      queue.Append(Chunk(i));
    }
    expected += Chunk(i);
    if (i < 10) continue;
    // Ends within buffer and piece alike.
    conn.Take(i % 7 * 100).Take(static_cast<size_t>(1000 - i % 7 * 100)).Take(0);
    while (queue.pending() > 20'000 && queue.Flush(conn, 0) == Errc::kAgain) {
    }
  }
  EXPECT_LE(queue.capacity(), 128u * 1024);
  while (queue.Flush(conn, 0) == Errc::kAgain) {
  }
  EXPECT_EQ(conn.written(), expected);
}

// Whatever the connection takes of head and body at first.
TEST(OutQueue, ABodyIsSentFromWhereItLiesAsFarAsItGoes) {
  const std::string head = Chunk(1);
  const std::string body = Chunk(2) + Chunk(3);
  for (size_t taken : {0, 1, 999, 1000, 1001, 2500, 2999, 3000}) {
    ScriptedConn conn;
    OutQueue queue;
    queue.Append(head);
    conn.Take(taken);
    if (taken < 3000) conn.Take(0);
    const size_t sent = queue.SendWith(conn, body);
    EXPECT_EQ(sent, taken < 1000 ? 0 : taken - 1000);
    EXPECT_EQ(conn.written(), (head + body).substr(0, taken));
    queue.Append(OwnedBytes(std::string(body)), sent);
    EXPECT_EQ(queue.pending(), 3000 - taken);
    if (taken < 3000) {
      EXPECT_EQ(queue.Flush(conn, 0), Errc::kAgain);
      EXPECT_EQ(queue.SendWith(conn, "not yet"), 0u) << "the queue waits for its peer";
      queue.Append(Chunk(4));
    }
    EXPECT_EQ(queue.Flush(conn, 0), Errc::kOk);
    EXPECT_EQ(conn.written(), head + body + (taken < 3000 ? Chunk(4) : "")) << taken;
    EXPECT_EQ(queue.pending(), 0u);
  }
}

}  // namespace
}  // namespace fasthttp
