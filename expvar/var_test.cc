#include "expvar/var.h"

#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace expvar {
namespace {

Int early("test.early");

// The JSON of the variable `name`; "missing" if there is none.
std::string Shown(std::string_view name) {
  std::string shown = "missing";
  auto show = [&](std::string_view, const Value& value) {
    shown.clear();
    value.AppendJSON(shown);
  };
  Do(show, [&](std::string_view other) { return other == name; });
  return shown;
}

std::string JSON(const Value& value) {
  std::string json;
  value.AppendJSON(json);
  return json;
}

TEST(Int, AddSetValue) {
  static Int number("test.int");
  EXPECT_EQ(number.Value(), 0);
  number.Add(5);
  number.Add(-7);
  EXPECT_EQ(number.Value(), -2);
  EXPECT_EQ(Shown("test.int"), "-2");
  number.Set(100);
  EXPECT_EQ(number.Value(), 100);
  number.Add(1);
  EXPECT_EQ(number.Value(), 101);
  number.Set(std::numeric_limits<int64_t>::max());
  number.Add(1);
  EXPECT_EQ(number.Value(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(early.Value(), 0);
}

TEST(Int, CountsOfManyThreadsAddUp) {
  static Int number("test.threads");
  constexpr int kThreads = 8;
  constexpr int kAdds = 20'000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < kAdds; ++j) number.Add(1);
    });
  }
  int64_t last = 0;
  for (int i = 0; i < 200; ++i) {
    int64_t now = number.Value();
    EXPECT_GE(now, last);
    last = now;
  }
  for (std::thread& thread : threads) thread.join();
  // Threads that have ended still count, also beside new ones.
  EXPECT_EQ(number.Value(), kThreads * kAdds);
  std::thread([] { number.Add(2); }).join();
  EXPECT_EQ(number.Value(), kThreads * kAdds + 2);
}

