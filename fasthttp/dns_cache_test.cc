#include "fasthttp/dns_cache.h"

#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/runtime.h"
#include "fasthttp/runtime/test_tasks.h"
#include "gtest/gtest.h"
#include "testing/scripted_resolver.h"
#include "testing/sim_runtime.h"

namespace fasthttp {
namespace {

using fasthttptest::ScriptedResolver;
using fasthttptest::SimRuntime;
using runtime::FunctionTask;
using runtime::Loop;

constexpr char kHost[] = "a.example";

class DnsCacheTest : public ::testing::TestWithParam<size_t> {
 protected:
  void Make(DnsCacheOptions options = {}) {
    options.resolver = resolver_;
    cache_ = std::make_unique<DnsCache>(options);
  }
  // The addresses, or the name of the error.
  std::string AskOn(Loop& loop, std::string_view host, absl::Duration timeout) {
    std::shared_ptr<const DnsCache::Answer> answer;
    Errc errc =
        cache_->Lookup(loop, host, loop.FreshNow() + absl::ToInt64Nanoseconds(timeout), answer);
    if (errc != Errc::kOk) return std::string(ErrcName(errc));
    std::string text;
    for (const Addr& addr : answer->addresses) text += (text.empty() ? "" : " ") + addr.IpString();
    return text;
  }
  std::string Ask(std::string_view host = kHost, absl::Duration timeout = absl::Seconds(3)) {
    std::string text;
    sim_.Run([&] { text = AskOn(*Loop::Current(), host, timeout); });
    return text;
  }
  // Beside the test, on loop `i`; to be read when it is done.
  const std::string& AskLater(size_t i, absl::Duration timeout = absl::Seconds(3)) {
    std::string& text = texts_.emplace_back();
    FunctionTask& task = tasks_.emplace_back(
        [this, &text, timeout](Loop& loop) { text = AskOn(loop, kHost, timeout); });
    sim_.loop(i).Post(
        [](Loop& loop, void* t, uint64_t, uint64_t) { loop.Spawn(*static_cast<FunctionTask*>(t)); },
        &task);
    return text;
  }
  void AwaitAll() {
    EXPECT_TRUE(sim_.RunUntil([&] {
      for (const FunctionTask& task : tasks_) {
        if (!task.done) return false;
      }
      return true;
    }));
  }

