#include "expvar/var.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "expvar/process.h"
#include "fasthttp/base/check.h"
#include "fasthttp/base/json.h"

namespace expvar {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// --- The registry -----------------------------------------------------------------------------

struct Variable {
  Where where;
  Func::Function value;
};

class Registry {
 public:
  // Never destroyed: loops may update variables while the process ends.
  static Registry& Get() {
    static Registry* const registry = new Registry;
    return *registry;
  }

  void Publish(std::string_view name, Where where, Func::Function value) {
    absl::MutexLock lock(&mutex_);
    auto [it, added] = variables_.try_emplace(std::string(name));
    if (!added) {
      std::string message =
          absl::StrCat("a second expvar variable is called \"", View(name), "\"; the first is at ",
                       it->second->where.file, ":", it->second->where.line);
      fasthttp::base::CheckFailed(where.file, where.line, message.c_str());
    }
    it->second = std::make_unique<Variable>(Variable{where, std::move(value)});
  }

  bool Has(std::string_view name) {
    absl::MutexLock lock(&mutex_);
    return variables_.find(name) != variables_.end();
  }

  // Functions are called without the lock: they may block, and publish.
  void Do(absl::FunctionRef<void(std::string_view, const Value&)> f, Wanted wanted) {
    std::vector<std::pair<std::string_view, const Variable*>> all;
    {
      absl::MutexLock lock(&mutex_);
      for (const auto& [name, variable] : variables_) all.emplace_back(name, variable.get());
    }
    for (const auto& [name, variable] : all) {
      if (wanted(name)) f(name, variable->value());
    }
  }

 private:
  Registry() {
    const Where here = Where::Here();
    Publish("cmdline", here, &internal::CommandLine);
    Publish("memstats", here, &internal::MemoryStats);
    Publish("process", here, &internal::ProcessStats);
  }

  absl::Mutex mutex_;
  // Entries are never removed, so names and variables stay where they are.
  std::map<std::string, std::unique_ptr<Variable>, std::less<>> variables_ ABSL_GUARDED_BY(mutex_);
};

// --- Counters ---------------------------------------------------------------------------------

class Counters {
 public:
  static Counters& Get() {
    static Counters* const counters = new Counters;
    return *counters;
  }

  uint32_t New() {
    absl::MutexLock lock(&mutex_);
    return NewCell();
  }

  internal::Level* NewLevel() {
    absl::MutexLock lock(&mutex_);
    if (base_.size() % 2 != 0) (void)NewCell();  // Both in one chunk.
    auto* level = new internal::Level;
    level->index = NewCell();
    (void)NewCell();
    levels_.push_back(level);
    return level;
  }

  uint64_t Read(uint32_t index) {
    absl::MutexLock lock(&mutex_);
    return base_[index] + SumOfCells(index);
  }

  // Cells belong to their threads; only the base may be changed from here.
  void Set(uint32_t index, uint64_t value) {
    absl::MutexLock lock(&mutex_);
    base_[index] = value - SumOfCells(index);
  }

  void AddToBase(uint32_t index, uint64_t delta) {
    absl::MutexLock lock(&mutex_);
    base_[index] += delta;
  }

  double Read(const internal::Level& level) {
    absl::MutexLock lock(&mutex_);
    double sum = level.base.load(std::memory_order_relaxed);
    for (const internal::ThreadCells* cells : threads_) sum += SumIn(*cells, level);
    return sum;
  }

  void Set(internal::Level& level, double value) {
    absl::MutexLock lock(&mutex_);
    level.base.store(value, std::memory_order_relaxed);
    level.epoch.fetch_add(1, std::memory_order_relaxed);
  }

  void AddToBase(internal::Level& level, double delta) {
    absl::MutexLock lock(&mutex_);
    level.base.fetch_add(delta, std::memory_order_relaxed);
  }

  void AddChunk(internal::ThreadCells& cells, size_t chunk) {
    absl::MutexLock lock(&mutex_);
    if (std::find(threads_.begin(), threads_.end(), &cells) == threads_.end()) {
      threads_.push_back(&cells);
    }
    cells.chunks[chunk] = new internal::Chunk;
  }

  void EndThread(internal::ThreadCells& cells) {
    absl::MutexLock lock(&mutex_);
    threads_.erase(std::find(threads_.begin(), threads_.end(), &cells));
    for (size_t index = 0; index < base_.size(); ++index) {
      base_[index] += CellOf(cells, static_cast<uint32_t>(index));
    }
    for (internal::Level* level : levels_) {
      // A Set that began before the first Add may store meanwhile.
      level->base.fetch_add(SumIn(cells, *level), std::memory_order_relaxed);
    }
    for (internal::Chunk*& chunk : cells.chunks) delete std::exchange(chunk, nullptr);
    cells.ended = true;
  }

 private:
  static uint64_t CellOf(const internal::ThreadCells& cells, uint32_t index) {
    const internal::Chunk* chunk = cells.chunks[index / internal::kCellsPerChunk];
    if (chunk == nullptr) return 0;
    return chunk->cells[index % internal::kCellsPerChunk].load(std::memory_order_acquire);
  }

