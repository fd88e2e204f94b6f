// What an agent is told by its configuration file. docs/agent.md explains each key.
#pragma once

#include "daemon/log.h"
#include "sextant/net/address.h"
#include "sextant/net/tls.h"

#include <expected>
#include <filesystem>
#include <map>
#include <string>

namespace sextant::agent {

enum class EngineType : std::uint8_t { kPostgresql, kMariadb };

[[nodiscard]] std::string_view ToString(EngineType type);

// The engine's settings that the user asked for, by name.
using Parameters = std::map<std::string, std::string>;

struct Config {
  std::string instance;  // "NAME-ORDINAL"
  EngineType engine = EngineType::kPostgresql;
  Parameters parameters;
  std::filesystem::path data;
  std::filesystem::path volume;
  std::filesystem::path run;
  net::Address listen;
  net::Address http;
  net::TlsFiles tls;
  net::TlsFiles server_tls;
  std::uint64_t memory = std::uint64_t{1} << 30;  // bytes, of the container
  std::string database = "app";
  std::string owner = "app";
  std::filesystem::path secrets;
  net::Address writer_service;
  // The data directory is a plain one instead of a mount of the volume: for tests.
  bool local_directory = false;
  std::uint64_t engine_port = 0;  // 0: the engine's own
  daemon::LogLevel log_level = daemon::LogLevel::kInfo;

  // The number at the end of the instance's name: 1 and above.
  [[nodiscard]] std::uint32_t ordinal() const;
};

// The error names the line and the key: "12: engine.type: one of these is wanted: …".
[[nodiscard]] std::expected<Config, std::string> ParseConfig(const std::string& yaml);
[[nodiscard]] std::expected<Config, std::string> LoadConfig(const std::filesystem::path& path);

}  // namespace sextant::agent
