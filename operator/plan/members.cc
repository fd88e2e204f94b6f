// Who the volume's members are: the first six, and a new one in place of one whose disk is lost.
//
// A replacement is a change in two steps (sextant/protocol/configuration.h). Each configuration is
// decided by a compare-and-swap on the status and then given to the nodes, as often as it takes:
//
//   joint   The new disk joins beside the lost one; its peers fill it. A write quorum of the old
//           and of the new six decides, which the five that are left can be.
//   marks   When a write quorum of the old members has the joint configuration, nobody can write by
//           the old rule any more. What was acknowledged by it lies below the greatest SCL of
//           these, the branch's mark: when more than that is durable, all is so by the joint rule
//           (docs/adr/0010-when-a-change-of-members-is-concluded.md).
//   stable  Then the new six alone, once the new one has what is durable and a write quorum of them
//           has every permanent pin and every fork on disk.
#include "operator/plan/member_places.h"
#include "operator/plan/steps.h"

#include <algorithm>
#include <format>

namespace sextant::op {
namespace {

constexpr std::size_t kMembers = 6;
// What a writer has under way to a member that keeps up.
constexpr std::int64_t kKeepsUp = std::int64_t{1} << 20;
// A writer speaks twenty times a second.
constexpr std::int64_t kNobodyWritesMs = 5'000;
constexpr Milliseconds kLookAgain{1000};

using Members = std::vector<std::string>;

class Membership {
 public:
  explicit Membership(Step& step) : step_(step), status_(step.status()) {}

  void Begin() {
    Learn();
    if (status_.storage_generation == 0) {
      PlanFirst();
    }
  }

  void Repair() {
    if (status_.storage_members.size() != kMembers) {
      return;  // nobody who knows has told yet
    }
    places_ = MemberPlaces(step_.seen, status_, step_.spec.nodes_per_zone);
    std::vector<MemberPlace> known = places_;
    std::erase_if(known, [this](const MemberPlace& place) {
      return place.node == nullptr || !IsKnown(place.node->member);
    });
    branches_ = Branches(known);
    // A writer that changes comes first, and waits for nothing. The first configuration is never
    // given twice: its first writer brings it to who does not have it.
    if (!step_.changes_writer && status_.storage_generation > 1) {
      Spread();
    }
    if (status_.storage_next.empty()) {
      PlanReplacement();
    } else {
      PlanChange();
    }
  }

 private:
  // --- What is. ---

  [[nodiscard]] bool IsKnown(const std::string& member) const {
    return std::ranges::contains(status_.storage_members, member) ||
           std::ranges::contains(status_.storage_next, member);
  }

  // The nodes may know more than the status: it was lost, or is from before it named the members.
  void Learn() {
    for (const auto& [pod, node] : step_.seen.storage) {
      if (!node.status || node.status->generation < status_.storage_generation ||
          node.status->generation == 0) {
        continue;
      }
      const bool newer = node.status->generation > status_.storage_generation;
      if ((!newer && !status_.storage_members.empty()) || !IsOurs(*node.status)) {
        continue;
      }
      status_.storage_generation = node.status->generation;
      status_.storage_members = node.status->members;
      status_.storage_next = node.status->next;
      ForgetMarks();
    }
  }

  // A change replaces one at a time: a disk that knows quite other members is another volume's.
  [[nodiscard]] bool IsOurs(const StorageStatus& node) const {
    return node.generation == 0 || status_.storage_members.empty() ||
           std::ranges::count_if(node.members, [this](const std::string& member) {
             return std::ranges::contains(status_.storage_members, member);
           }) >= kTakeoverQuorum;
  }

  [[nodiscard]] const StorageStatus* NodeOf(const std::string& member) const {
    for (const MemberPlace& place : places_) {
      if (place.IsReady() && place.node->member == member) {
        return place.node;
      }
    }
    return nullptr;
  }

  // Do a write quorum of these answer, and does this hold for them?
  template <class Holds>
  [[nodiscard]] bool WriteQuorum(const Members& members, Holds holds) const {
    return std::ranges::count_if(members, [&](const std::string& member) {
             const StorageStatus* node = NodeOf(member);
             return node != nullptr && holds(*node);
           }) >= kWriteQuorum;
  }
  [[nodiscard]] bool Answers(const Members& members) const {
    return WriteQuorum(members, [](const StorageStatus&) { return true; });
  }
  [[nodiscard]] bool InForce(const Members& members) const {
    return WriteQuorum(members, [this](const StorageStatus& node) {
      return node.generation >= status_.storage_generation;
    });
  }

  // --- The first configuration. ---

