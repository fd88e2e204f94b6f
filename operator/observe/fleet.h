// The processes of all clusters, as the operator talks to them. An interface, so that tests can be
// the processes.
#pragma once

#include "operator/observe/health.h"
#include "sextant/kube/runtime/key.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sextant::op {

using kube::runtime::Key;

// PEM; what the operator shows to agents and storage nodes of one cluster, and whom it trusts.
struct TlsMaterial {
  std::string ca;
  std::string certificate;
  std::string key;

  bool operator==(const TlsMaterial&) const = default;
};

// A process to be asked all the time.
struct Target {
  enum class Kind : std::uint8_t { kAgent, kStorage };

  Kind kind = Kind::kAgent;
  std::string name;  // the pod's
  std::string uid;   // another pod of that name is another target
  std::string host;  // that its certificate is for
  std::string ip;    // where it is; asking DNS would take longer to notice

  bool operator==(const Target&) const = default;
};

struct Watched {
  std::vector<Target> targets;
  std::shared_ptr<const TlsMaterial> tls;  // null: agents cannot be asked
  std::int64_t branch = 1;
};

struct FleetHealth {
  std::map<std::string, AgentHealth> agents;
  std::map<std::string, StorageHealth> storage;
};

// Where the storage nodes are, and what they become.
struct StorageNodeAddress {
  std::string host;
  std::uint16_t port = 0;
  std::string zone;
};

struct MembersRequest {
  std::vector<StorageNodeAddress> nodes;
  TlsMaterial tls;
  std::int64_t generation = 0;
  std::vector<std::string> members;  // uuids, 32 hex digits
  std::vector<std::string> next;
};

// A branch that nobody writes gets a writer of ours for a moment.
struct RenewRequest {
  std::vector<StorageNodeAddress> nodes;
  TlsMaterial tls;
  std::int64_t branch = 0;
  std::int64_t parent = 0;
  std::int64_t fork = 0;
  std::int64_t epoch = 0;  // never used before
};

// Any thread. Look() never blocks; the calls below it wait for an answer, for seconds at most.
class Fleet {
 public:
  virtual ~Fleet() = default;
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  // Whom to ask from now on.
  virtual void Watch(const Key& cluster, Watched watched) = 0;
  // Something is under way, or not any more.
  virtual void Often(const Key& cluster, bool often) = 0;
  virtual void Forget(const Key& cluster) = 0;
  [[nodiscard]] virtual FleetHealth Look(const Key& cluster) = 0;

  using Done = std::expected<void, std::string>;
  // After it Look() tells nothing that the agent said before.
  [[nodiscard]] virtual Done Send(const Key& cluster, const std::string& instance,
                                  const Order& order) = 0;
  [[nodiscard]] virtual Done Demote(const Key& cluster, const std::string& instance,
                                    std::int64_t order_id, Milliseconds timeout) = 0;
  [[nodiscard]] virtual Done Configure(const MembersRequest& request) = 0;
  [[nodiscard]] virtual Done Renew(const RenewRequest& request) = 0;

 protected:
  Fleet() = default;
};

}  // namespace sextant::op
