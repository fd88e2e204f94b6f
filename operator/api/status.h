// What the operator tells of a DBCluster, and what it must remember when it is killed.
#pragma once

#include "sextant/kube/object.h"
#include "sextant/kube/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sextant::op {

struct ReaderStatus {
  std::string name;
  bool ready = false;
  std::optional<std::int64_t> lag_bytes;
  std::optional<std::int64_t> lag_ms;

  bool operator==(const ReaderStatus&) const = default;
};

struct StorageNodeStatus {
  std::string name;  // the pod's
  std::string zone;
  std::string member;  // uuid of the volume's member whose place this is; empty: not known
  bool ready = false;
  std::optional<std::int64_t> scl;
  std::optional<std::int64_t> missing_bytes;
  // While another disk takes the member's place.
  std::string new_member = {};
  std::string repair = {};  // how far that is: Waiting, Joining, Filling, Concluding

  bool operator==(const StorageNodeStatus&) const = default;
};

// Where a branch's log ended when all could only write by a change's rule.
struct BranchMark {
  std::int64_t branch = 0;
  std::int64_t lsn = 0;

  bool operator==(const BranchMark&) const = default;
};

inline constexpr std::string_view kSwitchoverReason = "switchover requested";
inline constexpr std::string_view kRollingReason = "rolling update";

// Times are RFC 3339; empty: not yet.
struct FailoverStatus {
  std::string reason = {};
  std::string from = {};
  std::string to = {};
  std::string detected = {};
  std::string fenced = {};
  std::string promoted = {};
  std::string serving = {};

  // The old writer stops in order before the next one takes over.
  [[nodiscard]] bool planned() const {
    return reason.starts_with(kSwitchoverReason) || reason.starts_with(kRollingReason);
  }

  bool operator==(const FailoverStatus&) const = default;
};

struct Status {
  std::int64_t observed_generation = 0;
  std::string phase;
  kube::Json conditions = kube::Json::array();
  std::int64_t epoch = 0;
  std::int64_t order_id = 0;
  std::string writer;  // of the epoch
  std::int64_t ready_readers = 0;
  std::string selector;
  std::vector<ReaderStatus> readers;
  std::string writer_endpoint;
  std::string reader_endpoint;
  std::vector<std::string> zones;
  // The members' configuration as it was decided; the storage nodes follow it. `storage_next` is
  // not empty while a change is under way. Uuids, 32 hex digits.
  std::int64_t storage_generation = 0;
  std::vector<std::string> storage_members;
  std::vector<std::string> storage_next;
  std::vector<BranchMark> storage_marks;  // of the change under way; empty: not in force yet
  bool storage_marked = false;            // in force; a volume may have no branch
  std::vector<StorageNodeStatus> storage_nodes;
  std::int64_t branch = 1;
  std::int64_t vdl = 0;
  std::int64_t used_bytes = 0;
  FailoverStatus last_failover;

  bool operator==(const Status&) const = default;
};

[[nodiscard]] Status ParseStatus(const kube::Json& cluster);
[[nodiscard]] kube::Json ToJson(const Status& status);

// Do they differ in nothing but numbers that change all the time?
[[nodiscard]] bool DifferInNumbersOnly(Status a, Status b);

}  // namespace sextant::op
