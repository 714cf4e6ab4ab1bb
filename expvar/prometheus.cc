#include "expvar/prometheus.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "expvar/var.h"
#include "fasthttp/base/json.h"
#include "fasthttp/header_names.h"
#include "fasthttp/quality.h"

namespace expvar {
namespace {

// [a-zA-Z_][a-zA-Z0-9_]*. Colons are for rules of Prometheus itself.
std::string Mangled(std::string_view name) {
  std::string mangled(name);
  for (char& c : mangled) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  if (mangled.empty() || absl::ascii_isdigit(static_cast<unsigned char>(mangled[0]))) {
    mangled.insert(0, "_");
  }
  return mangled;
}

// With backslashes before what ends a line, a quoted value if `quote`, or begins an escape.
std::string Escaped(std::string_view text, bool quote) {
  std::string escaped;
  while (!text.empty()) {
    const size_t length = fasthttp::base::Utf8Length(text);
    if (text[0] == '\n') {
      escaped += "\\n";
    } else if (text[0] == '\\' || (quote && text[0] == '"')) {
      escaped += '\\';
      escaped += text[0];
    } else if (length == 0) {
      escaped += "\xEF\xBF\xBD";
    } else {
      escaped += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return escaped;
}

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

constexpr absl::string_view kTotal = "_total";

class Exposition {
 public:
  explicit Exposition(MetricsFormat format) : open_(format == MetricsFormat::kOpenMetrics) {}

  void Add(std::string_view name, const Value& value) {
    variable_ = name;
    Walk(Mangled(name), {}, value);
  }

  void AppendTo(std::string& dst) const {
    for (const auto& [name, family] : families_) {
      absl::StrAppend(&dst, "# HELP ", name, " Variable ", Escaped(family.variable, open_), "\n",
                      "# TYPE ", name, " ", family.type, "\n", family.lines);
    }
    if (open_) {
      dst += "# EOF\n";
      return;
    }
    for (const std::string& name : left_out_) {
      absl::StrAppend(&dst, "# Left out, since its name is taken: ", Escaped(name, false), "\n");
    }
  }

 private:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // All samples of one metric, which have to stand together.
  struct Family {
    std::string variable;
    absl::string_view type;
    std::string lines;
  };

  void Walk(const std::string& name, const Labels& labels, const Value& value) {
    std::visit([&](const auto& v) { Show(name, labels, v); }, value.variant());
  }

  void Show(const std::string&, const Labels&, std::monostate) {}
  void Show(const std::string&, const Labels&, const Value::Array&) {}
  void Show(const std::string& name, const Labels& labels, bool value) {
    Single(name, labels, value ? "1" : "0");
  }
  void Show(const std::string& name, const Labels& labels, int64_t value) {
    Single(name, labels, absl::StrCat(value));
  }
  void Show(const std::string& name, const Labels& labels, uint64_t value) {
    Single(name, labels, absl::StrCat(value));
  }
  void Show(const std::string& name, const Labels& labels, double value) {
    Single(name, labels, Number(value));
  }
  void Show(const std::string& name, const Labels& labels, const std::string& value) {
    Single(name, With(labels, "value", value), "1");
  }
  void Show(const std::string& name, const Labels& labels, const Value::Object& value) {
    for (const auto& [key, member] : value) {
      std::string part = Mangled(key);
      Walk(absl::StrCat(name, part[0] == '_' ? "" : "_", part), labels, member);
    }
  }
  void Show(const std::string& name, const Labels& labels, const Value::ByLabel& value) {
    std::string label = Mangled(value.label);
    if (label == "le") label += '_';  // That of a histogram below.
    for (const auto& [key, member] : value.members) {
      Walk(name, With(labels, label, key), member);
    }
  }
  void Show(const std::string& name, const Labels& labels, const Value::Histogram& value) {
    const std::string bucket = absl::StrCat(name, "_bucket");
    const std::string sum = absl::StrCat(name, "_sum");
    const std::string count = absl::StrCat(name, "_count");
    Family* family = FamilyOf(name, "histogram", {bucket, sum, count, Created(name)});
    if (family == nullptr || !Claim(count, labels)) return LeaveOut();
    uint64_t below = 0;
    for (size_t i = 0; i < value.counts.size() && i <= value.bounds.size(); ++i) {
      below += value.counts[i];
      const bool last = i == value.bounds.size();
      AppendSample(*family, bucket, With(labels, "le", last ? "+Inf" : Bound(value.bounds[i])),
                   absl::StrCat(below));
    }
    AppendSample(*family, sum, labels, Number(value.sum));
    AppendSample(*family, count, labels, absl::StrCat(below));
  }

  void Single(const std::string& name, const Labels& labels, std::string_view value) {
    Family* family = absl::EndsWith(name, kTotal) ? CounterOf(name)
                     : open_                      ? FamilyOf(name, "unknown", {name})
                                                  : FamilyOf(name, "untyped", {name});
    if (family == nullptr || !Claim(name, labels)) return LeaveOut();
    AppendSample(*family, name, labels, value);
  }

  // OpenMetrics calls the family without what its samples end in, and reserves another ending.
  Family* CounterOf(const std::string& name) {
    if (!open_) return FamilyOf(name, "counter", {name});
    const std::string family = name.substr(0, name.size() - kTotal.size());
    if (family.empty()) return FamilyOf(name, "unknown", {name});
    return FamilyOf(family, "counter", {name, Created(family)});
  }
  std::string Created(const std::string& family) const {
    return open_ ? absl::StrCat(family, "_created") : family;
  }

  // The text of le="...", which OpenMetrics wants with a point.
  std::string Bound(double value) const {
    std::string text = Number(value);
    const bool whole = text.find_first_not_of("-0123456789") == std::string::npos;
    return open_ && whole ? text + ".0" : text;
  }

  // A label of each name; "le" is that of a histogram's buckets, two underscores are Prometheus'
  // own.
  static Labels With(const Labels& labels, std::string name, std::string_view value) {
    auto taken = [&] {
      for (const auto& label : labels) {
        if (label.first == name) return true;
      }
      return false;
    };
    if (absl::StartsWith(name, "__")) name.insert(0, "label");
    while (taken()) name += '_';
    Labels more = labels;
    more.emplace_back(std::move(name), value);
    return more;
  }

  // Null if something else has one of the names.
  Family* FamilyOf(const std::string& name, absl::string_view type,
                   std::initializer_list<std::string> sample_names) {
    auto it = families_.find(name);
    if (it != families_.end()) {
      Family& family = it->second;
      return family.variable == variable_ && family.type == type ? &family : nullptr;
    }
    if (names_.count(name) != 0) return nullptr;
    for (const std::string& sample : sample_names) {
      if (names_.count(sample) != 0) return nullptr;
    }
    names_.insert(name);
    names_.insert(sample_names);
    return &families_.try_emplace(name, Family{std::string(variable_), type, ""}).first->second;
  }

  // False if there is a sample of this name and these labels already.
  bool Claim(const std::string& name, const Labels& labels) {
    return series_.insert(name + LabelText(labels)).second;
  }

  void LeaveOut() {
    if (left_out_.empty() || left_out_.back() != variable_) left_out_.emplace_back(variable_);
  }

  static std::string LabelText(const Labels& labels) {
    std::string text;
    for (const auto& [name, value] : labels) {
      absl::StrAppend(&text, text.empty() ? "{" : ",", name, "=\"", Escaped(value, true), "\"");
    }
    if (!text.empty()) text += '}';
    return text;
  }

  static void AppendSample(Family& family, const std::string& name, const Labels& labels,
                           std::string_view value) {
    absl::StrAppend(&family.lines, name, LabelText(labels), " ",
                    absl::string_view(value.data(), value.size()), "\n");
  }

  const bool open_;            // OpenMetrics.
  std::string_view variable_;  // The one that is being shown.
  std::map<std::string, Family> families_;
  std::set<std::string> names_;   // Of families and their samples.
  std::set<std::string> series_;  // Names with labels.
  std::vector<std::string> left_out_;
};

}  // namespace

void AppendPrometheus(std::string& dst, MetricsFormat format) {
  Exposition exposition(format);
  Do([&](std::string_view name, const Value& value) { exposition.Add(name, value); });
  exposition.AppendTo(dst);
}

void PrometheusHandler(fasthttp::RequestCtx& ctx) {
  constexpr std::string_view kTypes[] = {
      "text/plain; version=0.0.4; charset=utf-8",
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
      // What Prometheus 3 asks for: it would take names that we do not have, too.
      "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"};
  const std::string_view type =
      fasthttp::NegotiateType(ctx.request().header().Peek(fasthttp::kHeaderAccept), kTypes);
  const bool open = type == kTypes[1] || type == kTypes[2];
  std::string text;
  AppendPrometheus(text, open ? MetricsFormat::kOpenMetrics : MetricsFormat::kText);
  ctx.SetContentType(kTypes[open ? 1 : 0]);
  ctx.response().header().Set(fasthttp::kHeaderVary, fasthttp::kHeaderAccept);
  ctx.response().SetBodyOwned(std::move(text));
}

}  // namespace expvar
