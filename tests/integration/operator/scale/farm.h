// The agents and storage nodes of many clusters as servers on this machine, each process at an
// address of 127.0.0.0/8 of its own: what the operator asks goes over real connections, with TLS to
// agents as in a Kubernetes cluster. The agents do what they are told at once.
#pragma once

#include "operator/observe/fleet.h"
#include "operator/pki.h"

#include <memory>
#include <string>

namespace sextant::op::testing {

// The processes of a cluster: storage nodes 1 to 6, then instance N as kStorageNodes + N.
inline constexpr int kStorageNodes = 6;

// Any thread. Listens on the ports of agents and storage nodes of all addresses.
class Farm {
 public:
  // The clusters are in the namespace. Throws when it cannot listen.
  explicit Farm(std::string ns);
  ~Farm();
  Farm(const Farm&) = delete;
  Farm& operator=(const Farm&) = delete;

  // Cluster number `index`, below 10,000: its agents show this certificate, and want one of the
  // same authority.
  void Add(int index, const std::string& name, const std::string& authority, const KeyPair& agent);

  [[nodiscard]] static std::string IpOf(int index, int process);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sextant::op::testing