  SimRuntime sim_{{.loops = GetParam()}};
  std::shared_ptr<ScriptedResolver> resolver_ = std::make_shared<ScriptedResolver>();
  std::unique_ptr<DnsCache> cache_;
  std::deque<FunctionTask> tasks_;
  std::deque<std::string> texts_;
};

TEST_P(DnsCacheTest, AnAnswerIsKept) {
  Make();
  resolver_->Answer(kHost, {"192.0.2.1", "2001:db8::1"});
  EXPECT_EQ(Ask(), "192.0.2.1 2001:db8::1");
  sim_.Advance(absl::Seconds(59));
  EXPECT_EQ(Ask("A.EXAMPLE"), "192.0.2.1 2001:db8::1") << "names have no case";
  EXPECT_EQ(resolver_->lookups(kHost), 1);
}

TEST_P(DnsCacheTest, AnOldAnswerIsUsedWhileItIsLookedUpAnew) {
  Make();
  resolver_->Answer(kHost, {"192.0.2.1"});
  EXPECT_EQ(Ask(), "192.0.2.1");
  resolver_->Answer(kHost, {"192.0.2.2"}, absl::Seconds(2));
  sim_.Advance(absl::Seconds(61));
  const absl::Time before = sim_.Now();
  EXPECT_EQ(Ask(), "192.0.2.1");
  EXPECT_EQ(Ask(), "192.0.2.1");
  EXPECT_LE(sim_.Now() - before, absl::Milliseconds(1)) << "nobody waits";
  sim_.Advance(absl::Seconds(3));
  EXPECT_EQ(Ask(), "192.0.2.2");
  EXPECT_EQ(resolver_->lookups(kHost), 2);
}

TEST_P(DnsCacheTest, ATooOldAnswerIsNotUsed) {
  Make();
  resolver_->Answer(kHost, {"192.0.2.1"});
  EXPECT_EQ(Ask(), "192.0.2.1");
  resolver_->Answer(kHost, {"192.0.2.2"}, absl::Seconds(2));
  sim_.Advance(absl::Seconds(121));
  EXPECT_EQ(Ask(), "192.0.2.2");
}

TEST_P(DnsCacheTest, AFailureLeavesTheOldAnswer) {
  Make();
  resolver_->Answer(kHost, {"192.0.2.1"});
  EXPECT_EQ(Ask(), "192.0.2.1");
  resolver_->Fail(kHost, Errc::kLookupFailed);
  sim_.Advance(absl::Seconds(90));
  EXPECT_EQ(Ask(), "192.0.2.1");
  sim_.Advance(absl::Seconds(1));
  EXPECT_EQ(Ask(), "192.0.2.1");
  sim_.Settle();
  EXPECT_EQ(resolver_->lookups(kHost), 3);
  sim_.Advance(absl::Seconds(60));
  EXPECT_EQ(Ask(), "LookupFailed");
  resolver_->Answer(kHost, {"192.0.2.2"});
  EXPECT_EQ(Ask(), "192.0.2.2") << "a failure is not kept";
}

TEST_P(DnsCacheTest, ThatANameDoesNotExistIsKeptShortly) {
  Make();
  EXPECT_EQ(Ask(), "HostNotFound");
  EXPECT_EQ(Ask(), "HostNotFound");
  EXPECT_EQ(resolver_->lookups(kHost), 1);
  resolver_->Answer(kHost, {});
  sim_.Advance(absl::Seconds(1));
  EXPECT_EQ(Ask(), "HostNotFound") << "no address";
  EXPECT_EQ(resolver_->lookups(kHost), 2);
  resolver_->Answer(kHost, {"192.0.2.1"});
  sim_.Advance(absl::Seconds(1));
  EXPECT_EQ(Ask(), "192.0.2.1");
}

TEST_P(DnsCacheTest, OneLookupForAllWhoAskMeanwhile) {
  Make();
  resolver_->Answer(kHost, {"192.0.2.1"}, absl::Seconds(2));
  std::vector<const std::string*> answers;
  for (size_t i = 0; i < 40; ++i) answers.push_back(&AskLater(i % GetParam()));
  AwaitAll();
  for (const std::string* answer : answers) EXPECT_EQ(*answer, "192.0.2.1");
  EXPECT_EQ(resolver_->lookups(kHost), 1);
}

TEST_P(DnsCacheTest, WhoGivesUpDoesNotEndTheLookup) {
  Make();
  resolver_->Answer(kHost, {"192.0.2.1"}, absl::Seconds(2));
  const std::string& first = AskLater(0, absl::Seconds(1));
  const std::string& second = AskLater(GetParam() - 1, absl::Seconds(3));
  AwaitAll();
  EXPECT_EQ(first, "DialTimeout");
  EXPECT_EQ(second, "192.0.2.1");
  EXPECT_EQ(resolver_->lookups(kHost), 1);
}

TEST_P(DnsCacheTest, ACancelledTaskStopsWaiting) {
  Make();
  resolver_->Answer(kHost, {"192.0.2.1"}, absl::Seconds(2));
  const std::string& text = AskLater(0);
  sim_.Settle();
  sim_.Run([&] {
    sim_.RunOn(sim_.loop(0), [&] { sim_.loop(0).Cancel(tasks_.front(), Errc::kClientGone); });
  });
  AwaitAll();
  EXPECT_EQ(text, "ClientGone");
  EXPECT_EQ(Ask(), "192.0.2.1");
  EXPECT_EQ(resolver_->lookups(kHost), 1);
}

TEST_P(DnsCacheTest, FlushForgetsAlsoWhatIsUnderWay) {
  Make();
  resolver_->Answer(kHost, {"192.0.2.1"}, absl::Seconds(2));
  const std::string& old = AskLater(0);
  sim_.Advance(absl::Seconds(1));
  cache_->Flush();
  resolver_->Answer(kHost, {"192.0.2.2"});
  EXPECT_EQ(Ask(), "192.0.2.2");
  AwaitAll();
  EXPECT_EQ(old, "192.0.2.1");
  EXPECT_EQ(Ask(), "192.0.2.2") << "the late answer is not kept";
  EXPECT_EQ(resolver_->lookups(kHost), 2);
  cache_->Flush();
  EXPECT_EQ(cache_->names(), 0u);
}

TEST_P(DnsCacheTest, ALookupEndsAtItsOwnTimeLimit) {
  Make({.lookup_timeout = 5 * runtime::kSecond});
  resolver_->Answer(kHost, {"192.0.2.1"}, absl::Hours(1));
  EXPECT_EQ(Ask(kHost, absl::Minutes(1)), "LookupFailed");
  EXPECT_EQ(resolver_->under_way(), 0);
}

TEST_P(DnsCacheTest, AResolverThatThrows) {
  Make();
  resolver_->Throw(kHost);
  EXPECT_EQ(Ask(), "LookupFailed");
  EXPECT_EQ(cache_->names(), 0u);
}

TEST_P(DnsCacheTest, TheNameNotAskedForLongestGoesFirst) {
  Make({.max_names = 2});
  for (const char* host : {"a.example", "b.example", "c.example"}) {
    resolver_->Answer(host, {"192.0.2.1"});
  }
  (void)Ask("a.example");
  sim_.Advance(absl::Seconds(1));
  (void)Ask("b.example");
  sim_.Advance(absl::Seconds(1));
  (void)Ask("a.example");
  EXPECT_EQ(Ask("c.example"), "192.0.2.1");
  EXPECT_EQ(cache_->names(), 2u);
  (void)Ask("a.example");
  EXPECT_EQ(resolver_->lookups("a.example"), 1);
  (void)Ask("b.example");
  EXPECT_EQ(resolver_->lookups("b.example"), 2);
}

TEST_P(DnsCacheTest, LookupsUnderWayAreLimited) {
  Make({.max_lookups = 1});
  resolver_->Answer(kHost, {"192.0.2.1"}, absl::Seconds(2));
  resolver_->Answer("b.example", {"192.0.2.2"});
  const std::string& text = AskLater(0);
  sim_.Settle();
  EXPECT_EQ(Ask("b.example"), "Overloaded");
  AwaitAll();
  EXPECT_EQ(text, "192.0.2.1");
  EXPECT_EQ(Ask("b.example"), "192.0.2.2");
}

TEST_P(DnsCacheTest, NothingIsKeptWithoutADuration) {
  Make({.duration = 0, .negative_duration = 0});
  resolver_->Answer(kHost, {"192.0.2.1"});
  EXPECT_EQ(Ask(), "192.0.2.1");
  EXPECT_EQ(Ask(), "192.0.2.1");
  EXPECT_EQ(Ask("none.example"), "HostNotFound");
  EXPECT_EQ(resolver_->lookups(kHost), 2);
  EXPECT_EQ(cache_->names(), 0u);
}

TEST_P(DnsCacheTest, SixteenAddressesAreEnough) {
  Make();
  resolver_->Answer(kHost, std::vector<std::string>(100, "192.0.2.1"));
  EXPECT_EQ(Ask().size(), 16 * 10u - 1);
}

TEST_P(DnsCacheTest, WhatCannotBeANameIsNotLookedUp) {
  Make();
  const std::string long_name = std::string(252, 'a') + ".b";
  for (std::string_view bad :
       {std::string_view(""), std::string_view("."), std::string_view(".a"),
        std::string_view("a..b"), std::string_view("a b"), std::string_view("a/b"),
        std::string_view("a\0b", 3), std::string_view("a\r\n"), std::string_view("b\xc3\xbc.de"),
        std::string_view("127.1"), std::string_view("2130706433"), std::string_view("0x7f000001"),
        std::string_view("127.0.0.1."), std::string_view("1.2.3.0x"),
        std::string_view(long_name)}) {
    EXPECT_EQ(Ask(bad), "BadAddress") << bad;
    EXPECT_EQ(resolver_->lookups(bad), 0) << bad;
  }
  EXPECT_EQ(Ask("_srv.7eleven.example."), "HostNotFound");
  EXPECT_EQ(Ask(long_name.substr(1)), "HostNotFound");
}

TEST_P(DnsCacheTest, ALookupMayOutliveTheCache) {
  Make();
  resolver_->Answer(kHost, {"192.0.2.1"}, absl::Seconds(2));
  AskLater(0, absl::Seconds(1));
  AwaitAll();
  cache_.reset();
  std::weak_ptr<ScriptedResolver> resolver = resolver_;
  resolver_.reset();
  EXPECT_FALSE(resolver.expired());
  sim_.Advance(absl::Seconds(2));
  EXPECT_TRUE(resolver.expired());
}

INSTANTIATE_TEST_SUITE_P(Loops, DnsCacheTest, ::testing::Values(1, 2, 4),
                         [](const auto& info) { return std::to_string(info.param); });

// Loops with threads of their own, and plain threads, ask one cache for a few names.
TEST(DnsCacheThreads, AskAtOnce) {
  auto resolver = std::make_shared<ScriptedResolver>();
  for (int i = 0; i < 8; ++i) {
    resolver->Answer(std::to_string(i) + ".example", {"192.0.2." + std::to_string(i)});
  }
  DnsCache cache({.resolver = resolver, .duration = runtime::kMillisecond, .max_names = 4});
  Runtime runtime({.threads = 2});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string last = std::to_string((i + t) % 8);
        runtime.Run([&] {
          std::shared_ptr<const DnsCache::Answer> answer;
          EXPECT_EQ(cache.Lookup(*Loop::Current(), last + ".example", runtime::kNoDeadline, answer),
                    Errc::kOk);
          ASSERT_NE(answer, nullptr);
          EXPECT_EQ(answer->addresses.at(0).IpString(), "192.0.2." + last);
        });
        if (i % 50 == 0) cache.Flush();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(SystemResolverTest, KnowsThisMachine) {
  Runtime runtime({.threads = 1});
  runtime.Run([] {
    std::vector<Addr> addresses;
    ASSERT_EQ(SystemResolver()->LookupIPAddr("localhost", addresses), Errc::kOk);
    ASSERT_FALSE(addresses.empty());
    for (const Addr& addr : addresses) {
      EXPECT_TRUE(addr.IpString() == "127.0.0.1" || addr.IpString() == "::1") << addr.ToString();
    }
    addresses.clear();
    // RFC 6761, section 6.4: no such name, or nobody to ask.
    Errc errc = SystemResolver()->LookupIPAddr("a.invalid", addresses);
    EXPECT_TRUE(errc == Errc::kHostNotFound || errc == Errc::kLookupFailed) << ErrcName(errc);
    EXPECT_TRUE(addresses.empty());
  });
}

}  // namespace
}  // namespace fasthttp
