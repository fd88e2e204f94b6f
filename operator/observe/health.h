// What agents and storage nodes say of themselves.
#pragma once

#include "sextant/kube/object.h"

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace sextant::op {

using Milliseconds = std::chrono::milliseconds;

// An order to an instance's agent, and the agent's own memory of the last one.
struct Order {
  std::int64_t id = 0;
  std::string role;  // writer, reader, none; empty: never ordered
  std::int64_t branch = 1;
  std::int64_t epoch = 0;  // of a writer

  bool operator==(const Order&) const = default;
  // The same thing to do, whatever its number.
  [[nodiscard]] bool SameAs(const Order& other) const {
    return role == other.role && branch == other.branch && epoch == other.epoch;
  }
};

[[nodiscard]] kube::Json ToJson(const Order& order);

// GET /v1/status of an agent; docs/agent.md.
struct AgentStatus {
  std::string instance;
  std::string version;
  Order order;
  std::string engine_state;  // stopped, initializing, starting, running, stopping, failed
  std::string engine_role;   // writer, reader, none
  bool accepting = false;
  std::optional<std::int64_t> lag_bytes;
  std::optional<std::int64_t> lag_ms;
  std::string error;
  std::string volume_state;  // detached, attaching, attached, detaching, fenced, failed
  std::string volume_mode;
  std::int64_t volume_epoch = 0;
  std::optional<std::int64_t> stalled_ms;
  std::string progress_step;
  std::string progress_error;
};

[[nodiscard]] std::expected<AgentStatus, std::string> ParseAgentStatus(const std::string& body);

// One of the branches that a storage node has.
struct BranchHealth {
  std::int64_t branch = 0;
  std::int64_t parent = 0;
  std::int64_t fork = 0;
  std::int64_t epoch_promised = 0;
  std::int64_t scl = 0;
  std::int64_t vdl = 0;
  std::int64_t missing_bytes = 0;
  std::int64_t damaged_bytes = 0;
  std::optional<std::int64_t> writer_heard_ms = {};  // none: not since the node began
  std::vector<std::string> pins = {};                // permanent ones that are on its disk
  std::vector<std::int64_t> forks = {};              // children that are on its disk
};

// GET /status of a storage node; docs/storage-server.md.
struct StorageStatus {
  std::string member;  // uuid, 32 hex digits
  std::string state;   // ready, or why not
  bool disk_full = false;
  std::int64_t used_bytes = 0;
  std::int64_t generation = 0;
  std::string kind;  // stable, joint, rebuild
  std::vector<std::string> members;
  std::vector<std::string> next;
  // Of the branch that the cluster writes; 0 when the node does not have it.
  std::int64_t epoch_promised = 0;
  std::int64_t history_epoch = 0;
  std::int64_t scl = 0;
  std::int64_t vdl = 0;
  std::int64_t missing_bytes = 0;
  std::optional<std::int64_t> writer_heard_ms;  // none: not since the node began
  bool has_branch = false;
  std::vector<BranchHealth> branches;  // all of them
};

[[nodiscard]] std::expected<StorageStatus, std::string> ParseStorageStatus(const std::string& body,
                                                                           std::int64_t branch);

// What polling one of them has brought. Ages are by the operator's monotonic clock.
template <class Status>
struct Polled {
  std::optional<Status> status;  // the last answer from this very pod
  bool reachable = false;        // the last question was answered
  Milliseconds silent{0};        // since the last answer, or since it is polled at all
  std::string error;             // why the last question was not answered
};

using AgentHealth = Polled<AgentStatus>;
using StorageHealth = Polled<StorageStatus>;

}  // namespace sextant::op
