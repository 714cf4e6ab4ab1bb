#include "expvar/prometheus.h"

#include <cstdlib>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "expvar/server_var.h"
#include "expvar/var.h"
#include "fasthttp/fasthttp.h"
#include "gtest/gtest.h"
#include "testing/test_server.h"

namespace expvar {
namespace {

// --- A strict reader of the format ------------------------------------------------------------

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
  std::string Text() const {
    std::string text = name;
    for (const auto& [label, of] : labels) absl::StrAppend(&text, "|", label, "=", of);
    return text;
  }
};

struct Metric {
  std::string type, help;
  std::vector<Sample> samples;
};

// Reads all of a text, or says in `error` what is wrong with it. Stricter than Prometheus: each
// metric has a HELP, a TYPE and a sample, in this order, and no series comes twice.
class Reader {
 public:
  explicit Reader(std::string_view text, MetricsFormat format = MetricsFormat::kText)
      : open_(format == MetricsFormat::kOpenMetrics) {
    if (!text.empty() && text.back() != '\n') Fail("no newline at the end");
    if (open_) {
      constexpr std::string_view kEnd = "# EOF\n";
      if (text.size() < kEnd.size() || text.substr(text.size() - kEnd.size()) != kEnd) {
        Fail("no # EOF at the end");
        return;
      }
      text.remove_suffix(kEnd.size());
    }
    for (absl::string_view line :
         absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
      ReadLine(std::string_view(line.data(), line.size()));
      if (!error.empty()) {
        absl::StrAppend(&error, ": ", line);
        return;
      }
    }
    EndMetric();
  }

  std::map<std::string, Metric> metrics;
  std::vector<std::string> comments;
  std::string error;

  const Sample* Find(const std::string& text) const {
    for (const auto& [name, metric] : metrics) {
      for (const Sample& sample : metric.samples) {
        if (sample.Text() == text) return &sample;
      }
    }
    return nullptr;
  }

 private:
  void Fail(std::string why) {
    if (error.empty()) error = std::move(why);
  }

  static bool IsStart(char c) {
    return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_';
  }
  static bool IsPart(char c) {
    return IsStart(c) || absl::ascii_isdigit(static_cast<unsigned char>(c));
  }

  std::string TakeName(std::string_view& from) {
    size_t n = 0;
    while (n < from.size() && (n == 0 ? IsStart(from[n]) : IsPart(from[n]))) ++n;
    if (n == 0) Fail("no name");
    std::string name(from.substr(0, n));
    from.remove_prefix(n);
    return name;
  }

  bool Take(std::string_view& from, std::string_view what) {
    if (from.substr(0, what.size()) != what) return false;
    from.remove_prefix(what.size());
    return true;
  }

  // Names that a family's samples may have; no other family may have one of them.
  static std::vector<std::string> SuffixesOf(std::string_view type) {
    if (type == "counter") return {"_total", "_created"};
    if (type == "histogram") return {"_bucket", "_sum", "_count", "_created"};
    return {};
  }

  // Up to the unescaped `end`, or to the line's end if that is 0.
  std::string TakeEscaped(std::string_view& from, char end) {
    std::string text;
    while (!from.empty() && (end == 0 || from[0] != end)) {
      if (open_ && from[0] == '"') Fail("a quote without a backslash");
      if (from[0] != '\\') {
        text += from[0];
        from.remove_prefix(1);
        continue;
      }
      if (from.size() < 2) break;
      if (from[1] == 'n') {
        text += '\n';
      } else if (from[1] == '\\' || ((end == '"' || open_) && from[1] == '"')) {
        text += from[1];
      } else {
        Fail("bad escape");
      }
      from.remove_prefix(2);
    }
    if (end != 0 && !Take(from, std::string_view(&end, 1))) Fail("unterminated");
    return text;
  }

  void ReadLine(std::string_view line) {
    if (line.empty()) return;  // Behind the last newline.
    if (Take(line, "# HELP ")) {
      EndMetric();
      name_ = TakeName(line);
      if (!Take(line, " ")) Fail("no help");
      if (!metrics.try_emplace(name_).second) Fail("a metric in two places");
      metrics[name_].help = TakeEscaped(line, 0);
    } else if (Take(line, "# TYPE ")) {
      if (TakeName(line) != name_) Fail("TYPE of another metric");
      if (!metrics[name_].type.empty()) Fail("a second TYPE");
      Take(line, " ");
      metrics[name_].type = line;
      static const std::set<std::string_view> kTypes = {"counter", "gauge", "histogram", "summary"};
      const std::string_view unknown = open_ ? "unknown" : "untyped";
      if (kTypes.count(line) == 0 && line != unknown) Fail("no such type");
      if (!open_) return;
      for (const std::string& suffix : SuffixesOf(line)) {
        if (!reserved_.insert(name_ + suffix).second) Fail("a name of two metrics");
      }
      if (!reserved_.insert(name_).second) Fail("a name of two metrics");
    } else if (line[0] == '#') {
      if (open_) Fail("a comment");
      comments.emplace_back(line);
    } else {
      ReadSample(line);
    }
  }

