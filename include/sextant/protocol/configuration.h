// Who the members are and how many of them decide. A configuration comes from a compare-and-swap
// outside (the cluster object's status); its generation counts the changes. Members refuse messages
// of a lower generation and take over a higher one, so that two configurations never decide side by
// side.
//
// A change from M to M' goes through a joint configuration, in which both must agree. When the
// record of the joint configuration is durable under its own rule, M' alone may follow (or M again,
// at any time). If too few of M are left to write, a rebuild names M' at once: writes need only M',
// takeovers still both. It begins with a takeover, whose seals fence every writer that still
// believes in M.
#pragma once

#include "sextant/protocol/types.h"

#include <functional>
#include <map>
#include <vector>

namespace sextant::protocol {

enum class ConfigurationKind : std::uint8_t { kStable, kJoint, kRebuild, kLast = kRebuild };

struct Configuration {
  Generation generation = 0;
  ConfigurationKind kind = ConfigurationKind::kStable;
  std::vector<MemberId> members;
  std::vector<MemberId> next;  // M', empty when stable
  // Of each set. write + takeover must exceed the size of the set: 4 + 3 > 6.
  std::uint8_t write_quorum = 4;
  std::uint8_t takeover_quorum = 3;

  // Both sets, each member once.
  [[nodiscard]] std::vector<MemberId> All() const;
  [[nodiscard]] bool Contains(const MemberId& member) const;
  // Do those for whom `agrees` holds make a takeover quorum / a write quorum?
  [[nodiscard]] bool CanTakeOver(const std::function<bool(const MemberId&)>& agrees) const;
  [[nodiscard]] bool CanWrite(const std::function<bool(const MemberId&)>& agrees) const;
  // The greatest LSN that a write quorum holds, given what each member holds; a member not named
  // holds nothing.
  [[nodiscard]] Lsn DurableLsn(const std::map<MemberId, Lsn>& held) const;

  bool operator==(const Configuration&) const = default;
  void Describe(this auto& self, auto& archive) {
    archive(self.generation, self.kind, self.members, self.next, self.write_quorum,
            self.takeover_quorum);
  }
};

}  // namespace sextant::protocol
