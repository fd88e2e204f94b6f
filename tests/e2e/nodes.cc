#include "tests/e2e/nodes.h"

#include "tests/support/child_process.h"

#include <nlohmann/json.hpp>

#include <format>
#include <iostream>
#include <stdexcept>
#include <utility>

namespace sextant::testing {
namespace {

using nlohmann::json;

constexpr auto kNetwork = "kind";

std::string Post(const std::string& path, const json& body = json::object()) {
  const CommandResult result =
      RunCommand({"curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "120",
                  "--unix-socket", "/var/run/docker.sock", "--header",
                  "Content-Type: application/json", "--data", body.dump(), "http://docker" + path});
  if (result.exit_code != 0) throw std::runtime_error(std::format("{}: {}", path, result.output));
  return result.output;
}

}  // namespace

void StopNode(const std::string& node) { Post(std::format("/containers/{}/kill", node)); }
void StartNode(const std::string& node) { Post(std::format("/containers/{}/start", node)); }
// By signals to all but the node's process 1: the freezer behind `docker pause` gives up on a task
// that waits for an answer of FUSE.
void PauseNode(const std::string& node) { RunOnNode(node, "kill -STOP -1"); }
void UnpauseNode(const std::string& node) { RunOnNode(node, "kill -CONT -1"); }

// In its network namespace, so that it comes back with the address that the cluster knows it by.
void DisconnectNode(const std::string& node) { RunOnNode(node, "ip link set eth0 down"); }

void ConnectNode(const std::string& node) {
  RunOnNode(node,
            "ip link set eth0 up; "
            "ip route show default | grep -q . || "
            "ip route add default via $(ip -4 -o addr show eth0 | sed -E 's#.* inet "
            "([0-9]+\\.[0-9]+)\\..*#\\1.0.1#')");
}

std::string RunOnNode(const std::string& node, const std::string& script) {
  const json command{
      {"AttachStdout", true}, {"AttachStderr", true}, {"Tty", true}, {"Cmd", {"sh", "-c", script}}};
  const json made = json::parse(Post(std::format("/containers/{}/exec", node), command));
  return Post(std::format("/exec/{}/start", made.at("Id").get<std::string>()),
              {{"Detach", false}, {"Tty", true}});
}

NodeOutage::NodeOutage(std::string node, Step begin, Step end) : node_(std::move(node)), end_(end) {
  begin(node_);
}

NodeOutage::~NodeOutage() {
  try {
    end_(node_);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
  }
}

}  // namespace sextant::testing
