#include "operator/plan/member_places.h"

#include <algorithm>

namespace sextant::op {
namespace {

const StorageStatus* Answer(const Observed& seen, const std::string& pod) {
  const StorageHealth* health = FindStorage(seen, pod);
  return health == nullptr || !health->reachable || !health->status ? nullptr : &*health->status;
}

// A member that joins is beside one that is in `members` alone.
std::string Replaced(const Status& status, const std::string& member) {
  if (!std::ranges::contains(status.storage_next, member)) {
    return {};
  }
  const auto old = std::ranges::find_if(status.storage_members, [&](const std::string& one) {
    return !std::ranges::contains(status.storage_next, one);
  });
  return old == status.storage_members.end() ? std::string() : *old;
}

std::string KnownMember(const Status& status, const std::string& pod) {
  const auto known = std::ranges::find(status.storage_nodes, pod, &StorageNodeStatus::name);
  return known != status.storage_nodes.end() &&
                 std::ranges::contains(status.storage_members, known->member)
             ? known->member
             : std::string();
}

}  // namespace

std::vector<MemberPlace> MemberPlaces(const Observed& seen, const Status& status,
                                      int nodes_per_zone) {
  std::vector<MemberPlace> places;
  std::set<std::string> left(status.storage_members.begin(), status.storage_members.end());
  for (StorageSlot& slot : StorageSlots(seen.names, status.zones, nodes_per_zone)) {
    if (slot.ordinal >= kMembersPerZone) {
      continue;
    }
    MemberPlace place{.slot = std::move(slot), .member = {}, .node = nullptr};
    place.node = Answer(seen, place.slot.pod);
    if (place.node != nullptr) {
      const std::string& answers = place.node->member;
      place.member = left.contains(answers) ? answers : Replaced(status, answers);
      left.erase(place.member);
    }
    places.push_back(std::move(place));
  }
  for (MemberPlace& place : places) {
    if (place.member.empty()) {
      if (std::string known = KnownMember(status, place.slot.pod); left.erase(known) > 0) {
        place.member = std::move(known);
      }
    }
  }
  const auto nameless = [](const MemberPlace& place) { return place.member.empty(); };
  if (left.size() == 1 && std::ranges::count_if(places, nameless) == 1) {
    std::ranges::find_if(places, nameless)->member = *left.begin();
  }
  return places;
}

std::map<std::int64_t, BranchView> Branches(const std::vector<MemberPlace>& places) {
  std::map<std::int64_t, BranchView> branches;
  for (const MemberPlace& place : places) {
    if (place.node == nullptr) {
      continue;
    }
    for (const BranchHealth& told : place.node->branches) {
      BranchView& branch = branches[told.branch];
      branch.parent = told.parent;
      branch.fork = told.fork;
      branch.epoch_promised = std::max(branch.epoch_promised, told.epoch_promised);
      branch.scl = std::max(branch.scl, told.scl);
      branch.vdl = std::max(branch.vdl, told.vdl);
      if (told.writer_heard_ms) {
        branch.writer_heard_ms =
            std::min(branch.writer_heard_ms.value_or(*told.writer_heard_ms), *told.writer_heard_ms);
      }
      branch.pins.insert(told.pins.begin(), told.pins.end());
      branch.forks.insert(told.forks.begin(), told.forks.end());
    }
  }
  return branches;
}

const BranchHealth* FindBranch(const StorageStatus& node, std::int64_t branch) {
  const auto found = std::ranges::find(node.branches, branch, &BranchHealth::branch);
  return found == node.branches.end() ? nullptr : &*found;
}

}  // namespace sextant::op