  // The writer waits for the next look: what the nodes say then is true.
  void PlanFirst() {
    step_.progress = "waits for six storage nodes";
    step_.plan.in_transition = true;
    Members members;
    for (const MemberPlace& place : MemberPlaces(step_.seen, status_, step_.spec.nodes_per_zone)) {
      if (place.node == nullptr) {
        return;
      }
      members.push_back(place.node->member);
    }
    if (std::set(members.begin(), members.end()).size() != kMembers) {
      step_.problems.emplace_back("two storage nodes answer with the same member");
      return;
    }
    step_.Note("StorageConfigured", "the six storage nodes are the members of a new volume");
    step_.Do(ConfigureStorage{.generation = 1, .members = std::move(members), .next = {}});
    status_.storage_generation = 1;  // if it is done
  }

  // --- Later ones. ---

  void ForgetMarks() {
    status_.storage_marks.clear();
    status_.storage_marked = false;
  }

  void Decide(Members members, Members next) {
    ++status_.storage_generation;
    status_.storage_members = std::move(members);
    status_.storage_next = std::move(next);
    ForgetMarks();
    step_.plan.in_transition = true;
    step_.Do(CommitStatus{});
    Give();
  }

  void Give() {
    step_.Do(ConfigureStorage{.generation = status_.storage_generation,
                              .members = status_.storage_members,
                              .next = status_.storage_next});
  }

  // The operator that decided may not have lived to tell it. Once a quorum has it, gossip goes on.
  void Spread() {
    const bool in_force = InForce(status_.storage_members) &&
                          (status_.storage_next.empty() || InForce(status_.storage_next));
    const bool could_be = Answers(status_.storage_members) &&
                          (status_.storage_next.empty() || Answers(status_.storage_next));
    if (!in_force && could_be) {
      step_.plan.in_transition = true;
      Give();
    }
  }

  void Show(const MemberPlace& place, std::string state, const std::string& what) {
    step_.repairs[place.slot.pod] = {
        .state = std::move(state),
        .new_member = place.node == nullptr || place.IsItself() ? "" : place.node->member};
    step_.problems.push_back(std::format("{}: {}", place.slot.pod, what));
    step_.LookAgain(kLookAgain);
  }

  void PlanReplacement() {
    const MemberPlace* lost = nullptr;
    for (const MemberPlace& place : places_) {
      if (place.node == nullptr || place.IsItself()) {
        continue;
      }
      if (lost == nullptr && place.IsReady() && CanBeReplaced(place)) {
        lost = &place;
      } else {
        ShowWaiting(place);
      }
    }
    if (lost != nullptr) {
      BeginReplacement(*lost);
    }
  }

  [[nodiscard]] bool CanBeReplaced(const MemberPlace& place) const {
    return !step_.changes_writer && !place.member.empty() && IsOurs(*place.node) &&
           InForce(status_.storage_members);
  }

  void ShowWaiting(const MemberPlace& place) {
    if (place.member.empty()) {
      Show(place, "Waiting",
           "it runs with the disk of no member, and which one is lost is not known");
    } else if (!IsOurs(*place.node)) {
      Show(place, "Waiting", "it runs with the disk of another volume");
    } else if (!InForce(status_.storage_members)) {
      Show(place, "Waiting",
           "its disk is lost and cannot be replaced while fewer than four other members answer");
    } else {
      Show(place, "Waiting", "its disk is lost; its replacement comes after what is under way");
    }
  }

  void BeginReplacement(const MemberPlace& place) {
    Members next = status_.storage_members;
    std::ranges::replace(next, place.member, place.node->member);
    Decide(status_.storage_members, std::move(next));
    step_.Warn("StorageCopyLost",
               std::format("{} runs with an empty disk: member {} is lost, {} joins in its place",
                           place.slot.pod, place.member, place.node->member));
    ShowProgress(place, "Joining");
  }

  void Progresses() {
    if (step_.progress.empty()) {
      step_.progress = "a lost storage copy is replaced";
    }
  }

  void ShowProgress(const MemberPlace& place, std::string state) {
    Progresses();
    Show(place, std::move(state), "its disk was lost; the new one is filled by the other copies");
  }

  // --- A change under way. ---

  void PlanChange() {
    const MemberPlace* leaving = nullptr;
    for (const MemberPlace& place : places_) {
      if (!place.member.empty() && !std::ranges::contains(status_.storage_next, place.member)) {
        leaving = &place;
      } else if (place.node != nullptr && !place.IsItself()) {
        ShowWaiting(place);
      }
    }
    Progresses();
    if (leaving == nullptr) {
      return;  // where it was is not known
    }
    if (step_.changes_writer) {
      ShowProgress(*leaving, "Filling");
    } else if (leaving->node != nullptr &&
               !std::ranges::contains(status_.storage_next, leaving->node->member)) {
      TakeBack(*leaving);
    } else {
      GoOn(*leaving);
    }
  }