  // The sum is read second: it may then be one of a later Add, but not of an earlier epoch.
  static double SumIn(const internal::ThreadCells& cells, const internal::Level& level) {
    const uint64_t epoch = CellOf(cells, level.index + 1);
    if (epoch != level.epoch.load(std::memory_order_relaxed)) return 0;
    return std::bit_cast<double>(CellOf(cells, level.index));
  }

  uint32_t NewCell() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    FASTHTTP_CHECK(base_.size() < internal::kCellsPerChunk * internal::kMaxChunks,
                   "too many expvar counters");
    base_.push_back(0);
    return static_cast<uint32_t>(base_.size() - 1);
  }

  uint64_t SumOfCells(uint32_t index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    uint64_t sum = 0;
    for (const internal::ThreadCells* cells : threads_) sum += CellOf(*cells, index);
    return sum;
  }

  absl::Mutex mutex_;
  // What ended threads have counted, and what Set has corrected.
  std::vector<uint64_t> base_ ABSL_GUARDED_BY(mutex_);
  std::vector<internal::Level*> levels_ ABSL_GUARDED_BY(mutex_);
  std::vector<internal::ThreadCells*> threads_ ABSL_GUARDED_BY(mutex_);
};

// Folds the thread's cells away when it ends.
struct ThreadEnd {
  ~ThreadEnd() { Counters::Get().EndThread(internal::thread_cells); }
};

void AppendDouble(std::string& dst, double value) {
  if (!std::isfinite(value)) {
    dst += "null";
    return;
  }
  char text[32];
  dst.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

}  // namespace

namespace internal {

constinit thread_local ThreadCells thread_cells = {};

uint32_t NewCounter() { return Counters::Get().New(); }
uint64_t ReadCounter(uint32_t index) { return Counters::Get().Read(index); }
void SetCounter(uint32_t index, uint64_t value) { Counters::Get().Set(index, value); }

namespace {

// The thread's cells for `index`, made if need be. Null once it has given them up: destructors that
// run after ThreadEnd's still count.
std::atomic<uint64_t>* MakeCellsAt(uint32_t index) {
  if (std::atomic<uint64_t>* cells = CellsAt(index)) return cells;
  if (thread_cells.ended) return nullptr;
  static thread_local ThreadEnd end;
  (void)&end;
  Counters::Get().AddChunk(thread_cells, index / kCellsPerChunk);
  return CellsAt(index);
}

}  // namespace

void AddSlowly(uint32_t index, uint64_t delta) {
  if (MakeCellsAt(index) == nullptr) return Counters::Get().AddToBase(index, delta);
  AddToCounter(index, delta);
}

Level* NewLevel() { return Counters::Get().NewLevel(); }
double ReadLevel(const Level& level) { return Counters::Get().Read(level); }
void SetLevelSlowly(Level& level, double value) { Counters::Get().Set(level, value); }

void AddToLevelSlowly(Level& level, double delta) {
  std::atomic<uint64_t>* cells = MakeCellsAt(level.index);
  if (cells == nullptr) return Counters::Get().AddToBase(level, delta);
  // The first epoch is 0, as in cells that are new.
  uint64_t epoch = Level::kNobodyAdded;
  if (level.epoch.compare_exchange_strong(epoch, 0, std::memory_order_relaxed)) epoch = 0;
  const bool begun = cells[1].load(std::memory_order_relaxed) == epoch;
  const double sum = begun ? std::bit_cast<double>(cells[0].load(std::memory_order_relaxed)) : 0;
  cells[0].store(std::bit_cast<uint64_t>(sum + delta), std::memory_order_relaxed);
  cells[1].store(epoch, std::memory_order_release);
}

}  // namespace internal

// --- The variables ----------------------------------------------------------------------------

Int::Int(std::string_view name, Where where) : index_(internal::NewCounter()) {
  Registry::Get().Publish(name, where, [index = index_]() -> expvar::Value {
    return static_cast<int64_t>(internal::ReadCounter(index));
  });
}

Float::Float(std::string_view name, Where where) : level_(internal::NewLevel()) {
  Registry::Get().Publish(
      name, where, [level = level_]() -> expvar::Value { return internal::ReadLevel(*level); });
}

struct String::State {
  absl::Mutex mutex;
  std::string value ABSL_GUARDED_BY(mutex);
};

String::String(std::string_view name, Where where) : state_(new State) {
  Registry::Get().Publish(name, where, [state = state_]() -> expvar::Value {
    absl::MutexLock lock(&state->mutex);
    return state->value;
  });
}

void String::Set(std::string_view value) {
  absl::MutexLock lock(&state_->mutex);
  state_->value = value;
}

std::string String::Value() const {
  absl::MutexLock lock(&state_->mutex);
  return state_->value;
}

struct Map::State {
  // The counter of `key`, made if need be.
  uint32_t CounterOf(std::string_view key) {
    {
      absl::ReaderMutexLock lock(&mutex);
      if (auto it = counters.find(View(key)); it != counters.end()) return it->second;
    }
    absl::MutexLock lock(&mutex);
    std::string_view name = counters.size() < kMaxKeys ? key : "(other)";
    auto [it, added] = counters.try_emplace(View(name), 0);
    if (added) it->second = internal::NewCounter();
    return it->second;
  }

