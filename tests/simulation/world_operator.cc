// The operator: epochs, members and branches.
#include "tests/simulation/world.h"

#include <algorithm>

namespace sextant::simulation {

using namespace std::chrono_literals;

// Gives a branch that does not get on another writer, and concludes changes of members.
void World::Watch() {
  bool committed = configuration_.kind != ConfigurationKind::kStable;
  for (auto& [branch, line] : lines_) {
    WriterHost& host = writers_.at(line.writer);
    const protocol::Writer& writer = host.writer;
    if (writer.vdl() > line.progress_vdl) {
      line.progress_vdl = writer.vdl();
      line.progress = now_;
    }
    const bool over =
        writer.state() == WriterState::kFenced || writer.state() == WriterState::kSuperseded;
    const Time patience = peace_ && !working_ ? Time(2s) : Time(250ms);
    if (over || now_ > line.progress + patience) {
      TakeOver(branch, over ? random_.Index(kHosts) : (host.host + 1) % kHosts);
    }
    committed = committed && writer.committed_generation() == configuration_.generation;
  }
  if (committed && SnapshotsAreHeld()) {
    Conclude(false);
  } else if (configuration_.kind == ConfigurationKind::kStable) {
    ReplaceMissing();
  }
  At(now_ + 20ms, [this] { Watch(); });
}

// By a write quorum of the new members, on disk: else those lost next could be the last that know
// of them, or the power that goes next leaves too few.
bool World::SnapshotsAreHeld() const {
  Configuration concluded = configuration_;
  concluded.kind = ConfigurationKind::kStable;
  concluded.members = configuration_.next;
  return std::ranges::all_of(snapshots_, [&](const Snapshot& snapshot) {
    return snapshot.dropped || concluded.CanWrite([&](const MemberId& member) {
      const auto index = EndpointOf(member);
      if (!index || !nodes_.at(*index).node) {
        return false;
      }
      const auto& replicas = nodes_.at(*index).node->replicas();
      const auto replica = replicas.find(snapshot.branch);
      return replica != replicas.end() &&
             replica->second.record_on_disk().pins.contains(snapshot.pin);
    });
  });
}

// After a change was taken back the lost disk is still a member, and an empty one still waits.
void World::ReplaceMissing() {
  for (const MemberId& member : configuration_.members) {
    const auto spare = std::ranges::find_if(
        nodes_, [&](const NodeHost& node) { return !configuration_.Contains(node.member); });
    if (!EndpointOf(member) && spare != nodes_.end()) {
      std::vector<MemberId> next = configuration_.members;
      std::ranges::replace(next, member, spare->member);
      Change(ConfigurationKind::kJoint, std::move(next));
      return;
    }
  }
}

void World::Change(ConfigurationKind kind, std::vector<MemberId> next) {
  ++configuration_.generation;
  configuration_.kind = kind;
  configuration_.next = std::move(next);
  Trace("generation {}: kind {}", configuration_.generation, static_cast<int>(kind));
  for (const auto& [branch, line] : lines_) {
    WriterHost& host = writers_.at(line.writer);
    if (random_.OneIn(2) || peace_) {  // the others find out by a refusal, or from nobody
      AfterWriter(host, host.writer.Configure(configuration_));
    }
    if (kind != ConfigurationKind::kRebuild) {
      At(now_ + 30ms, [this, id = line.writer] {
        WhenAwake(writers_.at(id).host, [this, id] {
          AfterWriter(writers_.at(id), writers_.at(id).writer.Configure(configuration_));
        });
      });
    }
  }
}

void World::Conclude(bool undo) {
  if (!undo) {
    configuration_.members = configuration_.next;
  }
  Change(ConfigurationKind::kStable, {});
}

void World::Clone(std::uint64_t choice) {
  const auto& ends = oracle_.ends(1);
  const auto host = static_cast<std::size_t>(choice / 5 % kHosts);
  if (ends.size() >= 4) {
    const Lsn fork = ends[ends.size() - 1 - choice % std::min<std::size_t>(ends.size(), 8)];
    MakeBranch(host, MakePin(host, 1, fork, PinPurpose::kFork), 100);
  }
}

// When the fork is pinned.
void World::MakeBranch(std::size_t host, const Uuid& pin, int attempts) {
  const protocol::PinKeeper& keeper = hosts_.at(host).pins.at(pin).keeper;
  if (peace_ || attempts == 0 || lines_.size() > 2) {
    return;
  }
  if (!keeper.Held(now_)) {
    At(now_ + 5ms, [this, host, pin, attempts] { MakeBranch(host, pin, attempts - 1); });
    return;
  }
  const BranchId id = lines_.size() + 1;
  lines_[id].branch = {.id = id, .parent = 1, .fork = keeper.lsn()};
  oracle_.AddBranch(lines_[id].branch);
  Trace("branch {} begins at {} of branch 1", id, keeper.lsn());
  TakeOver(id, host);
}

}  // namespace sextant::simulation
