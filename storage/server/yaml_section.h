// A mapping of a YAML file, read strictly: a key that nobody asked for, one that is there twice and
// a value of another type are errors which name the line and the key.
#pragma once

#include "sextant/net/address.h"

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace sextant::storage::server {

// Thrown while a file is read; ParseConfig makes a value of it.
struct ConfigError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class YamlSection {
 public:
  // `path` is what leads to it, such as "limits".
  YamlSection(YAML::Node node, std::string path);

  [[nodiscard]] bool Has(const std::string& key) const { return Find(key).IsDefined(); }

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

}  // namespace sextant::storage::server