  void ReadSample(std::string_view line) {
    Sample sample;
    sample.name = TakeName(line);
    if (Take(line, "{")) {
      do {
        std::string label = TakeName(line);
        if (absl::StartsWith(label, "__")) Fail("a reserved label");
        if (!Take(line, "=\"")) return Fail("a label without a value");
        if (!sample.labels.emplace(label, TakeEscaped(line, '"')).second) Fail("a label twice");
      } while (Take(line, ","));
      if (!Take(line, "}")) Fail("no end of labels");
    }
    if (!Take(line, " ")) Fail("no value");
    const std::string number(line);
    char* end = nullptr;
    sample.value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != 0) Fail("bad value");
    if (!series_.insert(sample.Text()).second) Fail("a series twice");
    Metric& metric = metrics[name_];
    if (metric.type.empty()) Fail("a sample without TYPE");
    std::string suffix = sample.name;
    if (!absl::StartsWith(suffix, name_)) return Fail("a sample of another metric");
    suffix.erase(0, name_.size());
    const bool histogram = metric.type == "histogram";
    if (open_ && metric.type == "counter") {
      if (suffix != "_total") Fail("not a sample of a counter");
    } else if (histogram ? suffix != "_bucket" && suffix != "_sum" && suffix != "_count"
                         : !suffix.empty()) {
      Fail("not a sample of this type");
    }
    if (metric.type == "counter" && sample.value < 0) Fail("a negative counter");
    if (open_ && sample.labels.contains("le") &&
        sample.labels["le"].find_first_of(".eI") == std::string::npos) {
      Fail("a bound without a point");
    }
    metric.samples.push_back(std::move(sample));
  }

  // Buckets of one histogram follow each other, ascending, and end with all.
  void EndMetric() {
    if (name_.empty()) return;
    const Metric& metric = metrics[name_];
    if (metric.samples.empty()) Fail(absl::StrCat(name_, " has no samples"));
    if (metric.type != "histogram") return;
    double bound = -std::numeric_limits<double>::infinity();
    double below = 0;
    for (const Sample& sample : metric.samples) {
      if (absl::EndsWith(sample.name, "_bucket")) {
        const double le = std::strtod(sample.labels.at("le").c_str(), nullptr);
        if (le <= bound || sample.value < below) Fail("buckets fall");
        bound = le;
        below = sample.value;
      } else if (absl::EndsWith(sample.name, "_count")) {
        if (sample.value != below || bound != std::numeric_limits<double>::infinity()) {
          Fail("the count is not the last bucket");
        }
        bound = -bound;
        below = 0;
      }
    }
  }

  const bool open_;
  std::string name_;
  std::set<std::string> series_;
  std::set<std::string> reserved_;  // Of OpenMetrics.
};

Reader Exposed(MetricsFormat format = MetricsFormat::kText) {
  std::string text;
  AppendPrometheus(text, format);
  return Reader(text, format);
}

double ValueOf(const Reader& reader, const std::string& text) {
  const Sample* sample = reader.Find(text);
  EXPECT_NE(sample, nullptr) << text;
  return sample == nullptr ? -1 : sample->value;
}

TEST(Reader, RefusesWhatPrometheusRefuses) {
  constexpr std::string_view kHead = "# HELP a b\n# TYPE a untyped\n";
  auto error = [&](std::string_view text) {
    return Reader(absl::StrCat(absl::string_view(kHead.data(), kHead.size()),
                               absl::string_view(text.data(), text.size())))
        .error;
  };
  EXPECT_EQ(error("a 1\n"), "");
  EXPECT_EQ(error("a{b=\"c\\n\\\"\\\\\",d=\"\"} +Inf\n"), "");
  for (std::string_view bad :
       {"a 1", "a\n", "a x\n", "1a 1\n", "a{b=c} 1\n", "a{b=\"c} 1\n", "a{b=\"c\"\n", "b 1\n",
        "a 1\na 1\n", "a{b=\"\\t\"} 1\n", "a{b=\"c\",b=\"d\"} 1\n", "a{__b=\"c\"} 1\n", "a-b 1\n",
        "a 1\n# TYPE a counter\n", "a 1\n# HELP a b\n", "# HELP c d\n"}) {
    EXPECT_NE(error(bad), "") << bad;
  }
}

