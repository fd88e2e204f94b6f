#include "agent/config.h"

#include "daemon/yaml_section.h"

#include <charconv>
#include <optional>

namespace sextant::agent {
namespace {

using daemon::YamlSection;

std::optional<std::uint32_t> OrdinalOf(const std::string& instance) {
  const auto dash = instance.rfind('-');
  if (dash == std::string::npos || dash == 0) {
    return std::nullopt;
  }
  std::uint32_t ordinal = 0;
  const char* end = instance.data() + instance.size();
  const auto [at, error] = std::from_chars(instance.data() + dash + 1, end, ordinal);
  if (error != std::errc() || at != end || ordinal == 0) {
    return std::nullopt;
  }
  return ordinal;
}

void ReadEngine(YamlSection& section, Config& config) {
  auto type = static_cast<std::size_t>(config.engine);
  if (!section.Has("type")) {
    section.Fail("type", "is missing");
  }
  section.ReadChoice("type", type, {"postgresql", "mariadb"});
  config.engine = static_cast<EngineType>(type);
  section.ReadSection("parameters", [&](YamlSection& parameters) {
    for (const std::string& name : parameters.Keys()) {
      parameters.Read(name, config.parameters[name]);
    }
  });
}

void ReadFiles(YamlSection& section, net::TlsFiles& files) {
  section.Require("ca", files.ca);
  section.Require("certificate", files.certificate);
  section.Require("key", files.key);
}

void RequireSection(YamlSection& root, const std::string& key,
                    const std::function<void(YamlSection&)>& read) {
  if (!root.Has(key)) {
    root.Fail(key, "is missing");
  }
  root.ReadSection(key, read);
}

void Read(YamlSection& root, Config& config) {
  root.Require("instance", config.instance);
  if (!OrdinalOf(config.instance)) {
    root.Fail("instance", "a name that ends with its number is wanted, such as orders-1");
  }
  RequireSection(root, "engine", [&](YamlSection& section) { ReadEngine(section, config); });
  root.Require("data", config.data);
  root.Require("volume", config.volume);
  root.Require("run", config.run);
  root.Require("listen", config.listen);
  root.Require("http", config.http);
  RequireSection(root, "tls", [&](YamlSection& section) { ReadFiles(section, config.tls); });
  RequireSection(root, "server_tls",
                 [&](YamlSection& section) { ReadFiles(section, config.server_tls); });
  root.ReadSize("memory", config.memory, std::uint64_t{128} << 20);
  root.ReadSection("database", [&](YamlSection& section) {
    section.Read("name", config.database);
    section.Read("owner", config.owner);
  });
  root.Require("secrets", config.secrets);
  RequireSection(root, "writer_service", [&](YamlSection& section) {
    std::uint64_t port = 0;
    section.Require("host", config.writer_service.host);
    if (!section.Has("port")) {
      section.Fail("port", "is missing");
    }
    section.ReadCount("port", port);
    if (port > 65535) {
      section.Fail("port", "65535 is the greatest");
    }
    config.writer_service.port = static_cast<std::uint16_t>(port);
  });
  root.Read("local_directory", config.local_directory);
  root.ReadCount("engine_port", config.engine_port, 1);
  daemon::ReadLogLevel(root, config.log_level);
}

}  // namespace

std::string_view ToString(EngineType type) {
  return type == EngineType::kPostgresql ? "postgresql" : "mariadb";
}

std::uint32_t Config::ordinal() const { return OrdinalOf(instance).value_or(1); }

std::expected<Config, std::string> ParseConfig(const std::string& yaml) {
  return daemon::ParseYaml<Config>(yaml, Read);
}

std::expected<Config, std::string> LoadConfig(const std::filesystem::path& path) {
  return daemon::LoadYaml<Config>(path, ParseConfig);
}

}  // namespace sextant::agent
