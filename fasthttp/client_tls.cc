#include "fasthttp/client_tls.h"

#include <mutex>
#include <utility>

namespace fasthttp {

struct ClientTLSConfig::Shared {
  explicit Shared(ClientTLSSettings s) : settings(std::move(s)) {}

  const ClientTLSSettings settings;
  std::once_flag made;
  std::shared_ptr<internal::ClientTLSContext> context;
};

ClientTLSConfig::ClientTLSConfig() {
  // Never destroyed: clients of static storage have it.
  static const auto* const defaults =
      new std::shared_ptr<Shared>(std::make_shared<Shared>(ClientTLSSettings()));
  shared_ = *defaults;
}

ClientTLSConfig::ClientTLSConfig(ClientTLSSettings settings)
    : shared_(std::make_shared<Shared>(std::move(settings))) {}

const ClientTLSSettings& ClientTLSConfig::settings() const { return shared_->settings; }

internal::ClientTLSContext* ClientTLSConfig::context() const {
  internal::MakeClientTLSContext make = internal::make_client_tls_context.load();
  if (make == nullptr) return nullptr;
  std::call_once(shared_->made, [&] { shared_->context = make(shared_->settings); });
  return shared_->context.get();
}

}  // namespace fasthttp