TEST(Reader, RefusesWhatOpenMetricsForbids) {
  auto error = [](std::string_view text) {
    return Reader(text, MetricsFormat::kOpenMetrics).error;
  };
  EXPECT_EQ(error("# HELP a b\n# TYPE a unknown\na 1\n# EOF\n"), "");
  EXPECT_EQ(error("# HELP a \\\"b\\\"\n# TYPE a counter\na_total 1\n# EOF\n"), "");
  for (std::string_view bad :
       {"# HELP a b\n# TYPE a unknown\na 1\n", "# HELP a b\n# TYPE a untyped\na 1\n# EOF\n",
        "# HELP a \"b\n# TYPE a unknown\na 1\n# EOF\n",
        "# HELP a b\n# TYPE a counter\na 1\n# EOF\n",
        "# HELP a b\n# TYPE a unknown\na 1\n# text\n# EOF\n",
        "# HELP a b\n# TYPE a counter\na_total 1\n# HELP a_created b\n# TYPE a_created unknown\n"
        "a_created 1\n# EOF\n",
        "# HELP a b\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\na_sum 1\n"
        "a_count 1\n# EOF\n"}) {
    EXPECT_NE(error(bad), "") << bad;
  }
}

TEST(Prometheus, NumbersTextsAndMaps) {
  static Int number("prom.int");
  static Int counter("prom.hits_total");
  static Float level("prom.float");
  static String text("prom.version");
  static Map map("prom.statuses");
  static Func flag("prom.flag", [] { return true; });
  static Func nothing("prom.nothing", [] { return Value(); });
  static Func list("prom.list", [] { return Value::Array{1, 2}; });
  number.Set(-7);
  counter.Set(3);
  level.Set(0.25);
  text.Set("1.2 \"beta\"\n\\ \xFF \xC3\xA9");
  map.Add("200", 5);
  map.Add("a\"b\\c\nd", 1);
  const Reader reader = Exposed();
  ASSERT_EQ(reader.error, "");
  EXPECT_EQ(ValueOf(reader, "prom_int"), -7);
  EXPECT_EQ(ValueOf(reader, "prom_hits_total"), 3);
  EXPECT_EQ(reader.metrics.at("prom_hits_total").type, "counter");
  EXPECT_EQ(reader.metrics.at("prom_int").type, "untyped");
  EXPECT_EQ(reader.metrics.at("prom_int").help, "Variable prom.int");
  EXPECT_EQ(ValueOf(reader, "prom_float"), 0.25);
  EXPECT_EQ(ValueOf(reader, "prom_version|value=1.2 \"beta\"\n\\ \xEF\xBF\xBD \xC3\xA9"), 1);
  EXPECT_EQ(ValueOf(reader, "prom_statuses|key=200"), 5);
  EXPECT_EQ(ValueOf(reader, "prom_statuses|key=a\"b\\c\nd"), 1);
  EXPECT_EQ(ValueOf(reader, "prom_flag"), 1);
  EXPECT_EQ(reader.metrics.count("prom_nothing"), 0u);
  EXPECT_EQ(reader.metrics.count("prom_list"), 0u);
  EXPECT_EQ(reader.metrics.count("cmdline"), 0u);  // Arguments are nothing for a metric.
}

TEST(Prometheus, WhatJsonCannotSay) {
  static Float level("prom.odd");
  for (auto [value, shown] : {std::pair(std::numeric_limits<double>::infinity(), "prom_odd +Inf\n"),
                              {-std::numeric_limits<double>::infinity(), "prom_odd -Inf\n"},
                              {std::numeric_limits<double>::quiet_NaN(), "prom_odd NaN\n"},
                              {1e300, "prom_odd 1e+300\n"}}) {
    level.Set(value);
    std::string text;
    AppendPrometheus(text);
    EXPECT_NE(text.find(shown), text.npos) << shown;
    EXPECT_EQ(Reader(text).error, "");
  }
}

