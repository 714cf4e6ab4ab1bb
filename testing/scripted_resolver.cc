#include "testing/scripted_resolver.h"

#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fasthttp/runtime/blocking.h"
#include "fasthttp/runtime/loop.h"
#include "fasthttp/runtime/socket.h"

namespace fasthttptest {

using fasthttp::Addr;
using fasthttp::Errc;

void ScriptedResolver::Answer(std::string_view host, std::vector<std::string> addresses,
                              absl::Duration delay) {
  std::lock_guard<std::mutex> lock(mutex_);
  scripts_[std::string(host)] = {std::move(addresses), Errc::kOk, delay};
}

void ScriptedResolver::Fail(std::string_view host, Errc errc, absl::Duration delay) {
  std::lock_guard<std::mutex> lock(mutex_);
  scripts_[std::string(host)] = {{}, errc, delay};
}

void ScriptedResolver::Throw(std::string_view host) {
  std::lock_guard<std::mutex> lock(mutex_);
  scripts_[std::string(host)].throws = true;
}

int ScriptedResolver::lookups(std::string_view host) const {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = lookups_.find(host);
  return found == lookups_.end() ? 0 : found->second;
}

int ScriptedResolver::under_way() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return under_way_;
}

Errc ScriptedResolver::LookupIPAddr(std::string_view host, std::vector<Addr>& addresses) {
  Script script;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ++lookups_[std::string(host)];
    ++under_way_;
    if (auto found = scripts_.find(host); found != scripts_.end()) script = found->second;
  }
  Errc slept = Errc::kOk;
  if (script.delay > absl::ZeroDuration()) {
    slept = fasthttp::runtime::SleepFor(*fasthttp::runtime::Loop::Current(),
                                        absl::ToInt64Nanoseconds(script.delay));
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    --under_way_;
  }
  if (script.throws) throw std::runtime_error("a resolver that throws");
  if (slept != Errc::kOk) return slept;
  for (const std::string& address : script.addresses) {
    const bool v6 = address.find(':') != std::string::npos;
    Errc parsed = fasthttp::runtime::ParseAddr(
        v6 ? absl::StrCat("[", address, "]:0") : absl::StrCat(address, ":0"),
        addresses.emplace_back());
    if (parsed != Errc::kOk) return parsed;
  }
  return script.errc;
}

}  // namespace fasthttptest
