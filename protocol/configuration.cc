#include "sextant/protocol/configuration.h"

#include <algorithm>

namespace sextant::protocol {
namespace {

using Agrees = std::function<bool(const MemberId&)>;

bool Reaches(const std::vector<MemberId>& set, std::size_t quorum, const Agrees& agrees) {
  return static_cast<std::size_t>(std::ranges::count_if(set, agrees)) >= quorum;
}

Lsn KthGreatest(const std::vector<MemberId>& set, std::size_t k,
                const std::map<MemberId, Lsn>& held) {
  std::vector<Lsn> lsns;
  for (const MemberId& member : set) {
    const auto found = held.find(member);
    lsns.push_back(found == held.end() ? 0 : found->second);
  }
  if (k == 0 || lsns.size() < k) {
    return 0;
  }
  std::ranges::sort(lsns, std::greater());
  return lsns[k - 1];
}

}  // namespace

std::vector<MemberId> Configuration::All() const {
  std::vector<MemberId> all = members;
  for (const MemberId& member : next) {
    if (std::ranges::find(members, member) == members.end()) {
      all.push_back(member);
    }
  }
  return all;
}

bool Configuration::Contains(const MemberId& member) const {
  return std::ranges::find(members, member) != members.end() ||
         std::ranges::find(next, member) != next.end();
}

bool Configuration::CanTakeOver(const Agrees& agrees) const {
  return Reaches(members, takeover_quorum, agrees) &&
         (kind == ConfigurationKind::kStable || Reaches(next, takeover_quorum, agrees));
}

bool Configuration::CanWrite(const Agrees& agrees) const {
  return (kind == ConfigurationKind::kRebuild || Reaches(members, write_quorum, agrees)) &&
         (kind == ConfigurationKind::kStable || Reaches(next, write_quorum, agrees));
}

Lsn Configuration::DurableLsn(const std::map<MemberId, Lsn>& held) const {
  switch (kind) {
    case ConfigurationKind::kStable:
      return KthGreatest(members, write_quorum, held);
    case ConfigurationKind::kJoint:
      return std::min(KthGreatest(members, write_quorum, held),
                      KthGreatest(next, write_quorum, held));
    case ConfigurationKind::kRebuild:
      return KthGreatest(next, write_quorum, held);
  }
  return 0;
}

}  // namespace sextant::protocol
