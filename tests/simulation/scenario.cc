#include "tests/simulation/scenario.h"

#include <algorithm>
#include <format>

namespace sextant::simulation {

Scenario MakeScenario(std::uint64_t seed, Sabotage sabotage) {
  Random random(seed ^ 0x53455854414E5421U);
  Scenario scenario{.seed = seed, .sabotage = sabotage, .faults = {}};
  const std::uint64_t weather = random.Below(4);
  scenario.loss_per_mille = weather == 0 ? 0 : weather * 20;
  scenario.duplicates_per_mille = random.OneIn(2) ? 50 : 0;
  scenario.slow_per_mille = random.OneIn(2) ? 100 : 0;
  const std::uint64_t count = 2 + random.Below(9);
  for (std::uint64_t i = 0; i < count; ++i) {
    Fault fault;
    fault.at = Time(random.Between(5'000, scenario.duration.count() - 50'000));
    fault.kind =
        static_cast<FaultKind>(random.Below(static_cast<std::uint64_t>(FaultKind::kLast) + 1));
    fault.choice = random.Next() >> 8;
    fault.duration = Time(random.Between(1'000, random.OneIn(4) ? 300'000 : 40'000));
    scenario.faults.push_back(fault);
  }
  std::ranges::stable_sort(scenario.faults, {}, &Fault::at);
  return scenario;
}

std::string ToString(const Fault& fault) {
  const auto name = [&] {
    switch (fault.kind) {
      case FaultKind::kCrash:
        return "crash";
      case FaultKind::kPowerCut:
        return "power cut";
      case FaultKind::kAllPowerCut:
        return "power cut of all nodes";
      case FaultKind::kIsolate:
        return "isolation";
      case FaultKind::kOneWay:
        return "one-way partition";
      case FaultKind::kDiskStall:
        return "disk stall";
      case FaultKind::kDiskFail:
        return "disk failure";
      case FaultKind::kBitFlip:
        return "bit flip";
      case FaultKind::kClockJump:
        return "clock jump";
      case FaultKind::kPause:
        return "pause of a host";
      case FaultKind::kTakeOver:
        return "takeover";
      case FaultKind::kReplace:
        return "replacement";
      case FaultKind::kUndoReplace:
        return "change of members undone";
      case FaultKind::kZone:
        return "zone loss";
      case FaultKind::kZoneAndOne:
        return "loss of a zone and one node";
      case FaultKind::kRebuild:
        return "disks of a zone and one node lost";
      case FaultKind::kClone:
        return "clone";
    }
    return "?";
  }();
  return std::format("{} ({}) for {} us", name, fault.choice % 1000, fault.duration.count());
}

}  // namespace sextant::simulation