TEST(Int, SetMeetsAddsOfOtherThreads) {
  static Int number("test.set");
  std::thread adder([] {
    for (int i = 0; i < 10'000; ++i) number.Add(1);
  });
  for (int i = 0; i < 100; ++i) number.Set(1'000'000);
  int64_t after_set = number.Value();
  EXPECT_GE(after_set, 1'000'000);
  adder.join();
  EXPECT_GE(number.Value(), after_set);
  EXPECT_LE(number.Value(), 1'010'000);
}

TEST(Int, MoreThanOneChunk) {
  std::vector<std::unique_ptr<Int>> numbers;
  for (int i = 0; i < 600; ++i) {
    numbers.push_back(std::make_unique<Int>("test.many." + std::to_string(i)));
  }
  for (int i = 0; i < 600; ++i) numbers[static_cast<size_t>(i)]->Add(i);
  std::thread([&] {
    for (auto& number : numbers) number->Add(1000);
  }).join();
  for (int i = 0; i < 600; ++i) EXPECT_EQ(numbers[static_cast<size_t>(i)]->Value(), 1000 + i);
  numbers.clear();
  EXPECT_EQ(Shown("test.many.599"), "1599");  // Published for ever.
}

// A destructor of a thread that runs after the thread's cells were given up.
struct CountsAtExit {
  Int* number;
  ~CountsAtExit() { number->Add(10); }
};

TEST(Int, CountsWhileAThreadEnds) {
  static Int number("test.exit");
  std::thread([] {
    static thread_local CountsAtExit late{&number};  // Made before the cells, destroyed after.
    (void)late.number;
    number.Add(1);
  }).join();
  EXPECT_EQ(number.Value(), 11);
}

TEST(Float, AddSetAndWhatJsonCannotSay) {
  static Float number("test.float");
  number.Set(0.1);
  EXPECT_EQ(Shown("test.float"), "0.1");
  number.Add(1.5);
  EXPECT_DOUBLE_EQ(number.Value(), 1.6);
  number.Set(1e300);
  EXPECT_EQ(Shown("test.float"), "1e+300");
  number.Set(std::numeric_limits<double>::infinity());
  EXPECT_EQ(Shown("test.float"), "null");
  number.Set(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(Shown("test.float"), "null");
  number.Set(0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 1000; ++j) number.Add(0.5);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(number.Value(), 2000);
}

TEST(Float, SetForgetsWhatThreadsHaveAdded) {
  static Float number("test.float.set");
  std::thread adder([] {
    for (int i = 0; i < 10'000; ++i) number.Add(0.5);
  });
  for (int i = 0; i < 100; ++i) number.Set(1e6);
  const double after_set = number.Value();
  EXPECT_GE(after_set, 1e6);
  adder.join();
  EXPECT_GE(number.Value(), after_set);
  EXPECT_LE(number.Value(), 1'005'000);
  number.Set(0.1);
  EXPECT_EQ(number.Value(), 0.1);  // Exactly: nothing of what was added is left.
  std::thread([] { number.Add(1); }).join();
  EXPECT_DOUBLE_EQ(number.Value(), 1.1);
  number.Add(1);
  number.Set(7);
  EXPECT_EQ(number.Value(), 7);
}

TEST(Float, SumsOfManyThreadsNeverFall) {
  static Float number("test.float.threads");
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 20'000; ++j) number.Add(0.25);
    });
  }
  double last = 0;
  for (int i = 0; i < 200; ++i) {
    const double now = number.Value();
    EXPECT_GE(now, last);
    last = now;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(number.Value(), 40'000);
}

struct AddsAtExit {
  Float* number;
  ~AddsAtExit() { number->Add(0.5); }
};

TEST(Float, CountsWhileAThreadEnds) {
  static Float number("test.float.exit");
  static Float untouched("test.float.exit.untouched");
  std::thread([] {
    static thread_local AddsAtExit late{&number};  // Made before the cells, destroyed after.
    (void)late.number;
    number.Add(1);
  }).join();
  EXPECT_EQ(number.Value(), 1.5);
  EXPECT_EQ(untouched.Value(), 0);
}

// Two cells each, which must lie in one chunk, whatever else was made before.
TEST(Float, MoreThanOneChunk) {
  std::vector<std::unique_ptr<Float>> numbers;
  std::vector<std::unique_ptr<Int>> between;
  for (int i = 0; i < 300; ++i) {
    numbers.push_back(std::make_unique<Float>("test.floats." + std::to_string(i)));
    if (i % 7 == 0) between.push_back(std::make_unique<Int>("test.ints." + std::to_string(i)));
  }
  for (int i = 0; i < 300; ++i) numbers[static_cast<size_t>(i)]->Add(i + 0.5);
  std::thread([&] {
    for (auto& number : numbers) number->Add(1000);
  }).join();
  for (int i = 0; i < 300; ++i) EXPECT_EQ(numbers[static_cast<size_t>(i)]->Value(), 1000.5 + i);
  for (auto& number : between) EXPECT_EQ(number->Value(), 0);
}

TEST(String, IsEscaped) {
  static String text("test.string");
  EXPECT_EQ(Shown("test.string"), "\"\"");
  text.Set("a \"quoted\"\n\\ <b> \xFF\x01");
  EXPECT_EQ(text.Value(), "a \"quoted\"\n\\ <b> \xFF\x01");
  EXPECT_EQ(Shown("test.string"), R"("a \"quoted\"\n\\ \u003cb\u003e \ufffd\u0001")");
  std::thread writer([] {
    for (int i = 0; i < 1000; ++i) text.Set(i % 2 ? "odd" : "even");
  });
  for (int i = 0; i < 1000; ++i) (void)text.Value();
  writer.join();
  EXPECT_EQ(text.Value(), "odd");
}

TEST(Map, CountsByKey) {
  static Map map("test.map");
  EXPECT_EQ(Shown("test.map"), "{}");
  map.Add("b", 2);
  map.Add("a\"", 1);
  map.Add("b", 3);
  map.Set("c", 9);
  EXPECT_EQ(map.Value("b"), 5);
  EXPECT_EQ(map.Value("none"), 0);
  EXPECT_EQ(Shown("test.map"), "{\n\t\"a\\\"\": 1,\n\t\"b\": 5,\n\t\"c\": 9\n}");
  std::string seen;
  map.Do([&](std::string_view key, int64_t value) {
    seen += std::string(key) + "=" + std::to_string(value) + " ";
    map.Add("b", 0);  // May be used meanwhile.
  });
  EXPECT_EQ(seen, "a\"=1 b=5 c=9 ");
}

TEST(Map, KeysFromOutsideAreBounded) {
  static Map map("test.bounded");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (size_t i = 0; i < Map::kMaxKeys; ++i) map.Add(std::to_string(i * 4 + t), 1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  size_t keys = 0;
  int64_t sum = 0;
  map.Do([&](std::string_view, int64_t value) {
    ++keys;
    sum += value;
  });
  EXPECT_EQ(keys, Map::kMaxKeys + 1);
  EXPECT_EQ(sum, 4 * static_cast<int64_t>(Map::kMaxKeys));
  EXPECT_EQ(map.Value("(other)"), 3 * static_cast<int64_t>(Map::kMaxKeys));
}

TEST(Func, IsCalledWhenLookedAt) {
  static int calls = 0;
  static Func func("test.func", [] { return ++calls; });
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(Shown("test.func"), "1");
  EXPECT_EQ(Shown("test.func"), "2");
}

TEST(Func, MayLookAtAndMakeVariables) {
  static bool made = false;
  static Func func("test.nosy", [] {
    if (!std::exchange(made, true)) static Int inner("test.made-while-looking");
    return IsPublished("test.nosy");
  });
  EXPECT_EQ(Shown("test.nosy"), "true");
  EXPECT_EQ(Shown("test.made-while-looking"), "0");
}

TEST(Func, ExceptionsComeOut) {
  static bool broken = false;
  static Func func("test.throws", [] {
    if (broken) throw std::runtime_error("broken");
    return 1;
  });
  broken = true;
  std::string json;
  EXPECT_THROW(AppendJSON(json), std::runtime_error);
  broken = false;
  EXPECT_EQ(Shown("test.throws"), "1");
}

TEST(Value, EveryKind) {
  EXPECT_EQ(JSON(Value()), "null");
  EXPECT_EQ(JSON(true), "true");
  EXPECT_EQ(JSON(-3), "-3");
  EXPECT_EQ(JSON(short{7}), "7");
  EXPECT_EQ(JSON(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(JSON(std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(JSON(0.5f), "0.5");
  EXPECT_EQ(JSON("text\t"), "\"text\\t\"");
  EXPECT_EQ(JSON(std::string("a\0b", 3)), "\"a\\u0000b\"");
  EXPECT_EQ(JSON(Value::Array{1, "two", Value::Array{}, Value()}), "[1, \"two\", [], null]");
  EXPECT_EQ(JSON(Value::Object{{"b", 1}, {"a", Value::Object{{"x", true}}}}),
            "{\n\t\"a\": {\n\t\t\"x\": true\n\t},\n\t\"b\": 1\n}");
  EXPECT_EQ(JSON(Value::Object{}), "{}");
  EXPECT_EQ(JSON(Value::ByLabel{"server", {{"b", 1}, {"a", 2}}}), "{\n\t\"a\": 2,\n\t\"b\": 1\n}");
  EXPECT_EQ(
      JSON(Value::Histogram{{0.5, 1}, {3, 0, 4}, 9.5}),
      "{\n\t\"bounds\": [0.5, 1],\n\t\"count\": 7,\n\t\"counts\": [3, 0, 4],\n\t\"sum\": 9.5\n}");
}

TEST(Registry, IsSortedAndIndented) {
  static Int b("test.order.b");
  static Int a("test.order.a\n");
  std::string json = "kept ";
  AppendJSON(json);
  EXPECT_EQ(json.substr(0, 19), "kept {\n\t\"cmdline\": ");
  EXPECT_NE(json.find("\n\t\"test.order.a\\n\": 0,\n\t\"test.order.b\": 0"), json.npos) << json;
  EXPECT_EQ(json.substr(json.size() - 3), "\n}\n");
  std::string last;
  Do([&](std::string_view name, const Value&) {
    EXPECT_LT(last, name);
    last = name;
  });
  EXPECT_TRUE(IsPublished("memstats"));
  EXPECT_FALSE(IsPublished("test.order"));
}

TEST(Registry, FunctionsOfUnwantedVariablesAreNotCalled) {
  static int calls = 0;
  static Func func("test.unwanted", [] { return ++calls; });
  std::string json;
  AppendJSON(json, [](std::string_view name) { return name == "test.order.none"; });
  EXPECT_EQ(json, "{\n}\n");
  json.clear();
  AppendJSON(json, [](std::string_view name) { return name == "test.unwanted"; });
  EXPECT_EQ(json, "{\n\t\"test.unwanted\": 1\n}\n");
}

TEST(RegistryDeathTest, ASecondVariableOfOneNameEndsTheProgram) {
  static Int first("test.twice");
  EXPECT_DEATH(String second("test.twice"),
               "var_test.cc.*a second expvar variable is called \"test.twice\"; the first is at "
               ".*var_test.cc:");
  EXPECT_DEATH(Func("memstats", [] { return 1; }), "a second expvar variable");
}

TEST(BuiltIns, CommandLineAndMemory) {
  EXPECT_NE(Shown("cmdline").find("var_test"), std::string::npos) << Shown("cmdline");
  std::vector<char> block(50 << 20, 'x');
  std::string json = Shown("memstats");
  auto number = [&](std::string_view name) {
    size_t at = json.find("\"" + std::string(name) + "\": ");
    return at == json.npos ? -1 : std::stoll(json.substr(at + name.size() + 4));
  };
  EXPECT_GT(number("rss"), 50 << 20) << json;
  EXPECT_GE(number("virtual"), number("rss"));
  EXPECT_GE(number("rss_peak") + (1 << 20), number("rss"));
  EXPECT_GT(number("data"), 0);
  EXPECT_EQ(block[block.size() - 1], 'x');

  json = Shown("process");
  EXPECT_GT(number("resident_memory_bytes"), 50 << 20) << json;
  EXPECT_GE(number("threads"), 1) << json;
  EXPECT_GE(number("cpu_seconds_total"), 0) << json;
  const time_t now = ::time(nullptr);
  EXPECT_LE(number("start_time_seconds"), now + 1) << json;
  EXPECT_GT(number("start_time_seconds"), now - 24 * 3600) << json;
}

}  // namespace
}  // namespace expvar
