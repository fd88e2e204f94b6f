// Which storage node is, or was, which member of the volume.
#pragma once

#include "operator/api/names.h"
#include "operator/observe/observed.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sextant::op {

// Where one of the six members lives.
struct MemberPlace {
  StorageSlot slot;
  std::string member;                   // whose place it is; empty: not known
  const StorageStatus* node = nullptr;  // who answers there now; null: nobody

  // A member answers in its own place.
  [[nodiscard]] bool IsItself() const { return node != nullptr && node->member == member; }
  [[nodiscard]] bool IsReady() const { return node != nullptr && node->state == "ready"; }
};

// In the order of the slots. A disk has a member's number for life, so whose place one is follows
// from who answers there; when that is no member, from `status`, and at last from who is left over.
[[nodiscard]] std::vector<MemberPlace> MemberPlaces(const Observed& seen, const Status& status,
                                                    int nodes_per_zone);

// What of a branch all nodes together know.
struct BranchView {
  std::int64_t parent = 0;
  std::int64_t fork = 0;
  std::int64_t epoch_promised = 0;
  std::int64_t scl = 0;
  std::int64_t vdl = 0;
  std::optional<std::int64_t> writer_heard_ms = {};  // by whoever heard it last
  std::set<std::string> pins = {};
  std::set<std::int64_t> forks = {};
};

[[nodiscard]] std::map<std::int64_t, BranchView> Branches(const std::vector<MemberPlace>& places);

[[nodiscard]] const BranchHealth* FindBranch(const StorageStatus& node, std::int64_t branch);

}  // namespace sextant::op
