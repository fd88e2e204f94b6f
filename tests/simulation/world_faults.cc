// What goes wrong.
#include "tests/simulation/world.h"

#include <algorithm>

namespace sextant::simulation {

void World::Cut(std::size_t from, std::size_t to, Time duration) {
  if (from != to) {
    ++cuts_.at(from).at(to);
    At(now_ + duration, [this, from, to] {
      std::uint32_t& cuts = cuts_.at(from).at(to);
      cuts -= std::min(cuts, 1U);  // peace may have ended it before
    });
  }
}

void World::Inject(const Fault& fault) {
  Trace("fault: {}", ToString(fault));
  const auto node = static_cast<std::size_t>(fault.choice % kNodes);
  const auto zone = static_cast<std::size_t>(fault.choice % kZones);
  const auto host = static_cast<std::size_t>(fault.choice % kHosts);
  const std::size_t another =
      (2 * zone + 2 + static_cast<std::size_t>(fault.choice / 3 % 4)) % kNodes;
  const bool stable = configuration_.kind == ConfigurationKind::kStable;
  const bool damaged =
      std::ranges::any_of(nodes_, [](const NodeHost& each) { return each.disk->damaged(); });
  const bool complete = std::ranges::all_of(configuration_.members, [&](const MemberId& member) {
    return EndpointOf(member).has_value();
  });
  switch (fault.kind) {
    case FaultKind::kCrash:
      return Hold(node, false, fault.duration);
    case FaultKind::kPowerCut:
      return Hold(node, true, fault.duration);
    case FaultKind::kAllPowerCut:
      for (std::size_t i = 0; i < kNodes; ++i) {
        Hold(i, true, fault.duration);
      }
      return;
    case FaultKind::kIsolate:
      for (std::size_t i = 0; i < kEndpoints; ++i) {
        Cut(i, static_cast<std::size_t>(fault.choice % kEndpoints), fault.duration);
        Cut(static_cast<std::size_t>(fault.choice % kEndpoints), i, fault.duration);
      }
      return;
    case FaultKind::kOneWay:
      return Cut(static_cast<std::size_t>(fault.choice % kEndpoints),
                 static_cast<std::size_t>(fault.choice / kEndpoints % kEndpoints), fault.duration);
    case FaultKind::kDiskStall:
      nodes_.at(node).stalled_until = now_ + fault.duration;
      return;
    case FaultKind::kDiskFail:
      nodes_.at(node).fail_next = nodes_.at(node).node.has_value();
      return;
    case FaultKind::kBitFlip:
      if (stable && complete && !damaged) {
        Rot(fault.choice);
      }
      return;
    case FaultKind::kClockJump:
      hosts_.at(host).clock_offset +=
          fault.duration.count() * (fault.choice % 2 == 0 ? 1000 : -1000);
      return;
    case FaultKind::kPause:
      hosts_.at(host).paused_until = now_ + fault.duration;
      return;
    case FaultKind::kTakeOver: {
      const auto line =
          std::next(lines_.begin(), static_cast<std::ptrdiff_t>(fault.choice % lines_.size()));
      return TakeOver(line->first, static_cast<std::size_t>(fault.choice / 7 % kHosts));
    }
    case FaultKind::kReplace:
      if (stable && complete && !damaged) {
        const MemberId old = nodes_.at(node).member;
        const MemberId fresh = Replace(node);
        std::vector<MemberId> next = configuration_.members;
        std::ranges::replace(next, old, fresh);
        Change(ConfigurationKind::kJoint, std::move(next));
      }
      return;
    case FaultKind::kUndoReplace:
      if (configuration_.kind == ConfigurationKind::kJoint) {
        Conclude(true);
      }
      return;
    case FaultKind::kZone:
      Hold(2 * zone, true, fault.duration);
      Hold(2 * zone + 1, true, fault.duration);
      for (std::size_t i = 0; i < kEndpoints; ++i) {
        Cut(i, kNodes + zone, fault.duration);
        Cut(kNodes + zone, i, fault.duration);
      }
      return;
    case FaultKind::kZoneAndOne:
      Hold(2 * zone, true, fault.duration);
      Hold(2 * zone + 1, true, fault.duration);
      Hold(another, true, fault.duration);
      return;
    case FaultKind::kRebuild:
      if (stable && complete && !damaged) {
        std::vector<MemberId> next = configuration_.members;
        for (const std::size_t lost : {2 * zone, 2 * zone + 1, another}) {
          const MemberId old = nodes_.at(lost).member;
          const MemberId fresh = Replace(lost);
          std::ranges::replace(next, old, fresh);
        }
        Change(ConfigurationKind::kRebuild, std::move(next));
      }
      return;
    case FaultKind::kClone:
      return Clone(fault.choice);
  }
}

// At rest: groups that are durable everywhere and known by the node to be. One, a few, or all.
void World::Rot(std::uint64_t choice) {
  const auto& ends = oracle_.ends(1);
  NodeHost& host = nodes_.at(choice % kNodes);
  if (ends.empty()) {
    return;
  }
  const Lsn end = ends[choice % ends.size()];
  const Digest digest = oracle_.DigestAt(1, end);
  const bool everywhere = std::ranges::all_of(nodes_, [&](const NodeHost& node) {
    const StoredGroup* stored = FindEnd(node.disk->log(1), end);
    return stored != nullptr && stored->durable && stored->digest == digest;
  });
  if (everywhere && end <= host.disk->KnownSynced(1)) {
    const StoredLog log = host.disk->log(1);
    const auto last = FindEnd(log, end) - log.data();
    const auto count = random_.OneIn(8) ? last + 1 : std::min(last + 1, random_.Between(1, 3));
    for (auto i = last + 1 - count; i <= last; ++i) {
      host.disk->Flip(1, log.at(static_cast<std::size_t>(i)).end(), random_);
    }
    Trace("{}: a bit flips in each of the {} groups that end at {}", Name(host.member), count, end);
  }
}

}  // namespace sextant::simulation
