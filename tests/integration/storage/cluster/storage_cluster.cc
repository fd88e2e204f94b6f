#include "tests/integration/storage/cluster/storage_cluster.h"

#include "tests/support/http_request.h"
#include "tests/support/loopback.h"

#include <csignal>
#include <format>
#include <fstream>
#include <random>
#include <stdexcept>
#include <thread>

namespace sextant::storage::testing {
namespace {

namespace fs = std::filesystem;
using sextant::testing::ReadFile;

constexpr auto kStartPatience = std::chrono::seconds(60);
constexpr auto kInterval = std::chrono::milliseconds(20);

}  // namespace

StorageCluster::StorageCluster(const ClusterOptions& options)
    : authority_("Sextant test authority"),
      node_tls_(authority_, {.common_name = "storage",
                             .hosts = {"127.0.0.1"},
                             .uris = {std::string(net::kStorageRole)}}),
      client_tls_(authority_, {.common_name = "client"}) {
  const auto ports = sextant::testing::FreeLoopbackPorts(static_cast<int>(2 * options.nodes));
  for (std::size_t i = 0; i < options.nodes; ++i) {
    const auto own = options.directories.find(i);
    nodes_.push_back({.zone = std::string(1, static_cast<char>('a' + i / 2)),
                      .address = {"127.0.0.1", ports[2 * i]},
                      .http = std::format("127.0.0.1:{}", ports[2 * i + 1]),
                      .directory = own == options.directories.end()
                                       ? files_.Path() / std::format("disk-{}", i)
                                       : own->second,
                      .config = {},
                      .output = files_.Path() / std::format("node-{}.log", i),
                      .process = nullptr});
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].config = files_.Write(std::format("node-{}.yaml", i), Yaml(nodes_[i], options.more));
    Start(i);
  }
}

std::string StorageCluster::Yaml(const Node& node, const std::string& more) const {
  const net::TlsFiles& tls = node_tls_.files();
  std::string yaml = std::format(
      "data_directory: {}\nlisten: {}\nhttp: {}\nzone: {}\n"
      "tls: {{ca: {}, certificate: {}, key: {}}}\npeers:\n",
      node.directory.string(), net::ToString(node.address), node.http, node.zone, tls.ca.string(),
      tls.certificate.string(), tls.key.string());
  for (const Node& peer : nodes_) {
    yaml +=
        std::format("  - {{address: \"{}\", zone: {}}}\n", net::ToString(peer.address), peer.zone);
  }
  return yaml + more;
}

client::ClientOptions StorageCluster::ClientOptions() const {
  client::ClientOptions options;
  for (const Node& node : nodes_) {
    options.nodes.push_back({node.address, node.zone});
  }
  options.zone = "a";
  options.tls = client_tls_.files();
  return options;
}

void StorageCluster::Start(std::size_t index) {
  Node& node = nodes_[index];
  node.process = std::make_unique<sextant::testing::ChildProcess>(
      std::vector<std::string>{SEXTANT_STORAGE, "--config", node.config.string()}, node.output);
  const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
  while (!Status(index)) {
    if (!node.process->IsRunning() || std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error(std::format("node {} does not start: {}", index, Output(index)));
    }
    std::this_thread::sleep_for(kInterval);
  }
}

void StorageCluster::Kill(std::size_t node) { nodes_[node].process.reset(); }

int StorageCluster::Stop(std::size_t index) {
  Node& node = nodes_[index];
  node.process->Signal(SIGTERM);
  const int code = node.process->Wait();
  node.process.reset();
  return code;
}

std::optional<int> StorageCluster::Ended(std::size_t index) {
  Node& node = nodes_[index];
  if (node.process->IsRunning()) {
    return std::nullopt;
  }
  const int code = node.process->Wait();
  node.process.reset();
  return code;
}

void StorageCluster::Pause(std::size_t node) { nodes_[node].process->Signal(SIGSTOP); }

void StorageCluster::Resume(std::size_t node) { nodes_[node].process->Signal(SIGCONT); }

void StorageCluster::Wipe(std::size_t node) {
  for (const auto& entry : fs::directory_iterator(nodes_[node].directory)) {
    fs::remove_all(entry);
  }
}

bool StorageCluster::Damage(std::size_t node, std::uint64_t seed) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(nodes_[node].directory)) {
    if (entry.is_regular_file() && entry.path().extension() == ".log") {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);  // by LSN
  // What was written last is not known yet to have been synced, and bad bytes there pass for a torn
  // write: a disk that forgets what it synced is beyond what a quorum is for.
  files.resize(files.size() - std::min<std::size_t>(files.size(), 2));
  if (files.empty()) {
    return false;
  }
  std::mt19937_64 random(seed);
  for (int i = 0; i < 3; ++i) {
    const fs::path& path = files[random() % files.size()];
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(random() % fs::file_size(path));
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x10));
  }
  return true;
}

std::optional<nlohmann::json> StorageCluster::Status(std::size_t node) const {
  const auto response = sextant::testing::Send({.url = "http://" + nodes_[node].http + "/status"});
  if (!response || response->status != 200) {
    return std::nullopt;
  }
  return nlohmann::json::parse(response->body);
}

std::string StorageCluster::Output(std::size_t node) const { return ReadFile(nodes_[node].output); }

sextant::testing::CommandResult StorageCluster::Control(
    const std::vector<std::string>& arguments) const {
  std::vector<std::string> command = {SEXTANT_STORECTL,
                                      "--ca",
                                      client_tls_.files().ca.string(),
                                      "--cert",
                                      client_tls_.files().certificate.string(),
                                      "--key",
                                      client_tls_.files().key.string()};
  for (const Node& node : nodes_) {
    command.insert(command.end(),
                   {"--node", std::format("{},{}", net::ToString(node.address), node.zone)});
  }
  command.insert(command.end(), arguments.begin(), arguments.end());
  return sextant::testing::RunCommand(command);
}

}  // namespace sextant::storage::testing
