#include "daemon/yaml_section.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <span>

namespace sextant::daemon {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr Unit kSizes[] = {{"", 1}, {"KiB", 1U << 10}, {"MiB", 1U << 20}, {"GiB", 1U << 30}};
constexpr Unit kTimes[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
constexpr Unit kOne[] = {{"", 1}};

// A whole number and one of the units, in that unit's factor.
std::optional<std::uint64_t> ParseQuantity(std::string_view text, std::span<const Unit> units) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) {
    return std::nullopt;
  }
  const std::string_view name(end, text.data() + text.size());
  const auto unit = std::ranges::find(units, name, &Unit::name);
  if (unit == units.end() || number > std::numeric_limits<std::int64_t>::max() / unit->factor) {
    return std::nullopt;
  }
  return number * unit->factor;
}

}  // namespace

YamlSection::YamlSection(YAML::Node node, std::string path)
    : node_(std::move(node)), path_(path.empty() ? "" : path + ".") {
  if (!node_.IsMap()) {
    Fail(node_, path.empty() ? "the file" : path, "a mapping is wanted");
  }
  std::set<std::string> keys;
  for (const auto& entry : node_) {
    if (!keys.insert(entry.first.Scalar()).second) {
      Fail(entry.first, path_ + entry.first.Scalar(), "is there twice");
    }
  }
}

std::vector<std::string> YamlSection::Keys() const {
  std::vector<std::string> keys;
  for (const auto& entry : node_) {
    keys.push_back(entry.first.Scalar());
  }
  return keys;
}

void YamlSection::Read(const std::string& key, std::string& value) {
  if (Has(key)) {
    value = Text(key);
  }
}

void YamlSection::Read(const std::string& key, std::filesystem::path& value) {
  if (!Has(key)) {
    return;
  }
  value = Text(key);
  if (!value.is_absolute()) {
    Fail(key, "an absolute path is wanted");
  }
}

void YamlSection::Read(const std::string& key, bool& value) {
  if (!Has(key)) {
    return;
  }
  const std::string text = Text(key);
  if (text != "true" && text != "false") {
    Fail(key, "true or false is wanted");
  }
  value = text == "true";
}

void YamlSection::Read(const std::string& key, net::Address& value) {
  if (!Has(key)) {
    return;
  }
  const auto address = net::ParseAddress(Text(key));
  if (!address) {
    Fail(key, address.error());
  }
  value = *address;
}

void YamlSection::Read(const std::string& key, std::chrono::milliseconds& value) {
  if (!Has(key)) {
    return;
  }
  const auto time = ParseQuantity(Text(key), kTimes);
  if (!time || *time == 0) {
    Fail(key, "a time such as 100ms, 5s or 1m is wanted");
  }
  value = std::chrono::milliseconds(*time);
}

void YamlSection::ReadCount(const std::string& key, std::uint64_t& value, std::uint64_t least) {
  if (!Has(key)) {
    return;
  }
  const auto count = ParseQuantity(Text(key), kOne);
  if (!count || *count < least) {
    Fail(key, std::format("a number is wanted, {} or more", least));
  }
  value = *count;
}

void YamlSection::ReadSize(const std::string& key, std::uint64_t& value, std::uint64_t least) {
  if (!Has(key)) {
    return;
  }
  const auto size = ParseQuantity(Text(key), kSizes);
  if (!size || *size < least) {
    Fail(key,
         std::format("a size such as 65536, 64KiB, 16MiB or 1GiB is wanted, {} or more", least));
  }
  value = *size;
}

void YamlSection::ReadChoice(const std::string& key, std::size_t& value,
                             const std::vector<std::string>& names) {
  if (!Has(key)) {
    return;
  }
  const auto found = std::ranges::find(names, Text(key));
  if (found == names.end()) {
    std::string all;
    for (const std::string& name : names) {
      all += (all.empty() ? "" : ", ") + name;
    }
    Fail(key, "one of these is wanted: " + all);
  }
  value = static_cast<std::size_t>(found - names.begin());
}

void YamlSection::ReadSection(const std::string& key,
                              const std::function<void(YamlSection&)>& read) {
  known_.insert(key);
  if (Has(key)) {
    YamlSection section(Find(key), path_ + key);
    read(section);
    section.Finish();
  }
}

void YamlSection::ReadList(const std::string& key, const std::function<void(YamlSection&)>& read) {
  known_.insert(key);
  if (!Has(key)) {
    return;
  }
  const YAML::Node list = Find(key);
  if (!list.IsSequence()) {
    Fail(key, "a list is wanted");
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    YamlSection section(list[i], std::format("{}{}[{}]", path_, key, i));
    read(section);
    section.Finish();
  }
}

void YamlSection::Finish() const {
  for (const auto& entry : node_) {
    if (!known_.contains(entry.first.Scalar())) {
      Fail(entry.first, path_ + entry.first.Scalar(), "there is no such key");
    }
  }
}

YAML::Node YamlSection::Find(const std::string& key) const { return node_[key]; }

std::string YamlSection::Text(const std::string& key) {
  known_.insert(key);
  const YAML::Node value = Find(key);
  if (!value.IsScalar() || value.Scalar().empty()) {
    Fail(key, "a single value is wanted");
  }
  return value.Scalar();
}

void YamlSection::Fail(const std::string& key, const std::string& what) const {
  const YAML::Node value = Find(key);
  Fail(value.IsDefined() ? value : node_, path_ + key, what);
}

void YamlSection::Fail(const YAML::Node& node, const std::string& key, const std::string& what) {
  throw ConfigError(std::format("{}: {}: {}", node.Mark().line + 1, key, what));
}

std::expected<std::string, std::string> ReadWhole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), {}};
  if (!file) {
    return std::unexpected(std::format("{} cannot be read", path.string()));
  }
  return content;
}

std::optional<net::TlsFiles> ReadTls(YamlSection& root) {
  bool insecure = false;
  std::optional<net::TlsFiles> tls;
  root.Read("insecure", insecure);
  root.ReadSection("tls", [&](YamlSection& section) {
    tls.emplace();
    section.Require("ca", tls->ca);
    section.Require("certificate", tls->certificate);
    section.Require("key", tls->key);
  });
  if (insecure && tls) {
    root.Fail("insecure", "does not go with tls");
  }
  if (!insecure && !tls) {
    root.Fail("tls", "is missing; plain TCP must be asked for with insecure: true");
  }
  return tls;
}

void ReadLogLevel(YamlSection& root, LogLevel& level) {
  auto place = static_cast<std::size_t>(level);
  root.ReadChoice("log_level", place, {"debug", "info", "warning", "error"});
  level = static_cast<LogLevel>(place);
}

}  // namespace sextant::daemon
