// Int, Float, String, Map, Func: named variables that a running program shows to whoever asks.
//
//   expvar::Int hits("hits");             // At namespace scope: it registers itself.
//   void Handle(fasthttp::RequestCtx& ctx) {
//     hits.Add(1);
//     ...
//   }
//
// All variables live in one registry of the process. Names are unique: a second variable of one
// name ends the program with a sentence that names both places. A variable is published for the
// life of the process, also when its object is gone: declare it at namespace scope or static, not
// as a part of objects that come and go. Updates are safe during the start and the end of the
// program.
//
// Who shows them: expvar/handler.h as JSON, expvar/prometheus.h as metrics, expvar/page.h as a
// page. Three variables are built in: "cmdline", the arguments of the process, "memstats", its
// memory, and "process", its CPU time. A server's figures are published by expvar/server_var.h.
//
// When not to use it: where a distribution is to be counted on every request. A Func can show one
// that is counted elsewhere (Value::Histogram).
//
// Thread class: thread-safe.
#ifndef FASTHTTP_EXPVAR_VAR_H_
#define FASTHTTP_EXPVAR_VAR_H_

#include <array>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"

namespace expvar {

// Where a variable is declared; made by the default arguments below.
struct Where {
  const char* file;
  int line;
  static constexpr Where Here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

namespace internal {

// Counters that no two threads write: each thread has a cell for each counter, and only its owner
// stores to it. Chunks are made when a thread first uses one, and folded away when it ends.
inline constexpr size_t kCellsPerChunk = 256;
inline constexpr size_t kMaxChunks = 64;
struct Chunk {
  std::array<std::atomic<uint64_t>, kCellsPerChunk> cells{};
};
struct ThreadCells {
  std::array<Chunk*, kMaxChunks> chunks;
  bool ended;
};
extern constinit thread_local ThreadCells thread_cells;

// The cells of a thread that has them already, else null.
inline std::atomic<uint64_t>* CellsAt(uint32_t index) {
  Chunk* chunk = thread_cells.chunks[index / kCellsPerChunk];
  return chunk == nullptr ? nullptr : &chunk->cells[index % kCellsPerChunk];
}

uint32_t NewCounter();
uint64_t ReadCounter(uint32_t index);
void SetCounter(uint32_t index, uint64_t value);
void AddSlowly(uint32_t index, uint64_t delta);

inline void AddToCounter(uint32_t index, uint64_t delta) {
  std::atomic<uint64_t>* cell = CellsAt(index);
  if (cell == nullptr) [[unlikely]]
    return AddSlowly(index, delta);
  cell->store(cell->load(std::memory_order_relaxed) + delta, std::memory_order_relaxed);
}

// A sum of doubles: each thread has two cells, for its sum and for the epoch that the sum is of. A
// Set begins an epoch, and what was summed in earlier ones is forgotten.
struct Level {
  static constexpr uint64_t kNobodyAdded = ~uint64_t{0};
  std::atomic<double> base{0};
  std::atomic<uint64_t> epoch{kNobodyAdded};
  uint32_t index = 0;  // Of the sum's cell; the epoch's is the next one.
};

Level* NewLevel();
double ReadLevel(const Level& level);
void SetLevelSlowly(Level& level, double value);
void AddToLevelSlowly(Level& level, double delta);

}  // namespace internal

// A signed 64-bit number, for counting. Add is wait-free and takes about a nanosecond, since each
// thread (and so each loop) has a cell of its own; reading sums them. A thread's first Add
// allocates. Overflow wraps around. At most 16,384 counters (Map's included) in a process; one more
// ends it.
class Int {
 public:
  explicit Int(std::string_view name, Where where = Where::Here());
  Int(const Int&) = delete;
  Int& operator=(const Int&) = delete;

  void Add(int64_t delta) { internal::AddToCounter(index_, static_cast<uint64_t>(delta)); }
  // An Add of another thread at the same time counts as before or after it. Slow: takes a lock.
  void Set(int64_t value) { internal::SetCounter(index_, static_cast<uint64_t>(value)); }
  int64_t Value() const { return static_cast<int64_t>(internal::ReadCounter(index_)); }

 private:
  uint32_t index_;
};

// A double, for levels and for sums that are not whole. Add is wait-free and takes a few
// nanoseconds, like Int's. Set is one store where nobody adds; where somebody has, it takes a lock.
// Shown as null while it is infinite or not a number, which JSON cannot say. Each takes up
// two or three of Int's counters.
class Float {
 public:
  explicit Float(std::string_view name, Where where = Where::Here());
  Float(const Float&) = delete;
  Float& operator=(const Float&) = delete;

