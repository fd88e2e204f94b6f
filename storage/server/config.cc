#include "storage/server/config.h"

#include "daemon/yaml_section.h"

namespace sextant::storage::server {
namespace {

using daemon::YamlSection;

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

void ReadConfig(YamlSection& root, Config& config) {
  root.Require("data_directory", config.data_directory);
  root.Require("listen", config.listen);
  root.Require("http", config.http);
  root.Require("zone", config.zone);
  root.ReadList("peers", [&](YamlSection& section) {
    PeerConfig& peer = config.peers.emplace_back();
    section.Require("address", peer.address);
    section.Require("zone", peer.zone);
  });
  config.tls = daemon::ReadTls(root);
  root.ReadSection("limits", [&](YamlSection& section) { ReadLimits(section, config.limits); });
  root.ReadSize("segment_size", config.segment_size, 64U << 10);
  if (config.segment_size % 4096 != 0 || config.segment_size > (1U << 30)) {
    root.Fail("segment_size", "a multiple of 4096 is wanted, at most 1GiB");
  }
  root.ReadSection("retention", [&](YamlSection& section) {
    section.ReadSize("compact_after", config.compact_after, 1U << 20);
    section.ReadSize("trim_after", config.trim_after, 1U << 20);
  });
  root.Read("gossip_interval", config.gossip_interval);
  root.Read("scrub_interval", config.scrub_interval);
  root.ReadSection("threads", [&](YamlSection& section) {
    section.ReadCount("network", config.network_threads);
    section.ReadCount("read", config.read_threads);
  });
  daemon::ReadLogLevel(root, config.log_level);
}

}  // namespace

std::expected<Config, std::string> ParseConfig(const std::string& yaml) {
  return daemon::ParseYaml<Config>(yaml, ReadConfig);
}

std::expected<Config, std::string> LoadConfig(const std::filesystem::path& path) {
  return daemon::LoadYaml<Config>(path, ParseConfig);
}

}  // namespace sextant::storage::server
