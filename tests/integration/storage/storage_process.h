// A sextant-storage process, for as long as this lives.
#pragma once

#include "sextant/net/address.h"
#include "tests/integration/net/party.h"
#include "tests/support/child_process.h"
#include "tests/support/http_request.h"
#include "tests/support/temporary_directory.h"

#include <nlohmann/json.hpp>

#include <csignal>
#include <format>
#include <sstream>
#include <stdexcept>

namespace sextant::storage::testing {

struct StorageSettings {
  std::filesystem::path data;
  std::optional<net::TlsFiles> tls = {};  // none: insecure
  std::vector<net::Address> peers = {};
  std::string more = {};  // further lines of YAML
};

class StorageProcess {
 public:
  // Waits until it listens.
  explicit StorageProcess(const StorageSettings& settings)
      : config_(directory_.Write("config.yaml", Yaml(settings))),
        output_(directory_.Path() / "output"),
        process_({SEXTANT_STORAGE, "--config", config_.string()}, output_) {
    const bool started = net::testing::Eventually(
        [&] { return !LogLines("started").empty() || !process_.IsRunning(); });
    if (!started || !process_.IsRunning()) {
      throw std::runtime_error("sextant-storage does not start: " + Output());
    }
    const nlohmann::json line = LogLines("started").front();
    address_ = net::ParseAddress(line["listen"].get<std::string>()).value();
    http_ = line["http"];
    const std::string member = line["member"];
    member_ = {.high = std::stoull(member.substr(0, 16), nullptr, 16),
               .low = std::stoull(member.substr(16), nullptr, 16)};
  }

  [[nodiscard]] const net::Address& address() const { return address_; }
  [[nodiscard]] const protocol::MemberId& member() const { return member_; }
  [[nodiscard]] sextant::testing::ChildProcess& process() { return process_; }
  [[nodiscard]] std::string Output() const { return sextant::testing::ReadFile(output_); }

  // What a path of its HTTP server answers.
  [[nodiscard]] sextant::testing::HttpResponse Get(const std::string& path) const {
    const auto response = sextant::testing::Send({.url = "http://" + http_ + path});
    return response ? *response
                    : sextant::testing::HttpResponse{.status = 0, .body = response.error()};
  }
  [[nodiscard]] nlohmann::json Status() const { return nlohmann::json::parse(Get("/status").body); }
  // A branch's part of the status; empty when it has none.
  [[nodiscard]] nlohmann::json Branch(protocol::BranchId id) const {
    const nlohmann::json status = Status();
    for (const nlohmann::json& branch : status["branches"]) {
      if (branch["branch"] == id) {
        return branch;
      }
    }
    return nlohmann::json::object();
  }
  // The value of a metric, without its prefix and with its labels: `scl_bytes{branch="1"}`.
  [[nodiscard]] std::optional<double> Metric(const std::string& name) const {
    std::istringstream lines(Get("/metrics").body);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("sextant_storage_" + name + " ")) {
        return std::stod(line.substr(line.rfind(' ') + 1));
      }
    }
    return std::nullopt;
  }
  [[nodiscard]] std::vector<nlohmann::json> LogLines(const std::string& event) const {
    std::vector<nlohmann::json> found;
    std::istringstream lines(Output());
    for (std::string text; std::getline(lines, text);) {
      const auto line = nlohmann::json::parse(text, nullptr, false);
      if (line.is_object() && line.value("event", "") == event) {
        found.push_back(line);
      }
    }
    return found;
  }

 private:
  static std::string Yaml(const StorageSettings& settings) {
    std::string yaml = std::format(
        "data_directory: {}\nlisten: 127.0.0.1:0\nhttp: 127.0.0.1:0\nzone: a\n"
        "log_level: debug\n",
        settings.data.string());
    if (settings.tls) {
      yaml += std::format("tls: {{ca: {}, certificate: {}, key: {}}}\n", settings.tls->ca.string(),
                          settings.tls->certificate.string(), settings.tls->key.string());
    } else {
      yaml += "insecure: true\n";
    }
    yaml += settings.peers.empty() ? "" : "peers:\n";
    for (const net::Address& peer : settings.peers) {
      yaml += std::format("  - {{address: \"{}\", zone: b}}\n", net::ToString(peer));
    }
    return yaml + settings.more;
  }

  sextant::testing::TemporaryDirectory directory_;
  std::filesystem::path config_;
  std::filesystem::path output_;
  sextant::testing::ChildProcess process_;
  net::Address address_;
  std::string http_;
  protocol::MemberId member_;
};

}  // namespace sextant::storage::testing