TEST(Prometheus, ObjectsNestAndLabelsAddUp) {
  static Func tree("prom.tree", [] {
    return Value::ByLabel{
        "server",
        {{"a", Value::Object{{"open", 1},
                             {"by", Value::ByLabel{"server", {{"x", 2}, {"y", 3}}}},
                             {"le", Value::ByLabel{"__odd-name", {{"z", 4}}}}}},
         {"b", Value::Object{{"open", 5}}}}};
  });
  const Reader reader = Exposed();
  ASSERT_EQ(reader.error, "");
  EXPECT_EQ(ValueOf(reader, "prom_tree_open|server=a"), 1);
  EXPECT_EQ(ValueOf(reader, "prom_tree_open|server=b"), 5);
  EXPECT_EQ(ValueOf(reader, "prom_tree_by|server=a|server_=x"), 2);
  EXPECT_EQ(ValueOf(reader, "prom_tree_by|server=a|server_=y"), 3);
  EXPECT_EQ(ValueOf(reader, "prom_tree_le|label__odd_name=z|server=a"), 4);
}

TEST(Prometheus, HistogramsAreCumulative) {
  static Func latency("prom.latency", [] {
    return Value::ByLabel{"le", {{"s", Value::Histogram{{0.1, 1, 10}, {4, 0, 2, 1}, 17.5}}}};
  });
  const Reader reader = Exposed();
  ASSERT_EQ(reader.error, "");
  EXPECT_EQ(reader.metrics.at("prom_latency").type, "histogram");
  EXPECT_EQ(ValueOf(reader, "prom_latency_bucket|le=0.1|le_=s"), 4);
  EXPECT_EQ(ValueOf(reader, "prom_latency_bucket|le=1|le_=s"), 4);
  EXPECT_EQ(ValueOf(reader, "prom_latency_bucket|le=10|le_=s"), 6);
  EXPECT_EQ(ValueOf(reader, "prom_latency_bucket|le=+Inf|le_=s"), 7);
  EXPECT_EQ(ValueOf(reader, "prom_latency_sum|le_=s"), 17.5);
  EXPECT_EQ(ValueOf(reader, "prom_latency_count|le_=s"), 7);
}

TEST(Prometheus, WhatWouldClashIsLeftOutAndNamed) {
  static Int dot("prom.clash.x");
  static Int dash("prom.clash-x");  // Sorts first, so it stays.
  static Func pair("prom.pair", [] { return Value::Object{{"a.b", 1}, {"a_b", 2}}; });
  static Func hist("prom.z", [] { return Value::Histogram{{1}, {1, 1}, 3}; });
  static Int bucket("prom.z_bucket");
  static Int odd("prom.line\nbreak");
  static Int same("prom.line.break");
  static Int empty("");
  static Int digit("2xx");
  dot.Set(1);
  dash.Set(2);
  empty.Set(3);
  digit.Set(4);
  const Reader reader = Exposed();
  ASSERT_EQ(reader.error, "");
  EXPECT_EQ(ValueOf(reader, "prom_clash_x"), 2);
  EXPECT_EQ(ValueOf(reader, "prom_pair_a_b"), 1);
  EXPECT_EQ(ValueOf(reader, "prom_z_count"), 2);
  EXPECT_EQ(ValueOf(reader, "_"), 3);
  EXPECT_EQ(ValueOf(reader, "_2xx"), 4);
  const std::string before = "# Left out, since its name is taken: ";
  EXPECT_EQ(reader.comments,
            (std::vector<std::string>{before + "prom.clash.x", before + "prom.line.break",
                                      before + "prom.pair", before + "prom.z_bucket"}));
}

TEST(OpenMetrics, SaysTheSameInItsOwnWords) {
  static Int hits("open.hits_total");
  static Int total("_total");
  static Int quoted("open.\"quoted\"");
  static Func latency("open.latency",
                      [] { return Value::Histogram{{0.5, 1, 1e30}, {1, 2, 3, 4}, 9}; });
  hits.Set(3);
  total.Set(5);
  quoted.Set(7);
  const Reader reader = Exposed(MetricsFormat::kOpenMetrics);
  ASSERT_EQ(reader.error, "");
  EXPECT_EQ(ValueOf(reader, "open_hits_total"), 3);
  EXPECT_EQ(reader.metrics.at("open_hits").type, "counter");
  EXPECT_EQ(ValueOf(reader, "_total"), 5);
  EXPECT_EQ(reader.metrics.at("_total").type, "unknown");
  EXPECT_EQ(reader.metrics.at("open__quoted_").help, "Variable open.\"quoted\"");
  EXPECT_EQ(ValueOf(reader, "open_latency_bucket|le=0.5"), 1);
  EXPECT_EQ(ValueOf(reader, "open_latency_bucket|le=1.0"), 3);
  EXPECT_EQ(ValueOf(reader, "open_latency_bucket|le=1e+30"), 6);
  EXPECT_EQ(ValueOf(reader, "open_latency_count"), 10);
  // All that the text format shows, but for names that clash only here.
  for (const auto& [name, metric] : Exposed().metrics) {
    if (metric.type != "histogram") continue;
    ASSERT_TRUE(reader.metrics.contains(name)) << name;
    EXPECT_EQ(reader.metrics.at(name).samples.size(), metric.samples.size()) << name;
  }
}