  void GoOn(const MemberPlace& place) {
    if (!InForce(status_.storage_members) || !InForce(status_.storage_next)) {
      ShowProgress(place, "Joining");
      return;
    }
    if (!status_.storage_marked) {
      Mark(place);
      ShowProgress(place, "Filling");
      return;
    }
    const bool written = RenewIdleBranches();
    const bool full = IsFull(place);
    ShowProgress(place, full ? "Concluding" : "Filling");
    if (written && full && PinsAreKept()) {
      const std::string lost = place.member;
      Decide(status_.storage_next, {});
      step_.Note("StorageCopyReplaced",
                 std::format("{} is complete: member {} has taken the place of {}", place.slot.pod,
                             place.node->member, lost));
    }
  }

  // The one that joined is lost, too, or the lost one is back: the six from before go on.
  void TakeBack(const MemberPlace& place) {
    if (!Answers(status_.storage_members)) {
      Show(place, "Waiting", "its new disk is lost, too; too few other members answer");
      return;
    }
    Decide(status_.storage_members, {});
    step_.Warn(
        "StorageChangeTakenBack",
        std::format("{} runs with yet another disk: its replacement begins anew", place.slot.pod));
    Show(place, place.IsItself() ? "Concluding" : "Waiting", "its replacement begins anew");
  }

  void Mark(const MemberPlace& place) {
    std::vector<MemberPlace> old = places_;
    std::erase_if(old, [this](const MemberPlace& one) {
      return !one.IsItself() || !one.IsReady() || one.node->generation < status_.storage_generation;
    });
    for (const auto& [id, branch] : Branches(old)) {
      status_.storage_marks.push_back({.branch = id, .lsn = branch.scl});
    }
    status_.storage_marked = true;
    step_.Note("StorageCopyJoined",
               std::format("{} has joined, generation {}; the other copies fill it", place.slot.pod,
                           status_.storage_generation));
  }

  // A branch made after the marks began under the joint rule.
  [[nodiscard]] std::int64_t MarkOf(std::int64_t branch) const {
    const auto mark = std::ranges::find(status_.storage_marks, branch, &BranchMark::branch);
    return mark == status_.storage_marks.end() ? -1 : mark->lsn;
  }

  // True: on every branch all is durable by the joint rule. The cluster's own has its writer, now
  // or soon; of the others one that nobody writes gets one for a moment.
  [[nodiscard]] bool RenewIdleBranches() {
    bool all = true;
    for (const auto& [id, branch] : branches_) {
      if (branch.vdl > MarkOf(id)) {
        continue;
      }
      all = false;
      if (id != status_.branch &&
          branch.writer_heard_ms.value_or(kNobodyWritesMs) >= kNobodyWritesMs) {
        step_.Do(RenewIdleBranch{.branch = id,
                                 .parent = branch.parent,
                                 .fork = branch.fork,
                                 .epoch = branch.epoch_promised + 1});
      }
    }
    return all;
  }

  [[nodiscard]] bool IsFull(const MemberPlace& place) const {
    return place.IsReady() && std::ranges::all_of(branches_, [&](const auto& entry) {
             const BranchHealth* branch = FindBranch(*place.node, entry.first);
             return branch != nullptr && branch->vdl > MarkOf(entry.first) &&
                    branch->missing_bytes <= kKeepsUp && branch->damaged_bytes == 0;
           });
  }

  // By a write quorum of the new members: else those lost next could be the last that know of them.
  [[nodiscard]] bool PinsAreKept() const {
    const auto kept = [this](std::int64_t id, auto member, const auto& what) {
      return WriteQuorum(status_.storage_next, [&](const StorageStatus& node) {
        const BranchHealth* branch = FindBranch(node, id);
        return branch != nullptr && std::ranges::contains(branch->*member, what);
      });
    };
    return std::ranges::all_of(branches_, [&](const auto& entry) {
      const auto& [id, branch] = entry;
      return std::ranges::all_of(
                 branch.pins,
                 [&](const std::string& pin) { return kept(id, &BranchHealth::pins, pin); }) &&
             std::ranges::all_of(branch.forks, [&](std::int64_t fork) {
               return kept(id, &BranchHealth::forks, fork);
             });
    });
  }

  Step& step_;
  Status& status_;
  std::vector<MemberPlace> places_;
  std::map<std::int64_t, BranchView> branches_;
};

}  // namespace

void PlanMembers(Step& step) { Membership(step).Begin(); }

void PlanRepair(Step& step) { Membership(step).Repair(); }

}  // namespace sextant::op
