// Nodes and writers by hand: messages and disks move only when a test says so, and only where it
// lets them.
#pragma once

#include "sextant/protocol/node.h"
#include "sextant/protocol/reader.h"
#include "sextant/protocol/writer.h"
#include "tests/simulation/disk.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace sextant::protocol {

struct Letter {
  Uuid from;
  Uuid to;
  Message message;
};

class Cluster {
 public:
  explicit Cluster(std::size_t size = 6);

  static MemberId Member(std::size_t index) { return {1, index + 1}; }
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }
  Configuration& configuration() { return configuration_; }

  // A writer that is started; Pump lets it go on.
  Writer& Start(Epoch epoch, const Branch& branch = {.id = 1, .parent = 0, .fork = 0});
  // Another process that claims the same epoch.
  Writer& StartAs(const ClientId& client, Epoch epoch);
  // Appends one patch of page (1, `page`); returns the LSN.
  Lsn Append(Writer& writer, std::uint64_t page, std::uint64_t value);
  Lsn AppendRecords(Writer& writer, const std::vector<Record>& records, std::uint64_t time);
  void Configure(Writer& writer, const Configuration& configuration);
  // The writer's timer: says again what was not answered.
  void Remind(Writer& writer);

  // Only these nodes hear and speak until the next call.
  void Reach(std::set<std::size_t> nodes);
  void ReachAll();
  // Letters for which this holds are kept in held() and not delivered.
  std::function<bool(const Letter&)> hold;
  [[nodiscard]] std::vector<Letter>& held() { return held_; }
  void Deliver(const Letter& letter);
  // Delivers messages and finishes disk operations until nothing moves.
  void Pump();
  // Finishes one disk operation of a node whose disk is held; false when there is none.
  bool StepDisk(std::size_t index);
  std::set<std::size_t> held_disks;

  void Gossip(std::size_t from, std::size_t to, BranchId branch = 1);
  void Tick(Time by);
  void Restart(std::size_t index, bool power = true);
  // The disk is lost; an empty one takes its place under a new name.
  MemberId Replace(std::size_t index);
  void Drop(std::size_t index) { nodes_.erase(index); }
  // Whose index each node wants, until Install; what it was given, a node starts again with.
  std::map<std::size_t, MemberId> wanted;
  bool Install(std::size_t index);

  [[nodiscard]] Node& node(std::size_t index) { return *nodes_.at(index); }
  [[nodiscard]] const Replica& replica(std::size_t index, BranchId branch = 1) {
    return node(index).replicas().at(branch);
  }
  [[nodiscard]] simulation::Disk& disk(std::size_t index) { return *disks_.at(index); }
  [[nodiscard]] simulation::Oracle& oracle() { return oracle_; }
  // What reaches clients that are no writers.
  std::vector<Letter> inbox;
  // Sent by nodes since the beginning, in order.
  std::vector<Letter> sent;
  // Reads page (1, page): the answer of one node.
  PageRead Read(std::size_t index, BranchId branch, std::uint64_t page, Position at);
  Time now{0};

 private:
  void Apply(std::size_t index, Effects effects);
  void Post(const Uuid& from, Effects effects);
  [[nodiscard]] std::optional<std::size_t> IndexOf(const Uuid& id) const;

  Configuration configuration_;
  simulation::Oracle oracle_;
  simulation::Random random_{1};
  std::map<std::size_t, std::unique_ptr<simulation::Disk>> disks_;
  std::map<std::size_t, std::unique_ptr<Node>> nodes_;
  std::map<Uuid, std::unique_ptr<Writer>> writers_;
  std::set<std::size_t> reached_;
  std::deque<Letter> letters_;
  std::vector<Letter> held_;
  std::uint64_t next_member_ = 100;
};

[[nodiscard]] std::uint64_t ValueOf(const PageRead& read);
// The first writer, after it appended groups to page 0 (1, 2, 3, …) and told the VDL.
Writer& Opened(Cluster& cluster, int groups);
// The step from a stable configuration to the one with `fresh` for `old`, and the one that ends it.
[[nodiscard]] Configuration Joint(const Configuration& from, const MemberId& old,
                                  const MemberId& fresh);
[[nodiscard]] Configuration Concluded(const Configuration& joint);

}  // namespace sextant::protocol
