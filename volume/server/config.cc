#include "volume/server/config.h"

#include "daemon/yaml_section.h"

#include <limits>

namespace sextant::volume::server {
namespace {

using daemon::YamlSection;

constexpr std::uint64_t kMebibyte = 1U << 20;

void ReadId(YamlSection& section, const std::string& key, std::uint32_t& value) {
  std::uint64_t id = value;
  section.ReadCount(key, id, 0);
  if (id >= std::numeric_limits<std::uint32_t>::max()) {
    section.Fail(key, "is no user or group");
  }
  value = static_cast<std::uint32_t>(id);
}

void ReadPoint(YamlSection& section, client::Point& at) {
  if (section.Has("lsn")) {
    section.ReadCount("lsn", at.lsn.emplace(), 0);
  }
  if (section.Has("at")) {
    std::string text;
    section.Read("at", text);
    at.time = client::ParseTime(text);
    if (!at.time) {
      section.Fail("at", "a time such as 2026-01-31T16:00:00Z is wanted");
    }
    if (at.lsn) {
      section.Fail("at", "does not go with lsn");
    }
  }
}

void ReadAttach(YamlSection& section, Target& target) {
  std::size_t mode = 0;
  section.ReadChoice("mode", mode, {"writer", "reader"});
  target.mode = static_cast<Mode>(mode);
  section.ReadCount("branch", target.branch);
  if (target.mode == Mode::kWriter) {
    if (!section.Has("epoch")) {
      section.Fail("epoch", "is missing");
    }
    section.ReadCount("epoch", target.epoch);
  } else {
    ReadPoint(section, target.at);
  }
}

void ReadConfig(YamlSection& root, Config& config) {
  root.Require("mount", config.mount);
  root.Require("control", config.control);
  root.Require("http", config.http);
  root.Require("zone", config.zone);
  root.ReadList("nodes", [&](YamlSection& section) {
    client::NodeAddress& node = config.nodes.emplace_back();
    section.Require("address", node.address);
    section.Require("zone", node.zone);
  });
  if (config.nodes.empty()) {
    root.Fail("nodes", "at least one is wanted");
  }
  config.tls = daemon::ReadTls(root);
  root.ReadSection("owner", [&](YamlSection& section) {
    ReadId(section, "uid", config.owner_uid);
    ReadId(section, "gid", config.owner_gid);
  });
  root.ReadSection("cache", [&](YamlSection& section) {
    section.ReadSize("memory", config.cache_memory, kMebibyte);
    section.Read("directory", config.cache_directory);
    section.ReadSize("size", config.cache_size, kMebibyte);
  });
  root.ReadSection("overlay", [&](YamlSection& section) {
    section.Require("directory", config.overlay_directory);
    section.ReadSize("size", config.overlay_size, kMebibyte);
  });
  root.ReadSection("dirty", [&](YamlSection& section) {
    section.ReadSize("bytes", config.dirty_bytes, kMebibyte);
    section.Read("age", config.dirty_age);
  });
  daemon::ReadLogLevel(root, config.log_level);
  root.ReadSection("attach", [&](YamlSection& section) {
    ReadAttach(section, config.attach.emplace());
    if (config.attach->mode == Mode::kReader && config.overlay_directory.empty()) {
      section.Fail("mode", "a reader wants an overlay.directory");
    }
  });
}

}  // namespace

std::expected<Config, std::string> ParseConfig(const std::string& yaml) {
  return daemon::ParseYaml<Config>(yaml, ReadConfig);
}

std::expected<Config, std::string> LoadConfig(const std::filesystem::path& path) {
  return daemon::LoadYaml<Config>(path, ParseConfig);
}

client::ClientOptions ClientOptionsOf(const Config& config) {
  client::ClientOptions options;
  options.nodes = config.nodes;
  options.zone = config.zone;
  options.tls = config.tls;
  return options;
}

}  // namespace sextant::volume::server
