#include "fasthttp/dns_cache.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "fasthttp/runtime/happy_eyeballs.h"
#include "fasthttp/runtime/latch.h"

namespace fasthttp {
namespace {

using runtime::Loop;

constexpr size_t kMaxName = 253;  // RFC 1035, section 2.3.4, as text without the last dot.

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// In lower case; empty if it cannot be a name.
std::string KeyOf(std::string_view host) {
  std::string key(host);
  for (char& c : key) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!(c >= 'a' && c <= 'z') && !IsDigit(c) && c != '-' && c != '_' && c != '.') return {};
  }
  std::string_view name = key;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > kMaxName || name.find("..") != name.npos || name[0] == '.') {
    return {};
  }
  std::string_view last = name.substr(name.rfind('.') + 1);  // All of it without a dot.
  const bool hex = last.starts_with("0x") &&
                   last.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
  if (hex || last.find_first_not_of("0123456789") == std::string_view::npos) return {};
  return key;
}

}  // namespace

struct Pending {
  runtime::Latch done{1};
  std::shared_ptr<const DnsCache::Answer> answer;  // Set before the latch opens.
};

struct DnsCache::State {
  struct Entry {
    std::shared_ptr<const Answer> answer;  // Null until the first one is there.
    int64_t since = 0;
    int64_t used = 0;
    std::shared_ptr<Pending> pending;
  };

  explicit State(const DnsCacheOptions& o) : options(o) {
    // Twice a duration must not overflow.
    options.duration = std::clamp<int64_t>(options.duration, 0, INT64_MAX / 4);
    options.max_names = std::max<size_t>(options.max_names, 1);
    if (options.resolver == nullptr) options.resolver = SystemResolver();
  }

  bool MakeRoom();
  void Finish(const std::string& name, const std::shared_ptr<Pending>& pending,
              std::shared_ptr<const Answer> answer, int64_t now);

  DnsCacheOptions options;
  std::mutex mutex;
  absl::flat_hash_map<std::string, Entry> entries;
  size_t lookups = 0;
};

// Owns itself, and belongs to nobody's request: it ends when the resolver has answered.
class DnsCache::LookupTask final : public runtime::Task {
 public:
  LookupTask(std::shared_ptr<State> state, std::string name, std::shared_ptr<Pending> pending)
      : state_(std::move(state)), name_(std::move(name)), pending_(std::move(pending)) {}

  void Run(Loop& loop) override {
    scope.deadline = loop.now() + state_->options.lookup_timeout;
    auto answer = std::make_shared<Answer>();
    try {
      answer->errc = state_->options.resolver->LookupIPAddr(name_, answer->addresses);
    } catch (...) {
      answer->errc = Errc::kLookupFailed;
    }
    if (answer->errc == Errc::kTimeout) answer->errc = Errc::kLookupFailed;
    if (answer->errc == Errc::kOk && answer->addresses.empty()) answer->errc = Errc::kHostNotFound;
    if (answer->addresses.size() > runtime::kMaxAddresses) {
      answer->addresses.resize(runtime::kMaxAddresses);
    }
    state_->Finish(name_, pending_, std::move(answer), loop.FreshNow());
    delete this;
  }

 private:
  const std::shared_ptr<State> state_;
  const std::string name_;
  const std::shared_ptr<Pending> pending_;
};

DnsCache::DnsCache(const DnsCacheOptions& options) : state_(std::make_shared<State>(options)) {}

Errc DnsCache::Lookup(Loop& loop, std::string_view host, int64_t deadline,
                      std::shared_ptr<const Answer>& into) {
  if (Errc cancelled = loop.CancelCause(); cancelled != Errc::kOk) return cancelled;
  std::string name = KeyOf(host);
  if (name.empty()) return Errc::kBadAddress;
  const DnsCacheOptions& options = state_->options;
  const int64_t now = loop.now();
  std::shared_ptr<Pending> pending;
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    auto found = state_->entries.find(name);
    const bool known = found != state_->entries.end();
    State::Entry* entry = known ? &found->second : nullptr;
    bool usable = false;
    bool fresh = false;
    if (known && entry->answer != nullptr) {
      const int64_t age = now - entry->since;
      const bool exists = entry->answer->errc == Errc::kOk;
      fresh = age < (exists ? options.duration : options.negative_duration);
      usable = fresh || (exists && age < 2 * options.duration);
      entry->used = now;
      if (usable) into = entry->answer;
    }
    if (!fresh && (!known || entry->pending == nullptr)) {
      const bool full = state_->lookups >= options.max_lookups || (!known && !state_->MakeRoom());
      if (full && !usable) return Errc::kOverloaded;
      if (!full) {
        if (!known) entry = &state_->entries[name];
        entry->used = now;
        entry->pending = std::make_shared<Pending>();
        ++state_->lookups;
        loop.Spawn(*new LookupTask(state_, name, entry->pending));
      }
    }
    if (usable) return into->errc;
    pending = entry->pending;
  }
  if (Errc cause = pending->done.Wait(loop, deadline); cause != Errc::kOk) {
    return cause == Errc::kTimeout && deadline <= loop.now() ? Errc::kDialTimeout : cause;
  }
  into = pending->answer;
  return into->errc;
}

// The caller holds the lock. False if every name is being looked up.
bool DnsCache::State::MakeRoom() {
  if (entries.size() < options.max_names) return true;
  auto oldest = entries.end();
  for (auto it = entries.begin(); it != entries.end(); ++it) {
    if (it->second.pending != nullptr) continue;
    if (oldest == entries.end() || it->second.used < oldest->second.used) oldest = it;
  }
  if (oldest == entries.end()) return false;
  entries.erase(oldest);
  return true;
}

void DnsCache::State::Finish(const std::string& name, const std::shared_ptr<Pending>& pending,
                             std::shared_ptr<const Answer> answer, int64_t now) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    --lookups;
    auto found = entries.find(name);
    if (found != entries.end() && found->second.pending == pending) {
      Entry& entry = found->second;
      entry.pending.reset();
      const bool keep = (answer->errc == Errc::kOk && options.duration > 0) ||
                        (answer->errc == Errc::kHostNotFound && options.negative_duration > 0);
      if (keep) {
        entry.answer = answer;
        entry.since = now;
      } else if (entry.answer == nullptr || now - entry.since >= 2 * options.duration) {
        entries.erase(found);
      }
    }
  }
  pending->answer = std::move(answer);
  pending->done.CountDown();
}

void DnsCache::Flush() {
  std::lock_guard<std::mutex> lock(state_->mutex);
  state_->entries.clear();
}

size_t DnsCache::names() const {
  std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->entries.size();
}

}  // namespace fasthttp
