// What can befall the nodes of the test bed, by the Docker engine that runs them as containers.
#pragma once

#include <string>

namespace sextant::testing {

// Each throws std::runtime_error when the engine says no. `node` is a node's name.
void StopNode(const std::string& node);  // its power is gone
void StartNode(const std::string& node);
void PauseNode(const std::string& node);  // it stands still and forgets nothing
void UnpauseNode(const std::string& node);
void DisconnectNode(const std::string& node);  // it goes on alone
void ConnectNode(const std::string& node);

// Runs a shell script on the node as root and returns what it printed.
std::string RunOnNode(const std::string& node, const std::string& script);

// Puts right, at its end, what was done to a node, also when a test fails between the two.
class NodeOutage {
 public:
  using Step = void (*)(const std::string&);
  NodeOutage(std::string node, Step begin, Step end);
  ~NodeOutage();
  NodeOutage(const NodeOutage&) = delete;
  NodeOutage& operator=(const NodeOutage&) = delete;

 private:
  std::string node_;
  Step end_;
};

}  // namespace sextant::testing
