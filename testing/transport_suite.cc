#include "testing/transport_suite.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "fasthttp/base/chaos.h"
#include "fasthttp/runtime/blocking.h"

namespace fasthttptest {

using fasthttp::BlockingConn;
using fasthttp::Errc;
using fasthttp::ErrcName;
using fasthttp::IoResult;
using fasthttp::runtime::FunctionTask;
using fasthttp::runtime::kMillisecond;
using fasthttp::runtime::kNoDeadline;
using fasthttp::runtime::Loop;
using fasthttp::runtime::SleepFor;

TransportSuite::TransportSuite() { GetParam().connect(runtime_, pair_); }

TransportSuite::~TransportSuite() {
  near_.Close();
  far_.Close();
}

FunctionTask& TransportSuite::Beside(BlockingConn& conn, std::function<void(Loop&)> function) {
  FunctionTask* task = nullptr;
  Loop& loop = *conn.loop();
  runtime_.RunOn(loop, [&] { task = &tasks_.Spawn(loop, std::move(function)); });
  return *task;
}

void TransportSuite::AwaitEnd(BlockingConn& conn, const FunctionTask& task) {
  Loop& loop = *conn.loop();
  runtime_.RunOn(loop, [&] {
    while (!task.done) (void)SleepFor(loop, kMillisecond);
  });
}

void TransportSuite::AwaitBlocked(BlockingConn& conn, const FunctionTask& task) {
  Loop& loop = *conn.loop();
  runtime_.RunOn(loop, [&] {
    while (task.wait == nullptr && !task.done) loop.Yield();
  });
}

std::string TransportSuite::ReadToEnd(BlockingConn& conn) {
  std::string all;
  std::vector<char> buffer(70'000);
  for (;;) {
    IoResult result = conn.Read(buffer);
    if (!result.ok()) return all + "!" + std::string(ErrcName(result.errc()));
    if (result.bytes() == 0) return all;
    all.append(buffer.data(), result.bytes());
  }
}

std::string TransportSuite::ReadToClose(BlockingConn& conn) {
  constexpr std::string_view kNoAlert = "!UnexpectedEof";
  std::string read = ReadToEnd(conn);
  if (fasthttp::base::chaos_enabled && read.ends_with(kNoAlert)) {
    read.resize(read.size() - kNoAlert.size());
  }
  return read;
}

namespace {

std::string Pattern(size_t size) {
  std::string bytes(size, ' ');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 65'521);
  return bytes;
}

}  // namespace

TEST_P(TransportSuite, Echo) {
  FunctionTask& echo = Beside(far_, [&](Loop&) {
    char buffer[100];
    for (;;) {
      IoResult got = far_.Read(buffer);
      if (!got.ok() || got.bytes() == 0) break;
      EXPECT_EQ(far_.Write({buffer, got.bytes()}), Errc::kOk);
    }
    far_.Close();
  });
  for (size_t size : {1u, 10u, 99u, 100u, 101u, 5'000u}) {
    const std::string sent = Pattern(size);
    std::string got(size, ' ');
    EXPECT_EQ(near_.Write(sent), Errc::kOk);
    EXPECT_EQ(near_.ReadFull(got), Errc::kOk);
    EXPECT_TRUE(got == sent) << size;
  }
  near_.CloseWrite();
  EXPECT_EQ(ReadToEnd(near_), "");
  AwaitEnd(far_, echo);
}

TEST_P(TransportSuite, HalfCloseKeepsTheOtherDirection) {
  EXPECT_EQ(near_.Write("question"), Errc::kOk);
  near_.CloseWrite();
  EXPECT_EQ(ReadToEnd(far_), "question");
  EXPECT_EQ(far_.Write("answer"), Errc::kOk);
  EXPECT_EQ(far_.Write(", and more"), Errc::kOk);
  far_.Close();
  EXPECT_EQ(ReadToClose(near_), "answer, and more");
  EXPECT_NE(near_.Write("x"), Errc::kOk) << "after one's own CloseWrite";
}

TEST_P(TransportSuite, CloseIsTheEndOfTheStream) {
  EXPECT_EQ(near_.Write("last words"), Errc::kOk);
  near_.Close();
  EXPECT_EQ(ReadToClose(far_), "last words");
  EXPECT_EQ(near_.Write("x"), Errc::kConnectionClosed);
  EXPECT_EQ(ReadToEnd(near_), "!ConnectionClosed");
  near_.Close();
  EXPECT_FALSE(near_.is_open());
}

TEST_P(TransportSuite, WritesFailWhenThePeerHasGone) {
  near_.Close();
  Errc errc = Errc::kOk;
  for (int i = 0; i < 1000 && errc == Errc::kOk; ++i) errc = far_.Write(std::string(1000, 'x'));
  EXPECT_TRUE(errc == Errc::kConnectionClosed || errc == Errc::kConnectionReset) << ErrcName(errc);
}

TEST_P(TransportSuite, AResetIsSeen) {
  const std::string seen = GetParam().tells_resets ? "!ConnectionReset" : "";
  FunctionTask& reader = Beside(far_, [&](Loop&) { EXPECT_EQ(ReadToEnd(far_), seen); });
  AwaitBlocked(far_, reader);
  near_.Reset();
  AwaitEnd(far_, reader);
  EXPECT_EQ(far_.Write("x"), Errc::kConnectionReset);
}

TEST_P(TransportSuite, BigTransfersWaitForTheReader) {
  const std::string sent = Pattern(3'000'000);
  FunctionTask& writer = Beside(near_, [&](Loop&) {
    EXPECT_EQ(near_.Write(sent), Errc::kOk);
    near_.CloseWrite();
  });
  EXPECT_TRUE(ReadToEnd(far_) == sent);
  AwaitEnd(near_, writer);
  EXPECT_EQ(writer.done, true);
}

TEST_P(TransportSuite, BothDirectionsAtOnce) {
  const std::string sent = Pattern(1'000'000);
  FunctionTask& near_writer = Beside(near_, [&](Loop&) {
    EXPECT_EQ(near_.Write(sent), Errc::kOk);
    near_.CloseWrite();
  });
  FunctionTask& far_writer = Beside(far_, [&](Loop&) {
    EXPECT_EQ(far_.Write(sent), Errc::kOk);
    far_.CloseWrite();
  });
  std::string got;
  FunctionTask& near_reader = Beside(near_, [&](Loop&) { got = ReadToEnd(near_); });
  EXPECT_TRUE(ReadToEnd(far_) == sent);
  AwaitEnd(near_, near_reader);
  EXPECT_TRUE(got == sent);
  AwaitEnd(near_, near_writer);
  AwaitEnd(far_, far_writer);
}

TEST_P(TransportSuite, BackPressureBlocksTheWriterUntilItsDeadline) {
  near_.SetWriteDeadline(absl::Now() + absl::Milliseconds(30));
  Errc errc = Errc::kOk;
  const std::string piece(1 << 20, 'x');
  for (size_t n = 0; n < GetParam().more_than_fits && errc == Errc::kOk; n += piece.size()) {
    errc = near_.Write(piece);
  }
  EXPECT_EQ(errc, Errc::kTimeout);
}

TEST_P(TransportSuite, ReadDeadlines) {
  near_.SetReadDeadline(absl::Now() + absl::Milliseconds(5));
  EXPECT_EQ(ReadToEnd(near_), "!Timeout");
  EXPECT_EQ(ReadToEnd(near_), "!Timeout");
  EXPECT_EQ(far_.Write("x"), Errc::kOk);
  near_.SetReadDeadline(absl::InfiniteFuture());
  char got = ' ';
  EXPECT_EQ(near_.ReadFull({&got, 1}), Errc::kOk);
  EXPECT_EQ(got, 'x');
}

TEST_P(TransportSuite, ADeadlineWakesABlockedRead) {
  FunctionTask& reader = Beside(near_, [&](Loop&) { EXPECT_EQ(ReadToEnd(near_), "!Timeout"); });
  AwaitBlocked(near_, reader);
  near_.SetReadDeadline(absl::Now() - absl::Seconds(1));
  AwaitEnd(near_, reader);
}

TEST_P(TransportSuite, ACancelledReadLosesNothing) {
  FunctionTask& reader = Beside(near_, [&](Loop&) { EXPECT_EQ(ReadToEnd(near_), "!Cancelled"); });
  AwaitBlocked(near_, reader);
  runtime_.RunOn(*near_.loop(), [&] { near_.loop()->Cancel(reader, Errc::kCancelled); });
  AwaitEnd(near_, reader);
  EXPECT_EQ(far_.Write("kept"), Errc::kOk);
  std::string got(4, ' ');
  EXPECT_EQ(near_.ReadFull(got), Errc::kOk);
  EXPECT_EQ(got, "kept");
}

TEST_P(TransportSuite, ACancelledTaskFailsBeforeItTries) {
  EXPECT_EQ(far_.Write("there"), Errc::kOk);
  FunctionTask& reader = Beside(near_, [&](Loop& loop) {
    loop.Cancel(*loop.current_task(), Errc::kClientGone);
    EXPECT_EQ(ReadToEnd(near_), "!ClientGone");
    EXPECT_EQ(near_.Write("x"), Errc::kClientGone);
  });
  AwaitEnd(near_, reader);
}

TEST_P(TransportSuite, HasUnreadTellsOfReceivedBytes) {
  auto has_unread = [&] {
    bool unread = false;
    runtime_.RunOn(*near_.loop(), [&] { unread = near_.endpoint()->conn->HasUnread(); });
    return unread;
  };
  EXPECT_FALSE(has_unread());
  EXPECT_EQ(far_.Write("xy"), Errc::kOk);
  while (!has_unread()) {
  }
  char got[2];
  EXPECT_EQ(near_.ReadFull(got), Errc::kOk);
  EXPECT_FALSE(has_unread());
}

TEST_P(TransportSuite, CloseWakesAWaitingFiber) {
  FunctionTask& reader =
      Beside(near_, [&](Loop&) { EXPECT_EQ(ReadToEnd(near_), "!ConnectionClosed"); });
  FunctionTask& writer = Beside(near_, [&](Loop&) {
    EXPECT_EQ(near_.Write(std::string(GetParam().more_than_fits, 'x')), Errc::kConnectionClosed);
  });
  AwaitBlocked(near_, reader);
  AwaitBlocked(near_, writer);
  near_.Close();
  AwaitEnd(near_, reader);
  AwaitEnd(near_, writer);
}

TEST_P(TransportSuite, NoticesOfAFormerOwnerAreStale) {
  struct Sink final : fasthttp::runtime::EventSink {
    void OnReady(fasthttp::runtime::Endpoint&, uint8_t) override { ++seen; }
    void OnTimer(fasthttp::runtime::Endpoint&) override {}
    int seen = 0;
  } sink;
  Loop& loop = *near_.loop();
  fasthttp::ReadyToken old;
  runtime_.RunOn(loop, [&] { old = near_.endpoint()->token(loop); });
  near_.Close();
  fasthttp::runtime::Endpoint* heir = nullptr;
  runtime_.RunOn(loop, [&] { heir = loop.Open(nullptr, &sink); });
  EXPECT_EQ(heir->slot, old.slot);
  old.Notify(fasthttp::kReadable);
  for (int i = 0; i < 3; ++i) runtime_.RunOn(loop, [] { Loop::Current()->Yield(); });
  runtime_.RunOn(loop, [&] {
    EXPECT_EQ(sink.seen, 0);
    EXPECT_EQ(heir->latched, 0);
    loop.Release(*heir);
  });
}

// What happened before Arm is reported by it.
TEST_P(TransportSuite, ArmReportsWhatHappenedBefore) {
  EXPECT_EQ(far_.Write("early"), Errc::kOk);
  Loop& loop = *near_.loop();
  FunctionTask& waiter = Beside(near_, [&](Loop& here) {
    while (!near_.endpoint()->conn->HasUnread()) here.Yield();
    // No TryRecv before it: only Arm can tell.
    EXPECT_EQ(AwaitReady(loop, *near_.endpoint(), fasthttp::kReadable, kNoDeadline), Errc::kOk);
  });
  AwaitEnd(near_, waiter);
  char got[5];
  EXPECT_EQ(near_.ReadFull(got), Errc::kOk);
}

TEST_P(TransportSuite, ArmReportsAnEarlyEnd) {
  far_.Close();
  FunctionTask& waiter = Beside(near_, [&](Loop& loop) {
    EXPECT_EQ(AwaitReady(loop, *near_.endpoint(), fasthttp::kReadable, kNoDeadline), Errc::kOk);
    char byte;
    IoResult end = near_.endpoint()->conn->TryRecv({&byte, 1});
    EXPECT_TRUE(end.ok() && end.bytes() == 0);
  });
  AwaitEnd(near_, waiter);
}

TEST_P(TransportSuite, VectoredSendsKeepTheirOrder) {
  FunctionTask& sender = Beside(near_, [&](Loop& loop) {
    std::string parts[] = {"a", "", "bcd", std::string(50'000, 'e'), "f"};
    std::vector<iovec> pieces;
    for (std::string& part : parts) pieces.push_back({part.data(), part.size()});
    size_t first = 0;
    while (first < pieces.size()) {
      IoResult sent = near_.endpoint()->conn->TrySend(std::span(pieces).subspan(first));
      if (sent.again()) {
        (void)AwaitReady(loop, *near_.endpoint(), fasthttp::kWritable, kNoDeadline);
        continue;
      }
      ASSERT_TRUE(sent.ok());
      size_t n = sent.bytes();
      while (first < pieces.size() && n >= pieces[first].iov_len) n -= pieces[first++].iov_len;
      if (first == pieces.size()) break;
      pieces[first].iov_base = static_cast<char*>(pieces[first].iov_base) + n;
      pieces[first].iov_len -= n;
    }
    near_.CloseWrite();
  });
  EXPECT_TRUE(ReadToEnd(far_) == "abcd" + std::string(50'000, 'e') + "f");
  AwaitEnd(near_, sender);
}

TEST_P(TransportSuite, AddressesAgree) {
  EXPECT_EQ(near_.LocalAddr().network(), far_.RemoteAddr().network());
  EXPECT_NE(near_.LocalAddr().network(), "");
  if (near_.LocalAddr().network() == "tcp") {
    EXPECT_EQ(near_.LocalAddr(), far_.RemoteAddr());
    EXPECT_EQ(near_.RemoteAddr(), far_.LocalAddr());
  }
}

}  // namespace fasthttptest