TEST(OpenMetrics, ACounterLeavesNoRoomForItsBareName) {
  static Int bare("open.clash");
  static Int counter("open.clash_total");
  static Int later("open.other_total");
  static Int created("open.other_created");  // Sorts first, so it stays.
  bare.Set(1);
  counter.Set(2);
  Reader reader = Exposed(MetricsFormat::kOpenMetrics);
  ASSERT_EQ(reader.error, "");
  EXPECT_EQ(ValueOf(reader, "open_clash"), 1);
  EXPECT_EQ(reader.Find("open_clash_total"), nullptr);
  EXPECT_EQ(reader.Find("open_other_total"), nullptr);
  EXPECT_NE(reader.Find("open_other_created"), nullptr);
  const Reader text = Exposed();
  EXPECT_EQ(ValueOf(text, "open_clash_total"), 2);
}

TEST(OpenMetrics, IsNegotiated) {
  fasthttptest::TestServer server(PrometheusHandler);
  constexpr std::string_view kText = "text/plain; version=0.0.4; charset=utf-8";
  constexpr std::string_view kOpen = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  for (auto [accept, type] :
       {std::pair<std::string_view, std::string_view>("", kText),
        {"*/*", kText},
        {"text/html", kText},
        {"application/openmetrics-text; version=1.0.0", kOpen},
        {"application/openmetrics-text", kOpen},
        {"application/openmetrics-text; version=0.0.1", kText},
        {"application/openmetrics-text; version=2.0.0, text/plain", kText},
        {"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.6", kText},
        {"application/openmetrics-text;version=1.0.0;q=0,*/*", kText},
        // Prometheus 3.
        {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
         "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
         "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
         kOpen},
        // Prometheus 2.42.
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
         "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         kOpen}}) {
    fasthttp::Request request;
    fasthttp::Response response;
    request.SetRequestURI("/metrics");
    if (!accept.empty()) request.header().Set("Accept", accept);
    ASSERT_TRUE(server.client().Do(request, response).ok());
    EXPECT_EQ(response.ContentType(), type) << accept;
    EXPECT_EQ(response.header().Peek("Vary"), "Accept");
    const bool open = type == kOpen;
    const Reader reader(response.Body(), open ? MetricsFormat::kOpenMetrics : MetricsFormat::kText);
    EXPECT_EQ(reader.error, "") << accept;
  }
}

TEST(Prometheus, TheHandlerShowsServersAndTheProcess) {
  fasthttptest::TestServer server([](fasthttp::RequestCtx& ctx) {
    if (ctx.Path() == "/debug/metrics") return PrometheusHandler(ctx);
    ctx.NotFound();
  });
  ServerVar shown("front", server.server());
  ASSERT_TRUE(server.Get("/").ok());
  absl::StatusOr<fasthttp::Response> r = server.Get("/debug/metrics");
  ASSERT_TRUE(r.ok()) << r.status();
  EXPECT_EQ(r->StatusCode(), 200);
  EXPECT_EQ(r->ContentType(), "text/plain; version=0.0.4; charset=utf-8");
  const Reader reader(r->Body());
  ASSERT_EQ(reader.error, "");
  EXPECT_EQ(ValueOf(reader, "fasthttp_requests_total|server=front"), 2);
  EXPECT_EQ(ValueOf(reader, "fasthttp_responses_total|class=4xx|server=front"), 1);
  EXPECT_GE(ValueOf(reader, "fasthttp_loops_fibers_blocked|loop=1|server=front"), 0);
  EXPECT_EQ(reader.metrics.at("fasthttp_requests_total").type, "counter");
  EXPECT_EQ(reader.metrics.at("fasthttp_latency_seconds").type, "histogram");
  EXPECT_EQ(reader.metrics.at("fasthttp_latency_seconds").samples.size(), 22u);
  EXPECT_GT(ValueOf(reader, "process_resident_memory_bytes"), 0);
  EXPECT_GT(ValueOf(reader, "memstats_rss"), 0);
  EXPECT_EQ(reader.metrics.at("process_cpu_seconds_total").type, "counter");
}

}  // namespace
}  // namespace expvar
