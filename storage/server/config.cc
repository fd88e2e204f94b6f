#include "storage/server/config.h"

#include "sextant/protocol/frame.h"
#include "storage/server/yaml_section.h"

#include <format>
#include <fstream>
#include <iterator>

namespace sextant::storage::server {
namespace {

void ReadTls(YamlSection& root, Config& config) {
  bool insecure = false;
  root.Read("insecure", insecure);
  root.ReadSection("tls", [&](YamlSection& section) {
    net::TlsFiles files;
    section.Require("ca", files.ca);
    section.Require("certificate", files.certificate);
    section.Require("key", files.key);
    config.tls = files;
  });
  if (insecure && config.tls) {
    root.Fail("insecure", "does not go with tls");
  }
  if (!insecure && !config.tls) {
    root.Fail("tls", "is missing; plain TCP must be asked for with insecure: true");
  }
}

void ReadLimits(YamlSection& section, LimitsConfig& limits) {
  constexpr std::uint64_t kLeast = 1U << 20;
  section.ReadSize("index_cache", limits.index_cache, 8 * kLeast);
  section.ReadSize("table_log", limits.table_log, kLeast);
  section.ReadSize("queued_groups", limits.queued_groups, kLeast);
  section.ReadSize("unindexed_log", limits.unindexed_log, 2 * kLeast);
  section.ReadSize("send_queue", limits.send_queue, kLeast);
  section.ReadCount("connections", limits.connections);
  if (limits.unindexed_log < 2 * limits.table_log) {
    section.Fail("unindexed_log", "twice table_log is the least");
  }
}

Config ReadConfig(const YAML::Node& file) {
  Config config;
  YamlSection root(file, "");
  root.Require("data_directory", config.data_directory);
  root.Require("listen", config.listen);
  root.Require("http", config.http);
  root.Require("zone", config.zone);
  root.ReadList("peers", [&](YamlSection& section) {
    PeerConfig& peer = config.peers.emplace_back();
    section.Require("address", peer.address);
    section.Require("zone", peer.zone);
  });
  ReadTls(root, config);
  root.ReadSection("limits", [&](YamlSection& section) { ReadLimits(section, config.limits); });
  root.ReadSize("segment_size", config.segment_size, 64U << 10);
  if (config.segment_size % 4096 != 0 || config.segment_size > (1U << 30)) {
    root.Fail("segment_size", "a multiple of 4096 is wanted, at most 1GiB");
  }
  root.ReadSection("retention", [&](YamlSection& section) {
    section.ReadSize("compact_after", config.compact_after, 1U << 20);
  });
  root.Read("gossip_interval", config.gossip_interval);
  root.Read("scrub_interval", config.scrub_interval);
  root.ReadSection("threads", [&](YamlSection& section) {
    section.ReadCount("network", config.network_threads);
    section.ReadCount("read", config.read_threads);
  });
  auto level = static_cast<std::size_t>(config.log_level);
  root.ReadChoice("log_level", level, {"debug", "info", "warning", "error"});
  config.log_level = static_cast<LogLevel>(level);
  root.Finish();
  return config;
}

}  // namespace

std::expected<Config, std::string> ParseConfig(const std::string& yaml) {
  try {
    return ReadConfig(YAML::Load(yaml));
  } catch (const ConfigError& error) {
    return std::unexpected(error.what());
  } catch (const YAML::Exception& error) {
    return std::unexpected(std::format("{}: {}", error.mark.line + 1, error.msg));
  }
}

std::expected<Config, std::string> LoadConfig(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  if (!file) {
    return std::unexpected(std::format("{} cannot be read", path.string()));
  }
  auto config = ParseConfig(content);
  if (!config) {
    return std::unexpected(std::format("{}:{}", path.string(), config.error()));
  }
  return config;
}

}  // namespace sextant::storage::server
