#include "tests/unit/protocol/cluster.h"

#include <algorithm>

namespace sextant::protocol {

Cluster::Cluster(std::size_t size) {
  configuration_.generation = 1;
  for (std::size_t i = 0; i < size; ++i) {
    configuration_.members.push_back(Member(i));
    disks_[i] = std::make_unique<simulation::Disk>(Member(i), simulation::Sabotage::kNone);
    nodes_[i] = std::make_unique<Node>(NodeOptions{}, disks_[i]->Recover(), now);
    reached_.insert(i);
  }
  oracle_.AddBranch({.id = 1, .parent = 0, .fork = 0});
}

Writer& Cluster::Start(Epoch epoch, const Branch& branch) {
  const ClientId client{2, branch.id * 1000 + epoch};
  oracle_.AddBranch(branch);
  auto& writer = writers_[client];
  writer = std::make_unique<Writer>(WriterOptions{}, branch, epoch, client, configuration_);
  Post(client, writer->Start(now));
  return *writer;
}

Writer& Cluster::StartAs(const ClientId& client, Epoch epoch) {
  auto& writer = writers_[client];
  writer = std::make_unique<Writer>(WriterOptions{}, Branch{.id = 1, .parent = 0, .fork = 0}, epoch,
                                    client, configuration_);
  Post(client, writer->Start(now));
  return *writer;
}

Lsn Cluster::Append(Writer& writer, std::uint64_t page, std::uint64_t value) {
  Encoder bytes;
  bytes(value);
  return AppendRecords(writer, {PagePatch{{1, page}, {{0, bytes.Take()}}}}, 1000);
}

Lsn Cluster::AppendRecords(Writer& writer, const std::vector<Record>& records, std::uint64_t time) {
  Effects effects;
  const auto lsn = writer.Append(records, time, effects);
  Post(writer.client(), std::move(effects));
  return lsn.value_or(0);
}

void Cluster::Configure(Writer& writer, const Configuration& configuration) {
  Post(writer.client(), writer.Configure(configuration));
}

void Cluster::Remind(Writer& writer) { Post(writer.client(), writer.OnTimer(now)); }

void Cluster::Reach(std::set<std::size_t> nodes) { reached_ = std::move(nodes); }

void Cluster::ReachAll() {
  for (const auto& [index, node] : nodes_) {
    reached_.insert(index);
  }
}

std::optional<std::size_t> Cluster::IndexOf(const Uuid& id) const {
  for (const auto& [index, node] : nodes_) {
    if (node->member() == id) {
      return index;
    }
  }
  return std::nullopt;
}

void Cluster::Post(const Uuid& from, Effects effects) {
  for (Outgoing& outgoing : effects.messages) {
    letters_.push_back({from, outgoing.to, std::move(outgoing.message)});
  }
}

void Cluster::Apply(std::size_t index, Effects effects) {
  for (const DiskOperation& operation : effects.disk) {
    if (const auto* fetch = std::get_if<FetchSnapshot>(&operation)) {
      wanted[index] = fetch->from;
    } else {
      disk(index).Begin(operation, oracle_);
    }
  }
  for (const Outgoing& outgoing : effects.messages) {
    sent.push_back({node(index).member(), outgoing.to, outgoing.message});
  }
  const MemberId member = node(index).member();
  Post(member, std::move(effects));
  while (!held_disks.contains(index) && StepDisk(index)) {
  }
}

bool Cluster::StepDisk(std::size_t index) {
  if (!disk(index).busy()) {
    return false;
  }
  if (const auto completion = disk(index).Finish(oracle_)) {
    Apply(index, node(index).Complete(*completion, now));
  }
  return true;
}

void Cluster::Deliver(const Letter& letter) {
  const auto source = IndexOf(letter.from);
  const auto target = IndexOf(letter.to);
  if ((source && !reached_.contains(*source)) || (target && !reached_.contains(*target))) {
    return;
  }
  if (target) {
    Apply(*target, node(*target).Receive(letter.from, letter.message, now));
  } else if (const auto writer = writers_.find(letter.to); writer != writers_.end()) {
    Post(letter.to, writer->second->Receive(letter.from, letter.message, now));
  } else {
    inbox.push_back(letter);
  }
}

void Cluster::Pump() {
  while (!letters_.empty()) {
    const Letter letter = std::move(letters_.front());
    letters_.pop_front();
    if (hold && hold(letter)) {
      held_.push_back(letter);
    } else {
      Deliver(letter);
    }
  }
}

void Cluster::Gossip(std::size_t from, std::size_t to, BranchId branch) {
  protocol::Gossip gossip = replica(from, branch).MakeGossip();
  gossip.configuration = configuration_;
  letters_.push_back({node(from).member(), node(to).member(), gossip});
  Pump();
}

void Cluster::Tick(Time by) {
  now += by;
  for (auto& [index, node] : nodes_) {
    Apply(index, node->OnTimer(now));
  }
  Pump();
}

void Cluster::Restart(std::size_t index, bool power) {
  nodes_.at(index).reset();
  disk(index).Crash(power, random_, oracle_);
  nodes_[index] = std::make_unique<Node>(NodeOptions{}, disk(index).Recover(), now);
  Apply(index, node(index).Start());
}

bool Cluster::Install(std::size_t index) {
  const std::size_t source = IndexOf(wanted.at(index)).value();
  wanted.erase(index);
  const bool installed = disk(index).Install(disk(source).TakeSnapshot(), oracle_);
  Restart(index, false);
  return installed;
}

MemberId Cluster::Replace(std::size_t index) {
  const MemberId fresh{1, next_member_++};
  disks_[index] = std::make_unique<simulation::Disk>(fresh, simulation::Sabotage::kNone);
  nodes_[index] = std::make_unique<Node>(NodeOptions{}, disk(index).Recover(), now);
  return fresh;
}

PageRead Cluster::Read(std::size_t index, BranchId branch, std::uint64_t page, Position at) {
  const Uuid reader{3, 1};
  inbox.clear();
  letters_.push_back({reader, node(index).member(),
                      ReadPage{.request = 1, .branch = branch, .page = {1, page}, .at = at}});
  Pump();
  return std::get<PageRead>(inbox.at(0).message);
}

std::uint64_t ValueOf(const PageRead& read) {
  std::uint64_t value = 0;
  Decoder(read.bytes)(value);
  return value;
}

Writer& Opened(Cluster& cluster, int groups) {
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  for (int i = 0; i < groups; ++i) {
    cluster.Append(writer, 0, static_cast<std::uint64_t>(i) + 1);
    cluster.Pump();
  }
  cluster.Remind(writer);  // tells the VDL
  cluster.Pump();
  return writer;
}

Configuration Joint(const Configuration& from, const MemberId& old, const MemberId& fresh) {
  Configuration joint = from;
  ++joint.generation;
  joint.kind = ConfigurationKind::kJoint;
  joint.next = from.members;
  std::ranges::replace(joint.next, old, fresh);
  return joint;
}

Configuration Concluded(const Configuration& joint) {
  Configuration stable = joint;
  ++stable.generation;
  stable.kind = ConfigurationKind::kStable;
  stable.members = joint.next;
  stable.next.clear();
  return stable;
}

}  // namespace sextant::protocol
