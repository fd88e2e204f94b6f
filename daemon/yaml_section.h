// A mapping of a YAML file, read strictly: a key that nobody asked for, one that is there twice and
// a value of another type are errors which name the line and the key.
#pragma once

#include "daemon/log.h"
#include "sextant/net/address.h"
#include "sextant/net/tls.h"

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace sextant::daemon {

// Thrown while a file is read; ParseYaml makes a value of it.
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class YamlSection {
 public:
  // `path` is what leads to it, such as "limits".
  YamlSection(YAML::Node node, std::string path);

  [[nodiscard]] bool Has(const std::string& key) const { return Find(key).IsDefined(); }
  // Of a mapping whose keys are the user's.
  [[nodiscard]] std::vector<std::string> Keys() const;

  // Each leaves `value` as it is when the key is not there.
  void Read(const std::string& key, std::string& value);
  void Read(const std::string& key, std::filesystem::path& value);
  void Read(const std::string& key, bool& value);
  void Read(const std::string& key, net::Address& value);
  void Read(const std::string& key, std::chrono::milliseconds& value);  // "100ms", "5s", "1m"
  // At least `least`.
  void ReadCount(const std::string& key, std::uint64_t& value, std::uint64_t least = 1);
  // In bytes, or "64KiB", "64MiB", "1GiB".
  void ReadSize(const std::string& key, std::uint64_t& value, std::uint64_t least);
  // One of `names`; its place among them.
  void ReadChoice(const std::string& key, std::size_t& value,
                  const std::vector<std::string>& names);

  // The value must be there as well.
  template <class T>
  void Require(const std::string& key, T& value) {
    if (!Has(key)) {
      Fail(node_, path_ + key, "is missing");
    }
    Read(key, value);
  }

  // Reads the mapping behind a key, to its end.
  void ReadSection(const std::string& key, const std::function<void(YamlSection&)>& read);
  // Reads a list of mappings.
  void ReadList(const std::string& key, const std::function<void(YamlSection&)>& read);
  // Everything wanted was read: what is left is unknown.
  void Finish() const;

  [[noreturn]] void Fail(const std::string& key, const std::string& what) const;

 private:
  [[nodiscard]] YAML::Node Find(const std::string& key) const;
  // The text of a scalar; empty when the key is not there.
  [[nodiscard]] std::string Text(const std::string& key);
  [[noreturn]] static void Fail(const YAML::Node& node, const std::string& key,
                                const std::string& what);

  const YAML::Node node_;
  const std::string path_;  // with a dot behind it, or empty
  std::set<std::string> known_;
};

// A file's content; the error names it.
[[nodiscard]] std::expected<std::string, std::string> ReadWhole(const std::filesystem::path& path);

// `tls: {ca, certificate, key}`, or `insecure: true`, which is none. One of them must be there.
[[nodiscard]] std::optional<net::TlsFiles> ReadTls(YamlSection& root);
// `log_level`.
void ReadLogLevel(YamlSection& root, LogLevel& level);

// What `read` makes of the text's mapping, all of it; the error is "LINE: KEY: what is wrong".
template <class Config>
[[nodiscard]] std::expected<Config, std::string> ParseYaml(
    const std::string& yaml, const std::function<void(YamlSection&, Config&)>& read) {
  try {
    Config config;
    YamlSection root(YAML::Load(yaml), "");
    read(root, config);
    root.Finish();
    return config;
  } catch (const ConfigError& error) {
    return std::unexpected(error.what());
  } catch (const YAML::Exception& error) {
    return std::unexpected(std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

// What `parse` makes of a file; the error names the file too.
template <class Config>
[[nodiscard]] std::expected<Config, std::string> LoadYaml(
    const std::filesystem::path& path,
    const std::function<std::expected<Config, std::string>(const std::string&)>& parse) {
  const auto content = ReadWhole(path);
  return content.and_then(parse).transform_error(
      [&](const std::string& error) { return content ? path.string() + ":" + error : error; });
}

}  // namespace sextant::daemon
