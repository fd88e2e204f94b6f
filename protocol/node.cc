#include "sextant/protocol/node.h"

#include <algorithm>

namespace sextant::protocol {
namespace {

constexpr std::size_t kMaximumPostponed = 64;
constexpr int kGossipPeers = 2;

}  // namespace

Node::Node(const NodeOptions& options, const RecoveredNode& found, Time now)
    : options_(options),
      record_(found.record),
      random_(options.random_seed),
      next_gossip_(now + options.gossip_interval),
      next_scrub_(now + options.scrub_interval) {
  for (const RecoveredBranch& branch : found.branches) {
    replicas_.emplace(branch.record.branch.id,
                      Replica(branch, record_.configuration.generation, now));
  }
  for (const auto& [id, replica] : replicas_) {
    KeepFork(replica.branch());  // power may have gone between the child's record and the parent's
  }
}

Effects Node::Start() {
  Effects out;
  for (auto& [id, replica] : replicas_) {
    replica.Start(out);
  }
  return out;
}

Effects Node::Receive(const Uuid& from, const Message& message, Time now) {
  Effects out;
  if (!failed_) {
    Dispatch(from, message, now, out);
  }
  return out;
}

void Node::Dispatch(const Uuid& from, const Message& message, Time now, Effects& out) {
  if (persisting_) {
    if (postponed_.size() < kMaximumPostponed) {
      postponed_.emplace_back(from, message);
    }
    return;
  }
  std::visit([&](const auto& alternative) { On(from, alternative, now, out); }, message);
}

Effects Node::Complete(const DiskCompletion& completion, Time now) {
  Effects out;
  if (!failed_) {
    std::visit([&](const auto& done) { On(done, now, out); }, completion);
  }
  return out;
}

bool Node::broken() const {
  return std::ranges::any_of(replicas_, [](const auto& entry) { return entry.second.broken(); });
}

// --- Writers. ---

void Node::On(const Uuid& from, const Seal& seal, Time, Effects& out) {
  if (seal.configuration.generation > record_.configuration.generation) {
    Learn(seal.configuration, out);
    postponed_.emplace_back(from, seal);  // goes on when the configuration is on disk
    return;
  }
  if (seal.branch.id != 0 &&
      Agreed(from, seal.branch.id, seal.epoch, seal.configuration.generation, out)) {
    Open(seal.branch).OnSeal(from, seal, out);
  }
}

void Node::On(const Uuid& from, const Adopt& adopt, Time, Effects& out) {
  Replica* replica = Find(adopt.branch);
  if (replica != nullptr && Agreed(from, adopt.branch, adopt.epoch, adopt.generation, out)) {
    replica->OnAdopt(from, adopt, out);
  }
}

void Node::On(const Uuid& from, const Append& append, Time, Effects& out) {
  Replica* replica = Find(append.branch);
  if (replica != nullptr && Agreed(from, append.branch, append.epoch, append.generation, out)) {
    replica->OnAppend(from, append, out);
  }
}

// --- The configuration. ---

bool Node::Agreed(const Uuid& from, BranchId branch, Epoch epoch, Generation generation,
                  Effects& out) {
  const Generation own = record_.configuration.generation;
  if (generation == own) {
    return true;
  }
  Refused refused{.branch = branch,
                  .epoch = epoch,
                  .reason = generation < own ? Refusal::kGeneration : Refusal::kOutdated,
                  .promised = 0,
                  .configuration = record_.configuration};
  out.Send(from, std::move(refused));
  return false;
}

void Node::On(const Uuid& from, const Configure& configure, Time, Effects& out) {
  if (configure.configuration.generation > record_.configuration.generation) {
    Learn(configure.configuration, out);
    postponed_.emplace_back(from, configure);
    return;
  }
  out.Send(from, Configured{record_.configuration.generation});
}

// Older generations are refused at once; the newer one is spoken for when it is on disk.
void Node::Learn(const Configuration& configuration, Effects& out) {
  record_.configuration = configuration;
  persisting_ = true;
  out.Do(PersistNode{record_});
}

void Node::On(const NodePersisted&, Time now, Effects& out) {
  persisting_ = false;
  for (auto& [id, replica] : replicas_) {
    replica.set_generation(record_.configuration.generation);
  }
  std::deque<std::pair<Uuid, Message>> postponed;
  postponed.swap(postponed_);
  for (const auto& [from, message] : postponed) {
    Dispatch(from, message, now, out);
  }
}

// --- Readers' claims; their reads are in node_read.cc. ---

void Node::On(const Uuid& from, const SetPin& set, Time now, Effects& out) {
  if (Replica* replica = Find(set.branch)) {
    replica->OnSetPin(from, set, now, out);
  }
}

void Node::On(const Uuid&, const DropPin& drop, Time, Effects&) {
  if (Replica* replica = Find(drop.branch)) {
    replica->OnDropPin(drop);
  }
}

void Node::On(const Uuid& from, const AskStatus& ask, Time, Effects& out) {
  NodeStatus status{.request = ask.request, .configuration = record_.configuration, .branches = {}};
  for (const auto& [id, replica] : replicas_) {
    status.branches.push_back(replica.Status());
  }
  out.Send(from, std::move(status));
}

// --- Peers. ---

void Node::On(const Uuid& from, const Gossip& gossip, Time now, Effects& out) {
  if (gossip.configuration.generation > record_.configuration.generation) {
    Learn(gossip.configuration, out);
  }
  if (record_.configuration.Contains(from) && gossip.branch.id != 0) {
    Open(gossip.branch).OnGossip(from, gossip, now, out);
  }
}

void Node::On(const Uuid& from, const Pull& pull, Time, Effects& out) {
  if (Replica* replica = Find(pull.branch)) {
    replica->OnPull(from, pull, out);
  }
}

void Node::On(const Uuid& from, const Pulled& pulled, Time now, Effects& out) {
  if (Replica* replica = Find(pulled.branch)) {
    replica->OnPulled(from, pulled, now, out);
  }
}

void Node::On(const Uuid& from, const LogBegins& begins, Time, Effects& out) {
  Replica* replica = Find(begins.branch);
  if (replica != nullptr && record_.configuration.Contains(from)) {
    replica->OnLogBegins(from, begins, out);
  }
}

Effects Node::OnTimer(Time now) {
  Effects out;
  if (failed_) {
    next_gossip_ = next_scrub_ = now + options_.scrub_interval;
    return out;
  }
  if (now >= next_gossip_) {
    next_gossip_ = now + options_.gossip_interval;
    for (auto& [id, replica] : replicas_) {
      replica.OnTimer(now, record_, RandomPeer(), out);
      replica.Trim(now, record_.configuration, record_.member, options_.peer_patience, out);
      for (int i = 0; i < kGossipPeers; ++i) {
        if (const auto peer = RandomPeer(); peer && !persisting_) {
          Gossip gossip = replica.MakeGossip();
          gossip.configuration = record_.configuration;
          out.Send(*peer, std::move(gossip));
        }
      }
    }
  }
  if (now >= next_scrub_) {
    next_scrub_ = now + options_.scrub_interval;
    for (auto& [id, replica] : replicas_) {
      replica.Scrub(out);
    }
  }
  return out;
}

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
std::optional<MemberId> Node::RandomPeer() {
  std::vector<MemberId> peers = record_.configuration.All();
  std::erase(peers, record_.member);
  if (peers.empty()) {
    return std::nullopt;
  }
  random_ += 0x9E3779B97F4A7C15U;
  std::uint64_t mixed = random_;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
  return peers[(mixed ^ (mixed >> 31)) % peers.size()];
}

// --- The disk. ---

void Node::On(const BranchPersisted& done, Time, Effects& out) {
  Find(done.branch)->OnPersisted(out);
}

void Node::On(const LogSynced& done, Time, Effects& out) { Find(done.branch)->OnSynced(out); }

void Node::On(const LogTruncated& done, Time, Effects& out) { Find(done.branch)->OnTruncated(out); }

void Node::On(const LogRepaired& done, Time, Effects& out) {
  Find(done.branch)->OnRepaired(done.range, out);
}

void Node::On(const LogTrimmed& done, Time, Effects&) { Find(done.branch)->OnTrimmed(done.start); }

void Node::On(const LogRead& done, Time, Effects& out) { Find(done.branch)->OnLogRead(done, out); }

// --- Branches. ---

Replica& Node::Open(const Branch& branch) {
  const auto [entry, created] =
      replicas_.try_emplace(branch.id, branch, record_.configuration.generation);
  if (created) {
    KeepFork(branch);
    for (const auto& [id, other] : replicas_) {
      if (other.branch().parent == branch.id) {
        entry->second.KeepFork(id, other.branch().fork);
      }
    }
  }
  return entry->second;
}

void Node::KeepFork(const Branch& child) {
  if (Replica* parent = Find(child.parent)) {
    parent->KeepFork(child.id, child.fork);
  }
}

Replica* Node::Find(BranchId branch) {
  const auto found = replicas_.find(branch);
  return found == replicas_.end() ? nullptr : &found->second;
}

}  // namespace sextant::protocol
