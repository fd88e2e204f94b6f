// sextant-storage: one storage node. docs/storage-server.md is its manual.
#include "storage/server/server.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace {

namespace storage = sextant::storage;

constexpr int kBadStart = 1;  // the configuration, the disk, or an address
constexpr int kDiskFailed = 2;
constexpr int kSnapshot = 3;

int Fail(const std::string& what) {
  std::cerr << "sextant-storage: " << what << '\n';
  return kBadStart;
}

}  // namespace

int main(int count, char** arguments) {
  CLI::App app{"One storage node of a Sextant volume"};
  std::string path;
  bool only_check = false;
  app.add_option("--config", path, "YAML file; docs/storage-server.md explains it")->required();
  app.add_flag("--check-config", only_check, "Say whether the configuration is good, and end");
  app.set_version_flag("--version", std::string("sextant-storage ") + SEXTANT_VERSION);
  CLI11_PARSE(app, count, arguments);

  const auto config = storage::server::LoadConfig(path);
  if (!config) {
    return Fail(config.error());
  }
  if (only_check) {
    if (config->tls) {
      if (const auto tls = sextant::net::MakeTlsContext(*config->tls); !tls) {
        return Fail(tls.error());
      }
    }
    std::cout << path << " is good\n";
    return 0;
  }
  const auto files = storage::MakePosixFileSystem();
  const auto server = storage::server::Server::Start(*config, *files);
  if (!server) {
    return Fail(server.error());
  }
  (*server)->HandleSignals();
  switch ((*server)->Wait()) {
    case storage::server::Ending::kStopped:
      return 0;
    case storage::server::Ending::kDiskFailed:
      return kDiskFailed;
    case storage::server::Ending::kSnapshot:
      return kSnapshot;
  }
  return kDiskFailed;
}
