#include "cli/session.h"

#include <iostream>

namespace sextant::cli {

kube::Result<Session> Open(const Target& target) {
  kube::InitializeTransport();
  const auto config = kube::LoadConfig({.context = target.context});
  if (!config) return std::unexpected(config.error());
  auto transport = kube::MakeTransport(*config);
  if (!transport) return std::unexpected(transport.error());
  return Session{
      .client = std::make_unique<kube::Client>(
          std::move(*transport), kube::ClientOptions{.field_manager = "kubectl-sextant"}),
      .ns = target.ns.empty() ? config->default_namespace : target.ns};
}

kube::GroupVersionResource DbClusters() {
  return {.group = "sextant.dev",
          .version = "v1alpha1",
          .resource = "dbclusters",
          .kind = "DBCluster",
          .namespaced = true};
}

int Fail(const std::string& what) {
  std::cerr << "error: " << what << '\n';
  return 1;
}

int Fail(const kube::Error& error) { return Fail(kube::ToString(error)); }

}  // namespace sextant::cli
