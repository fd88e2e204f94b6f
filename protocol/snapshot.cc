#include "sextant/protocol/snapshot.h"

#include "record_file.h"

#include <algorithm>
#include <format>

namespace sextant::protocol {
namespace {

constexpr std::uint32_t kManifestMagic = 0x4D585853;      // "SXXM"
constexpr std::uint32_t kInstallationMagic = 0x49585853;  // "SXXI"
constexpr std::uint32_t kVersion = 1;

std::unexpected<std::string> Cannot(BranchId branch, std::string_view why) {
  return std::unexpected(std::format("branch {}: {}", branch, why));
}

RecoveredBranch Fresh(const Branch& branch) {
  RecoveredBranch fresh;
  fresh.record.branch = branch;
  fresh.record.vdl = fresh.record.synced = fresh.record.horizon = fresh.record.retain_from =
      fresh.start = fresh.end = branch.fork;
  return fresh;
}

// What the index holds, the record owns to: no older writer can be promised any more, and nothing
// of it can be cut.
bool TakeHistory(BranchRecord& record, const History& theirs) {
  const Lsn last = theirs.last_first();
  if (theirs.empty() || record.history.CutTo(last) == theirs) {
    return true;
  }
  if (record.history.last_epoch() > theirs.last_epoch()) {
    return false;
  }
  record.history = theirs;
  if (record.promise.epoch < theirs.last_epoch()) {
    record.promise = {theirs.last_epoch(), ClientId{}};
  }
  return true;
}

// The index keeps what the teller kept; of the own ones what is above its horizon, too. False: a
// reader's lease lies below, and has to end first.
bool TakeRetention(BranchRecord& record, const BranchRecord& theirs) {
  record.horizon = std::max(record.horizon, theirs.horizon);
  record.retain_from = std::max(record.retain_from, theirs.retain_from);
  for (auto pin = record.pins.begin(); pin != record.pins.end();) {
    const bool lost = pin->second.lsn < theirs.horizon && !theirs.pins.contains(pin->first);
    if (lost && pin->second.leased()) {
      return false;
    }
    pin = lost && !pin->second.dropped() ? record.pins.erase(pin) : std::next(pin);
  }
  for (const auto& [id, pin] : theirs.pins) {
    if (!pin.leased()) {
      Pin& own = record.pins.try_emplace(id, pin).first->second;
      own = own.dropped() ? own : pin;  // a drop outlives the pin
    }
  }
  std::erase_if(record.forks, [&](const auto& fork) {
    return fork.second < theirs.horizon && !theirs.forks.contains(fork.first);
  });
  record.forks.insert(theirs.forks.begin(), theirs.forks.end());
  return true;
}

std::expected<InstalledBranch, std::string> PlanBranch(const RecoveredBranch& own,
                                                       const BranchSnapshot& told) {
  const Branch& branch = told.record.branch;
  if (own.record.intent) {
    return Cannot(branch.id, "its log is being cut");
  }
  if (own.record.branch != branch) {
    return Cannot(branch.id, "it is another branch here");
  }
  if (std::max(own.start, branch.fork) > told.indexed || told.start > told.indexed) {
    return Cannot(branch.id, "the snapshot's index ends before the log begins");
  }
  // An epoch that begins where the index ends has nothing in it.
  const History theirs =
      told.indexed > branch.fork ? told.record.history.CutTo(told.indexed - 1) : History();
  const Lsn end = std::max(own.end, own.record.synced);  // the last groups may be bad
  const Lsn both = std::min(end, told.indexed);
  if (Divergence({own.record.history, end}, {theirs, told.indexed}, branch.fork) < both) {
    return Cannot(branch.id, "the log has an end that a takeover has yet to cut");
  }
  InstalledBranch installed{
      .record = own.record, .start = std::max(own.start, told.start), .empties = end < told.start};
  if (!TakeHistory(installed.record, theirs)) {
    return Cannot(branch.id, "a newer epoch was adopted here");
  }
  if (!TakeRetention(installed.record, told.record)) {
    return Cannot(branch.id, "a lease lies below the horizon");
  }
  installed.record.synced = std::max(installed.record.synced, installed.start);
  installed.record.vdl = std::max(installed.record.vdl, installed.start);
  return installed;
}

}  // namespace

std::expected<Installation, std::string> PlanInstallation(
    const RecoveredNode& own, const std::vector<BranchSnapshot>& snapshot) {
  Installation plan;
  for (const BranchSnapshot& told : snapshot) {
    const BranchId id = told.record.branch.id;
    const auto found = std::ranges::find_if(own.branches, [id](const RecoveredBranch& branch) {
      return branch.record.branch.id == id;
    });
    auto installed =
        PlanBranch(found == own.branches.end() ? Fresh(told.record.branch) : *found, told);
    if (!installed) {
      return std::unexpected(std::move(installed.error()));
    }
    if (!plan.emplace(id, std::move(*installed)).second) {
      return Cannot(id, "it is told twice");
    }
  }
  for (const RecoveredBranch& branch : own.branches) {
    const BranchId id = branch.record.branch.id;
    if (!plan.contains(id) && branch.start > branch.record.branch.fork) {
      return Cannot(id, "its log has no beginning, and the snapshot does not know it");
    }
  }
  return plan;
}

Bytes EncodeManifest(const SnapshotManifest& manifest) {
  return EncodeFile(kManifestMagic, kVersion, manifest);
}

std::expected<SnapshotManifest, DecodeError> DecodeManifest(BytesView bytes) {
  return DecodeFile<SnapshotManifest>(kManifestMagic, kVersion, bytes);
}

Bytes EncodeInstallation(const Installation& installation) {
  return EncodeFile(kInstallationMagic, kVersion, installation);
}

std::expected<Installation, DecodeError> DecodeInstallation(BytesView bytes) {
  return DecodeFile<Installation>(kInstallationMagic, kVersion, bytes);
}

}  // namespace sextant::protocol
