#pragma once

#include "sextant/kube/client.h"
#include "sextant/kube/config.h"
#include "tests/support/kube_api_server.h"

#include <cstdint>
#include <format>
#include <stdexcept>
#include <string>
#include <utility>

namespace sextant::testing {

// A client as fast as the test wants, for the administrator; through the proxy when there is one.
// Throws std::runtime_error.
inline kube::Client MakeClient(const std::filesystem::path& kubeconfig,
                               std::uint16_t proxy_port = 0, kube::ClientOptions options = {}) {
  kube::InitializeTransport();
  auto config = kube::LoadKubeconfig(kubeconfig);
  if (!config) throw std::runtime_error(ToString(config.error()));
  if (proxy_port != 0) config->server = std::format("https://127.0.0.1:{}", proxy_port);
  auto transport = kube::MakeTransport(*config);
  if (!transport) throw std::runtime_error(ToString(transport.error()));
  options.requests_per_second = 5000;
  options.burst = 5000;
  return kube::Client(std::move(*transport), std::move(options));
}

inline std::uint16_t PortOf(const KubeApiServer& server) {
  return static_cast<std::uint16_t>(std::stoi(server.Url().substr(server.Url().rfind(':') + 1)));
}

// Makes a namespace, once.
inline void MakeNamespace(const kube::Client& client, const std::string& name) {
  const auto resource = kube::resources::Namespaces();
  const auto made = client.Create(resource, kube::NewObject({resource, "", name}));
  if (!made && made.error().code != kube::ErrorCode::kAlreadyExists) {
    throw std::runtime_error(ToString(made.error()));
  }
}

}  // namespace sextant::testing
