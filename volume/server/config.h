// What sextant-volume is told by its configuration file. docs/volume.md explains each key.
#pragma once

#include "daemon/log.h"
#include "sextant/client/client.h"
#include "volume/server/volume.h"

#include <chrono>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sextant::volume::server {

// Sizes are bytes.
struct Config {
  std::filesystem::path mount;
  std::filesystem::path control;
  net::Address http;
  std::string zone;
  std::vector<client::NodeAddress> nodes;
  std::optional<net::TlsFiles> tls;  // none: `insecure: true` was said
  std::uint32_t owner_uid = 65532;
  std::uint32_t owner_gid = 65532;
  std::uint64_t cache_memory = 64U << 20;
  std::filesystem::path cache_directory;  // empty: none
  std::uint64_t cache_size = std::uint64_t{1} << 30;
  std::filesystem::path overlay_directory;  // empty: no reader mode
  std::uint64_t overlay_size = std::uint64_t{10} << 30;
  std::uint64_t dirty_bytes = 64U << 20;
  std::chrono::milliseconds dirty_age{1000};
  daemon::LogLevel log_level = daemon::LogLevel::kInfo;
  std::optional<Target> attach;  // as soon as the storage can be reached
};

// The error names the line and the key: "12: cache.size: a size … is wanted".
[[nodiscard]] std::expected<Config, std::string> ParseConfig(const std::string& yaml);
[[nodiscard]] std::expected<Config, std::string> LoadConfig(const std::filesystem::path& path);

[[nodiscard]] client::ClientOptions ClientOptionsOf(const Config& config);

}  // namespace sextant::volume::server
