// What must come right when the faults are over.
#include "tests/simulation/world.h"

#include <algorithm>
#include <format>

namespace sextant::simulation {

void World::MakePeace() {
  Trace("peace");
  peace_ = true;
  working_ = false;
  peace_since_ = now_;
  cuts_ = {};
  for (std::size_t i = 0; i < kNodes; ++i) {
    nodes_.at(i).stalled_until = now_;
    nodes_.at(i).fail_next = false;
  }
  for (Host& host : hosts_) {
    host.paused_until = std::min(host.paused_until, now_);
  }
}

// Nothing is missing: every branch has a writer that got a new group acknowledged, and all nodes
// hold the same.
bool World::Converged() {
  const auto waiting = [&](std::string reason) {
    waiting_for_ = std::move(reason);
    return false;
  };
  if (configuration_.kind != ConfigurationKind::kStable) {
    return waiting("a change of members is not concluded");
  }
  for (auto& [branch, line] : lines_) {
    WriterHost& host = writers_.at(line.writer);
    const protocol::Writer& writer = host.writer;
    if (writer.state() != WriterState::kOpen ||
        writer.configuration().generation != configuration_.generation) {
      return waiting("a branch has no writer");
    }
    if (line.target <= writer.begin()) {
      line.target = AppendOne(host);
    }
    if (writer.vdl() < line.target || writer.vdl() != writer.end()) {
      return waiting("writing does not resume");
    }
    for (const NodeHost& node : nodes_) {
      if (!SameAs(node, writer)) {
        return waiting(
            std::format("{} does not become equal on branch {}", Name(node.member), branch));
      }
    }
  }
  for (const Snapshot& snapshot : snapshots_) {
    if (!Agreed(snapshot)) {
      return waiting(std::format("the members do not agree on {}", Name(snapshot.pin)));
    }
  }
  Trace("all nodes are equal");
  return true;
}

// All keep a snapshot; or, if its drop got through, all have forgotten it.
bool World::Agreed(const Snapshot& snapshot) const {
  std::size_t keep = 0;
  std::size_t know = 0;
  for (const NodeHost& node : nodes_) {
    const protocol::Replica& replica = node.node->replicas().at(snapshot.branch);
    const auto pin = replica.record().pins.find(snapshot.pin);
    const bool known = pin != replica.record().pins.end();
    know += known ? 1 : 0;
    keep += known && pin->second.permanent() &&
                    replica.CanRead({0, snapshot.lsn}) == protocol::ReadStatus::kOk
                ? 1
                : 0;
  }
  return keep == kNodes || (snapshot.dropped && know == 0);
}

bool World::SameAs(const NodeHost& node, const protocol::Writer& writer) const {
  const BranchId branch = writer.branch().id;
  if (!node.node || node.disk->damaged() || !node.node->replicas().contains(branch)) {
    return false;
  }
  const protocol::Replica& replica = node.node->replicas().at(branch);
  const StoredGroup* last = node.disk->Find(branch, writer.vdl());
  return replica.scl() == writer.end() && replica.vdl() == writer.vdl() &&
         replica.record().history == writer.history() && replica.damaged().empty() &&
         last != nullptr && last->digest == oracle_.DigestAt(branch, writer.vdl());
}

}  // namespace sextant::simulation
