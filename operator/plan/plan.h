// What to do next about a cluster, as values.
//
// MakePlan() is pure: no I/O, no clock, no random. It looks at everything and says in which order
// what is to be done and what the status becomes; Execute() does it. Whatever of a plan was not
// done when the process died follows from the next look.
#pragma once

#include "operator/observe/observed.h"
#include "operator/pki_request.h"
#include "sextant/kube/object.h"
#include "sextant/kube/time.h"

#include <string>
#include <variant>
#include <vector>

namespace sextant::op {

// Server-side apply; the object carries its hash.
struct Apply {
  kube::GroupVersionResource resource;
  kube::Json object;
};

// Makes it, unless it is there. For pods, whose fields cannot be changed afterwards.
struct Create {
  kube::GroupVersionResource resource;
  kube::Json object;
};

struct Delete {
  kube::GroupVersionResource resource;
  std::string name;
  std::string uid = {};  // this very object; empty: any
  bool now = false;      // without a grace period: for pods on nodes that are gone
};

// Secrets with passwords and certificates: what is random is made by the executor.
struct WriteSecret {
  SecretRequest request;
};

// The label that makes a pod an endpoint. An empty role takes it away.
struct SetRole {
  std::string pod;
  std::string uid;
  std::string role;
};

struct GrowClaim {
  std::string name;
  std::string size;
};

struct AddFinalizer {};
struct RemoveFinalizer {};
struct RemoveAnnotation {
  std::string key;
};

// Writes the plan's status now, if the object has not changed since it was read; otherwise nothing
// that follows is done.
struct CommitStatus {};

struct SendOrder {
  std::string instance;
  Order order;
};

// Planned: the engine is stopped in order and everything it wrote is on the volume. When that
// fails nothing that follows is done.
struct Demote {
  std::string instance;
  std::int64_t order_id = 0;
  Milliseconds timeout{0};
};

// A configuration for the storage nodes; uuids are 32 hex digits.
struct ConfigureStorage {
  std::int64_t generation = 0;
  std::vector<std::string> members;
  std::vector<std::string> next;  // not empty: joint
};

// A branch without a writer gets one for a moment, which puts the configuration into its log.
struct RenewIdleBranch {
  std::int64_t branch = 0;
  std::int64_t parent = 0;
  std::int64_t fork = 0;
  std::int64_t epoch = 0;
};

struct Tell {
  bool warning = false;
  std::string reason;
  std::string note;
};

using Action = std::variant<Apply, Create, Delete, WriteSecret, SetRole, GrowClaim, AddFinalizer,
                            RemoveFinalizer, RemoveAnnotation, CommitStatus, SendOrder, Demote,
                            ConfigureStorage, RenewIdleBranch, Tell>;

struct Plan {
  std::vector<Action> actions;
  Status status;
  Milliseconds look_again{0};
  bool in_transition = false;  // look often
};

[[nodiscard]] Plan MakePlan(const Observed& seen, kube::Time now);

// One line for a log, without secrets.
[[nodiscard]] std::string ToString(const Action& action);

}  // namespace sextant::op
