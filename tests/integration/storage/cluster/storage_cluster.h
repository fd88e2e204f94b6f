// Six sextant-storage processes in three zones, with mutual TLS, on this machine.
#pragma once

#include "sextant/client/client.h"
#include "tests/integration/net/certificate_files.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sextant::storage::testing {

struct ClusterOptions {
  std::size_t nodes = 6;
  std::map<std::size_t, std::filesystem::path> directories =
      {};                 // of nodes with a disk of their own
  std::string more = {};  // further lines of YAML
};

// One thread, the main one.
class StorageCluster {
 public:
  // Starts all nodes.
  explicit StorageCluster(const ClusterOptions& options = {});

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] client::ClientOptions ClientOptions() const;

  // Starts a node that is not running, and waits until it listens.
  void Start(std::size_t node);
  [[nodiscard]] bool Running(std::size_t node) const { return nodes_[node].process != nullptr; }
  // SIGKILL, and waits for the end.
  void Kill(std::size_t node);
  // SIGTERM, and waits for the end; the exit code.
  int Stop(std::size_t node);
  // Of a node that ends by itself: the exit code; none while it runs.
  [[nodiscard]] std::optional<int> Ended(std::size_t node);
  void Pause(std::size_t node);   // SIGSTOP
  void Resume(std::size_t node);  // SIGCONT
  // Makes the disk of a node that is not running an empty one.
  void Wipe(std::size_t node);
  // Turns bits over in the log of a node that is not running. False when there is too little of it.
  bool Damage(std::size_t node, std::uint64_t seed);

  [[nodiscard]] const std::filesystem::path& directory(std::size_t node) const {
    return nodes_[node].directory;
  }
  // None while it does not answer.
  [[nodiscard]] std::optional<nlohmann::json> Status(std::size_t node) const;
  [[nodiscard]] std::string Output(std::size_t node) const;
  [[nodiscard]] pid_t Pid(std::size_t node) const { return nodes_[node].process->Id(); }

  // Runs sextant-storectl with these arguments against all nodes.
  [[nodiscard]] sextant::testing::CommandResult Control(
      const std::vector<std::string>& arguments) const;

 private:
  struct Node {
    std::string zone;
    net::Address address;
    std::string http;
    std::filesystem::path directory;
    std::filesystem::path config;
    std::filesystem::path output;
    std::unique_ptr<sextant::testing::ChildProcess> process;
  };

  [[nodiscard]] std::string Yaml(const Node& node, const std::string& more) const;

  sextant::testing::TemporaryDirectory files_;
  sextant::testing::CertificateAuthority authority_;
  net::testing::CertificateFiles node_tls_;
  net::testing::CertificateFiles client_tls_;
  std::vector<Node> nodes_;
};

}  // namespace sextant::storage::testing