  void Add(double delta) {
    std::atomic<uint64_t>* cells = internal::CellsAt(level_->index);
    if (cells == nullptr || cells[1].load(std::memory_order_relaxed) !=
                                level_->epoch.load(std::memory_order_relaxed)) [[unlikely]] {
      return internal::AddToLevelSlowly(*level_, delta);
    }
    const double sum = std::bit_cast<double>(cells[0].load(std::memory_order_relaxed)) + delta;
    cells[0].store(std::bit_cast<uint64_t>(sum), std::memory_order_relaxed);
  }
  // An Add of another thread at the same time counts as before or after it.
  void Set(double value) {
    if (level_->epoch.load(std::memory_order_relaxed) != internal::Level::kNobodyAdded) {
      return internal::SetLevelSlowly(*level_, value);
    }
    level_->base.store(value, std::memory_order_relaxed);
  }
  double Value() const { return internal::ReadLevel(*level_); }

 private:
  internal::Level* level_;  // Never freed.
};

// A text, behind a lock.
class String {
 public:
  explicit String(std::string_view name, Where where = Where::Here());
  String(const String&) = delete;
  String& operator=(const String&) = delete;

  void Set(std::string_view value);
  std::string Value() const;

 private:
  struct State;
  State* state_;  // Never freed.
};

// Counters by key, shown as an object. Keys are made at first use and stay.
//
// Keys may come from outside: beyond kMaxKeys, all that are new are counted under "(other)".
// Add looks its key up under a shared lock, some 50 ns; what is counted on every request is better
// an Int.
class Map {
 public:
  static constexpr size_t kMaxKeys = 1000;

  explicit Map(std::string_view name, Where where = Where::Here());
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;

  void Add(std::string_view key, int64_t delta);
  void Set(std::string_view key, int64_t value);
  // 0 for a key that was never used.
  int64_t Value(std::string_view key) const;
  // Calls f for every key, sorted. `f` may block and may use this Map.
  void Do(absl::FunctionRef<void(std::string_view key, int64_t value)> f) const;

 private:
  struct State;
  State* state_;  // Never freed.
};

// What a variable shows, and what a Func returns: any JSON value, and two more kinds.
class Value {
 public:
  using Array = std::vector<Value>;
  using Object = std::vector<std::pair<std::string, Value>>;  // Shown sorted by key.
  // An object whose keys are values of a label: {"api": ..., "admin": ...} by "server". As a metric
  // a key becomes server="api" instead of a part of the name.
  struct ByLabel {
    std::string label;
    Object members;
  };
  // counts[i]: above bounds[i - 1] and at most bounds[i]; the last of counts, which has one more:
  // above all. `sum` is that of all values. As JSON an object of bounds, count, counts and sum.
  struct Histogram {
    std::vector<double> bounds;
    std::vector<uint64_t> counts;
    double sum;
  };

  Value() = default;  // null
  Value(std::same_as<bool> auto value) : value_(value) {}
  Value(std::signed_integral auto value) : value_(int64_t{value}) {}
  Value(std::unsigned_integral auto value)
    requires(!std::same_as<decltype(value), bool>)
      : value_(uint64_t{value}) {}
  Value(std::floating_point auto value) : value_(static_cast<double>(value)) {}
  Value(const char* value) : value_(std::string(value)) {}
  Value(std::string_view value) : value_(std::string(value)) {}
  Value(std::string value) : value_(std::move(value)) {}
  Value(Array value) : value_(std::move(value)) {}
  Value(Object value) : value_(std::move(value)) {}
  Value(ByLabel value) : value_(std::move(value)) {}
  Value(Histogram value) : value_(std::move(value)) {}

  // Appends it as JSON; members of objects on lines of their own, `indent` + 1 tabs deep.
  void AppendJSON(std::string& dst, size_t indent = 0) const;

  using Variant = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array,
                               Object, ByLabel, Histogram>;
  const Variant& variant() const { return value_; }

 private:
  Variant value_;
};

// A value that is computed whenever somebody looks. What the function refers to must live as long
// as the process. It is called by several threads at once, and may block; an exception of it comes
// out of the call that looked.
class Func {
 public:
  using Function = absl::AnyInvocable<Value() const>;

  Func(std::string_view name, Function function, Where where = Where::Here());
  Func(const Func&) = delete;
  Func& operator=(const Func&) = delete;
};

// Which variables are meant.
using Wanted = absl::FunctionRef<bool(std::string_view name)>;
inline constexpr auto kAllVariables = [](std::string_view) { return true; };

// Calls f with the name and value of every variable that is wanted, sorted by name; the functions
// of others are not called. Variables that change meanwhile are not seen at one moment.
void Do(absl::FunctionRef<void(std::string_view name, const Value& value)> f,
        Wanted wanted = kAllVariables);

// Appends the variables that are wanted as one JSON object, a line each behind a tab, sorted by
// name.
void AppendJSON(std::string& dst, Wanted wanted = kAllVariables);

// Whether there is a variable of this name.
bool IsPublished(std::string_view name);

}  // namespace expvar

#endif  // FASTHTTP_EXPVAR_VAR_H_
