#include "fasthttp/tls_ticket_keys.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace fasthttp::internal {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1'000'000'000;

const absl::Time kUntil = absl::FromUnixSeconds(1'900'000'000);

std::string Seal(TLSTicketKeys& keys, std::string_view session, int64_t now,
                 absl::Time until = kUntil) {
  std::vector<uint8_t> in(session.begin(), session.end());
  std::vector<uint8_t> out(in.size() + TLSTicketKeys::kOverhead);
  out.resize(keys.Seal(in, until, now, out));
  return {out.begin(), out.end()};
}

std::string Open(TLSTicketKeys& keys, std::string_view ticket, int64_t now,
                 absl::Time want_until = kUntil) {
  std::vector<uint8_t> in(ticket.begin(), ticket.end());
  std::vector<uint8_t> out(in.size());
  absl::Time until = absl::InfinitePast();
  out.resize(keys.Open(in, until, now, out));
  if (!out.empty()) {
    EXPECT_EQ(until, want_until);
  }
  return {out.begin(), out.end()};
}

TEST(TLSTicketKeys, OpensWhatItSealed) {
  TLSTicketKeys keys(kHour);
  const std::string one = Seal(keys, "session", 0), two = Seal(keys, "session", 0);
  EXPECT_EQ(one.size(), 7 + TLSTicketKeys::kOverhead);
  EXPECT_NE(one, two);
  EXPECT_EQ(one.find("session"), std::string::npos);
  EXPECT_EQ(Open(keys, one, 0), "session");
  EXPECT_EQ(Open(keys, two, 0), "session");
  const absl::Time never = absl::InfiniteFuture();
  EXPECT_EQ(Open(keys, Seal(keys, "for ever", 0, never), 0, never), "for ever");
}

TEST(TLSTicketKeys, OpensNothingElse) {
  TLSTicketKeys keys(kHour), others(kHour);
  const std::string ticket = Seal(keys, "session", 0);
  EXPECT_EQ(Open(others, ticket, 0), "");
  EXPECT_EQ(Open(keys, "", 0), "");
  for (size_t i = 0; i < ticket.size(); ++i) {
    std::string changed = ticket;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(Open(keys, changed, 0), "") << i;
    EXPECT_EQ(Open(keys, ticket.substr(0, i), 0), "") << i;
  }
}

TEST(TLSTicketKeys, AKeySealsForAPeriodAndOpensForThree) {
  TLSTicketKeys keys(kHour);
  const std::string early = Seal(keys, "a", 0);
  const std::string late = Seal(keys, "b", kHour - 1);
  EXPECT_EQ(early.substr(0, 16), late.substr(0, 16));
  EXPECT_NE(Seal(keys, "c", kHour).substr(0, 16), early.substr(0, 16));
  EXPECT_EQ(Open(keys, early, 3 * kHour - 1), "a");
  EXPECT_EQ(Open(keys, early, 3 * kHour), "");
}

TEST(TLSTicketKeys, ALongPauseEndsAllKeys) {
  TLSTicketKeys keys(kHour);
  const std::string ticket = Seal(keys, "a", 0);
  EXPECT_EQ(Open(keys, ticket, 1000 * kHour), "");
  EXPECT_EQ(Open(keys, Seal(keys, "b", 1000 * kHour), 1000 * kHour), "b");
}

TEST(TLSTicketKeys, GivenOnesStay) {
  const TLSTicketKey first = {1}, second = {2};
  TLSTicketKeys keys(kHour), elsewhere(kHour);
  keys.Set({&first, 1});
  elsewhere.Set({&first, 1});
  const std::string ticket = Seal(keys, "a", 0);
  EXPECT_EQ(Open(elsewhere, ticket, 1000 * kHour), "a");
  const TLSTicketKey both[] = {second, first};
  elsewhere.Set(both);
  EXPECT_EQ(Open(elsewhere, ticket, 0), "a");
  EXPECT_EQ(Open(keys, Seal(elsewhere, "b", 0), 0), "");
  elsewhere.Set({});
  EXPECT_EQ(Open(elsewhere, ticket, 0), "");
}

}  // namespace
}  // namespace fasthttp::internal
