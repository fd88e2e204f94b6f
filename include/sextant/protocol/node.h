// A storage node's part of the protocol: its member id, its configuration, and a Replica for each
// branch.
//
// Feed it every message, disk completion and timer; carry out the effects it returns. Not
// thread-safe; a value.
#pragma once

#include "sextant/protocol/effects.h"
#include "sextant/protocol/replica.h"

#include <deque>
#include <map>
#include <vector>

namespace sextant::protocol {

struct NodeOptions {
  Time gossip_interval = std::chrono::milliseconds(100);
  Time scrub_interval = std::chrono::seconds(1);
  // A member that was not heard for so long does not hold back what may leave the logs.
  Time peer_patience = std::chrono::minutes(10);
  std::uint64_t random_seed = 0;  // for choosing peers
};

class Node {
 public:
  Node(const NodeOptions& options, const RecoveredNode& found, Time now);

  [[nodiscard]] Effects Start();
  [[nodiscard]] Effects Receive(const Uuid& from, const Message& message, Time now);
  [[nodiscard]] Effects Complete(const DiskCompletion& completion, Time now);
  // The disk refused an operation. What it holds is now unknown, so the node says nothing more
  // until it is restarted.
  void DiskFailed() { failed_ = true; }
  // At or after next_timer().
  [[nodiscard]] Effects OnTimer(Time now);
  [[nodiscard]] Time next_timer() const { return std::min(next_gossip_, next_scrub_); }

  [[nodiscard]] const MemberId& member() const { return record_.member; }
  [[nodiscard]] const Configuration& configuration() const { return record_.configuration; }
  [[nodiscard]] const std::map<BranchId, Replica>& replicas() const { return replicas_; }
  [[nodiscard]] bool failed() const { return failed_; }
  // A durable group would have been cut; see Replica::broken.
  [[nodiscard]] bool broken() const;

  void Describe(this auto& self, auto& archive) {
    archive(self.record_, self.replicas_, self.persisting_, self.postponed_.size(), self.failed_);
  }

 private:
  // A reader that waits for the disk.
  struct Reading {
    ClientId reader;
    ReadRequest request;
  };

  void Dispatch(const Uuid& from, const Message& message, Time now, Effects& out);
  void On(const Uuid& from, const Seal& seal, Time now, Effects& out);
  void On(const Uuid& from, const Adopt& adopt, Time now, Effects& out);
  void On(const Uuid& from, const Append& append, Time now, Effects& out);
  void On(const Uuid& from, const Configure& configure, Time now, Effects& out);
  void On(const Uuid& from, const AskStatus& ask, Time now, Effects& out);
  void On(const Uuid& from, const ReadPage& read, Time now, Effects& out);
  void On(const Uuid& from, const ReadMetadata& read, Time now, Effects& out);
  void On(const Uuid& from, const FindLsn& find, Time now, Effects& out);
  void On(const Uuid& from, const SetPin& set, Time now, Effects& out);
  void On(const Uuid& from, const DropPin& drop, Time now, Effects& out);
  void On(const Uuid& from, const Gossip& gossip, Time now, Effects& out);
  void On(const Uuid& from, const Pull& pull, Time now, Effects& out);
  void On(const Uuid& from, const Pulled& pulled, Time now, Effects& out);
  void On(const Uuid& from, const LogBegins& begins, Time now, Effects& out);
  // Answers to what a node never asks.
  template <class Other>
  void On(const Uuid&, const Other&, Time, Effects&) {}

  void On(const NodePersisted& done, Time now, Effects& out);
  void On(const BranchPersisted& done, Time now, Effects& out);
  void On(const LogSynced& done, Time now, Effects& out);
  void On(const LogTruncated& done, Time now, Effects& out);
  void On(const LogRepaired& done, Time now, Effects& out);
  void On(const LogTrimmed& done, Time now, Effects& out);
  void On(const LogRead& done, Time now, Effects& out);
  void On(const IndexRead& done, Time now, Effects& out);
  void On(const IndexQueried& done, Time now, Effects& out);
  void On(const IndexSearched& done, Time now, Effects& out);

  // True when the generation is the node's own; else the sender is told.
  bool Agreed(const Uuid& from, BranchId branch, Epoch epoch, Generation generation, Effects& out);
  void Learn(const Configuration& configuration, Effects& out);
  Replica& Open(const Branch& branch);
  void KeepFork(const Branch& child);
  Replica* Find(BranchId branch);
  // Reads (node_read.cc).
  [[nodiscard]] ReadStatus CanRead(BranchId branch, Position at) const;
  template <class Request>
  typename Request::Answer MakeAnswer(const Request& request) const;
  template <class Request>
  void BeginRead(const Uuid& from, const Request& request, Effects& out);
  template <class Request, class Done, class Fill>
  void EndRead(const Done& done, Effects& out, const Fill& fill);
  std::optional<MemberId> RandomPeer();

  NodeOptions options_;
  NodeRecord record_;
  std::map<BranchId, Replica> replicas_;
  bool persisting_ = false;  // a configuration is on its way to the disk; messages wait
  std::deque<std::pair<Uuid, Message>> postponed_;
  std::map<std::uint64_t, Reading> readings_;
  std::uint64_t next_token_ = 1;
  std::uint64_t random_;
  Time next_gossip_;
  Time next_scrub_;
  bool failed_ = false;
};

}  // namespace sextant::protocol
