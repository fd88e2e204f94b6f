// What a seed stands for: the faults of a run and the weather of its network.
#pragma once

#include "sextant/protocol/types.h"
#include "tests/simulation/disk.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sextant::simulation {

using protocol::Time;

enum class FaultKind : std::uint8_t {
  kCrash,        // a node's process ends and comes back
  kPowerCut,     // and what was not synced is lost
  kAllPowerCut,  // all six at once
  kIsolate,      // a node or a host hears and says nothing
  kOneWay,       // one direction between two of them is cut
  kDiskStall,
  kDiskFail,
  kBitFlip,
  kClockJump,
  kPause,        // a host stops and goes on, with what it was sent waiting
  kTakeOver,     // another host takes a new epoch while the old writer lives
  kReplace,      // a node's disk is lost; an empty one takes its place
  kUndoReplace,  // and a change of members is taken back
  kZone,         // a zone is gone for a while
  kZoneAndOne,   // and another node with it
  kRebuild,      // the disks of a zone and one more are lost for good
  kClone,        // a branch is made from somewhere in the past
  kLast = kClone
};

struct Fault {
  Time at{0};
  FaultKind kind = FaultKind::kCrash;
  std::uint64_t choice = 0;  // who or what, by the kind
  Time duration{0};
};

struct Scenario {
  std::uint64_t seed = 0;
  Sabotage sabotage = Sabotage::kNone;
  std::vector<Fault> faults;
  std::uint64_t loss_per_mille = 0;
  std::uint64_t duplicates_per_mille = 0;
  std::uint64_t slow_per_mille = 0;  // messages that take up to 20 ms, so that others overtake them
  Time duration = std::chrono::milliseconds(600);
};

// The scenario that a seed stands for.
[[nodiscard]] Scenario MakeScenario(std::uint64_t seed, Sabotage sabotage);
[[nodiscard]] std::string ToString(const Fault& fault);

struct Outcome {
  std::optional<std::string> failure;
  std::vector<std::string> trace;  // empty unless asked for
  std::uint64_t events = 0;
  std::uint64_t acknowledged = 0;  // groups
  std::uint64_t reads = 0;
  std::uint64_t takeovers = 0;
};

// Runs a scenario to its end: the faults, then peace, until all members hold the same log and a new
// group is durable on each branch. The same scenario has the same outcome.
[[nodiscard]] Outcome Run(const Scenario& scenario, bool trace);

}  // namespace sextant::simulation
