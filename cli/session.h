// The connection of a command to the API server.
#pragma once

#include "cli/commands.h"
#include "sextant/kube/client.h"

#include <expected>
#include <memory>
#include <string>

namespace sextant::cli {

struct Session {
  std::unique_ptr<kube::Client> client;
  std::string ns;
};

[[nodiscard]] kube::Result<Session> Open(const Target& target);
[[nodiscard]] kube::GroupVersionResource DbClusters();

// Prints "error: …" and returns the exit code for it.
[[nodiscard]] int Fail(const std::string& what);
[[nodiscard]] int Fail(const kube::Error& error);

}  // namespace sextant::cli