  std::vector<std::pair<std::string, int64_t>> Sorted() {
    std::vector<std::pair<std::string, int64_t>> all;
    {
      absl::ReaderMutexLock lock(&mutex);
      for (const auto& [key, index] : counters) {
        all.emplace_back(key, static_cast<int64_t>(internal::ReadCounter(index)));
      }
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  absl::Mutex mutex;
  absl::flat_hash_map<std::string, uint32_t> counters ABSL_GUARDED_BY(mutex);
};

Map::Map(std::string_view name, Where where) : state_(new State) {
  Registry::Get().Publish(name, where, [state = state_]() -> expvar::Value {
    expvar::Value::ByLabel counts = {"key", {}};
    for (auto& [key, value] : state->Sorted()) counts.members.emplace_back(std::move(key), value);
    return counts;
  });
}

void Map::Add(std::string_view key, int64_t delta) {
  internal::AddToCounter(state_->CounterOf(key), static_cast<uint64_t>(delta));
}

void Map::Set(std::string_view key, int64_t value) {
  internal::SetCounter(state_->CounterOf(key), static_cast<uint64_t>(value));
}

int64_t Map::Value(std::string_view key) const {
  absl::ReaderMutexLock lock(&state_->mutex);
  auto it = state_->counters.find(View(key));
  return it == state_->counters.end() ? 0 : static_cast<int64_t>(internal::ReadCounter(it->second));
}

void Map::Do(absl::FunctionRef<void(std::string_view key, int64_t value)> f) const {
  for (const auto& [key, value] : state_->Sorted()) f(key, value);
}

Func::Func(std::string_view name, Function function, Where where) {
  FASTHTTP_CHECK(static_cast<bool>(function), "an expvar::Func needs a function");
  Registry::Get().Publish(name, where, std::move(function));
}

// --- JSON -------------------------------------------------------------------------------------

namespace {

void AppendObject(std::string& dst, const Value::Object& object, size_t indent) {
  if (object.empty()) {
    dst += "{}";
    return;
  }
  std::vector<const Value::Object::value_type*> sorted;
  for (const auto& member : object) sorted.push_back(&member);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->first < b->first; });
  const char* separator = "{\n";
  for (const auto* member : sorted) {
    dst += std::exchange(separator, ",\n");
    dst.append(indent + 1, '\t');
    fasthttp::base::AppendJSONQuoted(dst, member->first);
    dst += ": ";
    member->second.AppendJSON(dst, indent + 1);
  }
  dst += '\n';
  dst.append(indent, '\t');
  dst += '}';
}

void AppendArray(std::string& dst, const Value::Array& array, size_t indent) {
  dst += '[';
  for (size_t i = 0; i < array.size(); ++i) {
    if (i != 0) dst += ", ";
    array[i].AppendJSON(dst, indent);
  }
  dst += ']';
}

struct Appender {
  std::string& dst;
  size_t indent;
  void operator()(std::monostate) const { dst += "null"; }
  void operator()(bool value) const { dst += value ? "true" : "false"; }
  void operator()(int64_t value) const { absl::StrAppend(&dst, value); }
  void operator()(uint64_t value) const { absl::StrAppend(&dst, value); }
  void operator()(double value) const { AppendDouble(dst, value); }
  void operator()(const std::string& value) const { fasthttp::base::AppendJSONQuoted(dst, value); }
  void operator()(const Value::Array& value) const { AppendArray(dst, value, indent); }
  void operator()(const Value::Object& value) const { AppendObject(dst, value, indent); }
  void operator()(const Value::ByLabel& value) const { AppendObject(dst, value.members, indent); }
  void operator()(const Value::Histogram& value) const {
    const uint64_t count = std::accumulate(value.counts.begin(), value.counts.end(), uint64_t{0});
    AppendObject(dst,
                 {{"bounds", Value::Array(value.bounds.begin(), value.bounds.end())},
                  {"count", count},
                  {"counts", Value::Array(value.counts.begin(), value.counts.end())},
                  {"sum", value.sum}},
                 indent);
  }
};

}  // namespace

void Value::AppendJSON(std::string& dst, size_t indent) const {
  std::visit(Appender{dst, indent}, value_);
}

void Do(absl::FunctionRef<void(std::string_view name, const Value& value)> f, Wanted wanted) {
  Registry::Get().Do(f, wanted);
}

void AppendJSON(std::string& dst, Wanted wanted) {
  const char* separator = "\n\t";
  dst += '{';
  auto append = [&](std::string_view name, const Value& value) {
    dst += std::exchange(separator, ",\n\t");
    fasthttp::base::AppendJSONQuoted(dst, name);
    dst += ": ";
    value.AppendJSON(dst, 1);
  };
  Do(append, wanted);
  dst += "\n}\n";
}

bool IsPublished(std::string_view name) { return Registry::Get().Has(name); }

}  // namespace expvar
