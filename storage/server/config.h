// What a storage node is told by its configuration file. docs/storage-server.md explains each key.
#pragma once

#include "daemon/log.h"
#include "sextant/net/address.h"
#include "sextant/net/tls.h"

#include <chrono>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sextant::storage::server {

using daemon::LogLevel;

struct PeerConfig {
  net::Address address;
  std::string zone;
};

// Sizes are bytes.
struct LimitsConfig {
  std::uint64_t index_cache = 256U << 20;
  std::uint64_t table_log = 64U << 20;
  std::uint64_t queued_groups = 64U << 20;
  std::uint64_t unindexed_log = std::uint64_t{1} << 30;
  std::uint64_t send_queue = 64U << 20;  // of one connection
  std::uint64_t connections = 64;        // accepted ones
};

struct Config {
  std::filesystem::path data_directory;
  net::Address listen;
  net::Address http;
  std::string zone;
  std::vector<PeerConfig> peers;
  std::optional<net::TlsFiles> tls;  // none: `insecure: true` was said
  LimitsConfig limits;
  std::uint64_t segment_size = 16U << 20;
  std::uint64_t compact_after = 256U << 20;  // of log below the horizon
  std::uint64_t trim_after = 256U << 20;     // of log that nobody needs
  std::chrono::milliseconds gossip_interval{100};
  std::chrono::milliseconds scrub_interval{1000};
  std::uint64_t network_threads = 2;
  std::uint64_t read_threads = 2;
  LogLevel log_level = LogLevel::kInfo;
};

// The error names the line and the key: "12: limits.connections: a number is wanted".
[[nodiscard]] std::expected<Config, std::string> ParseConfig(const std::string& yaml);
[[nodiscard]] std::expected<Config, std::string> LoadConfig(const std::filesystem::path& path);

}  // namespace sextant::storage::server
