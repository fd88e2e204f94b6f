// One branch's log on one node: promises, the log's end, what is on disk of it, and its repair from
// peers.
//
// The three steps of a writer are the three public functions OnSeal, OnAdopt and OnAppend; read
// them in that order in replica.cc. Everything a node owes a writer is decided there:
//   * a promise is on disk before it is told;
//   * an append is on disk before it is acknowledged;
//   * the log is cut only where a newer history says so, never below the VDL, and a cut once begun
//   is finished.
//
// Not thread-safe; a value. It does no I/O: see effects.h.
#pragma once

#include "sextant/protocol/disk.h"
#include "sextant/protocol/effects.h"
#include "sextant/protocol/history.h"
#include "sextant/protocol/lsn_ranges.h"
#include "sextant/protocol/message.h"
#include "sextant/protocol/types.h"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

namespace sextant::protocol {

class Replica {
 public:
  explicit Replica(const Branch& branch, Generation generation);
  Replica(const RecoveredBranch& found, Generation generation, Time now);
  // Finishes a truncation that was begun, and syncs what was found: it may have been written and
  // not synced.
  void Start(Effects& out);

  // A writer's messages.
  void OnSeal(const ClientId& from, const Seal& seal, Effects& out);
  void OnAdopt(const ClientId& from, const Adopt& adopt, Effects& out);
  void OnAppend(const ClientId& from, const Append& append, Effects& out);

  // Peers' messages (replica_repair.cc).
  [[nodiscard]] Gossip MakeGossip() const;
  void OnGossip(const MemberId& from, const Gossip& gossip, Time now, Effects& out);
  void OnPull(const MemberId& from, const Pull& pull, Effects& out);
  void OnPulled(const MemberId& from, const Pulled& pulled, Time now, Effects& out);
  void OnLogBegins(const MemberId& from, const LogBegins& begins, Effects& out);

  // Readers' claims (replica_retention.cc).
  void OnSetPin(const ClientId& from, const SetPin& set, Time now, Effects& out);
  void OnDropPin(const DropPin& drop);
  [[nodiscard]] ReadStatus CanRead(const Position& at) const;
  // Something was read and is bad: a group, or a stretch in which no group could be told from
  // another.
  void MarkDamaged(LsnRange range);

  // The disk's answers.
  void OnPersisted(Effects& out);
  void OnSynced(Effects& out);
  void OnTruncated(Effects& out);
  void OnRepaired(LsnRange range, Effects& out);
  void OnLogRead(const LogRead& read, Effects& out);
  void OnTrimmed(Lsn start);

  // Housekeeping: lets leases run out and writes down what was learned; asks `peer` for what is
  // damaged here.
  void OnTimer(Time now, const NodeRecord& node, const std::optional<MemberId>& peer, Effects& out);
  void Scrub(Effects& out);
  // Says how much of the log's front nobody needs: what is kept readable, the index tells. Members
  // not heard for `patience` hold nothing back.
  void Trim(Time now, const Configuration& configuration, const MemberId& self, Time patience,
            Effects& out);
  void set_generation(Generation generation) { generation_ = generation; }
  // A child branch reads through to this one at `fork`, for ever. Too late if the horizon is above.
  void KeepFork(BranchId child, Lsn fork);

  [[nodiscard]] BranchStatus Status() const;
  [[nodiscard]] const BranchRecord& record() const { return record_; }
  // What of it a power cut leaves. Who decides by what a member keeps, counts on this alone.
  [[nodiscard]] const BranchRecord& record_on_disk() const { return saved_; }
  [[nodiscard]] const Branch& branch() const { return record_.branch; }
  // Where the log begins: at the fork, until its front has left.
  [[nodiscard]] Lsn start() const { return start_; }
  [[nodiscard]] Lsn scl() const { return scl_; }
  [[nodiscard]] Lsn end() const { return end_; }
  [[nodiscard]] Lsn vdl() const { return vdl_; }
  [[nodiscard]] const std::vector<LsnRange>& damaged() const { return damaged_.ranges(); }
  // Durable groups would have been cut: the quorum was broken by something outside the protocol.
  // The host must stop the node and raise an alarm.
  [[nodiscard]] bool broken() const { return broken_; }

  // The whole state, for the explorer's hashes.
  void Describe(this auto& self, auto& archive) {
    archive(self.record_, self.saving_, self.saved_, self.generation_, self.start_, self.end_,
            self.scl_, self.vdl_, self.last_time_, self.sync_target_, self.damaged_, self.step_,
            self.requester_, self.donor_, self.pulls_, self.retain_from_, self.broken_,
            self.waiting_.size(), self.pull_until_);
  }

 private:
  // A change of the record under way. There is one at a time; a writer's messages wait for their
  // turn.
  enum class Step : std::uint8_t {
    kIdle,
    kSealing,        // waits for the log's sync, then persists the promise
    kPromising,      // persists the promise
    kIntending,      // persists that the log will be cut
    kTruncating,     // cuts it
    kAdopting,       // persists the new history
    kPinning,        // persists a pin
    kCheckpointing,  // persists VDL, SCL and horizon, so that a restart knows them
    kLast = kCheckpointing
  };

  void Refuse(const ClientId& to, Epoch epoch, Refusal reason, Effects& out) const;
  void AnswerSeal(const ClientId& from, Effects& out);
  void BeginAdoption(const History& history, Lsn from, Effects& out);
  void FinishAdoption(const History& history, Effects& out);
  void Become(Step step, Effects& out);
  void Idle(Effects& out);
  void Write(const Group& group, Effects& out);
  void Sync(Effects& out);
  void Acknowledge(bool gap, Effects& out) const;
  void RaiseVdl(Lsn vdl);
  // Nothing written is still on its way to the disk.
  [[nodiscard]] bool Quiet() const { return end_ == scl_ && !sync_target_; }
  // Promised to an epoch as such, because its log was followed before its writer was met.
  [[nodiscard]] bool Unclaimed(Epoch epoch) const {
    return record_.promise == Promise{epoch, ClientId{}};
  }
  // The log's history and end hold still, but for appends.
  [[nodiscard]] bool Settled() const {
    return step_ == Step::kIdle || step_ == Step::kPinning || step_ == Step::kCheckpointing;
  }
  [[nodiscard]] Lsn fork() const { return record_.branch.fork; }
  [[nodiscard]] bool AdoptedPromise() const {
    return record_.promise.epoch == record_.history.last_epoch();
  }
  void AdvanceRetention(const NodeRecord& node);
  void LearnRetention(const MemberId& from, const Gossip& gossip);
  void LearnPin(const Uuid& id, const Pin& told);
  void ForgetDropped(const NodeRecord& node);
  void AskFor(const MemberId& peer, Lsn from, Time now, Effects& out);
  void AskForDamaged(const MemberId& peer, Effects& out);
  void AskForDamagedInTime(const MemberId& peer, Time now, Effects& out);
  [[nodiscard]] Lsn HorizonNow() const;
  void Checkpoint(Effects& out);
  [[nodiscard]] CollectVersions MakeCollection() const;
  [[nodiscard]] Lsn SlowestPeer(Time now, const Configuration& configuration, const MemberId& self,
                                Time patience);

  // What a peer last told that it has of this log.
  struct PeerLog {
    Lsn scl = 0;
    Time heard{0};
  };

  BranchRecord record_;
  BranchRecord saving_;  // on its way to the disk
  BranchRecord saved_;   // on disk: of what is kept and what is let go, only this is told
  Generation generation_ = 0;
  Lsn start_ = 0;
  Lsn end_ = 0;  // where the next group goes
  Lsn scl_ = 0;  // all below is on disk
  Lsn vdl_ = 0;
  std::uint64_t last_time_ = 0;
  std::optional<Lsn> sync_target_;  // a sync is running that will make this the SCL
  LsnRanges damaged_;               // below the SCL
  Lsn asked_from_ = 0;              // of the damage that was last asked for
  std::size_t repairing_ = 0;       // groups on their way to the disk
  std::optional<MemberId> healer_;  // who sent them, and may have more
  Time ask_damaged_at_{0};          // not before, and then after twice the pause
  Time damaged_pause_{0};
  std::set<Lsn> repaired_;  // where groups begin that were; again is no progress
  bool broken_ = false;

  Step step_ = Step::kIdle;
  ClientId requester_;  // of the change under way
  std::optional<PinSet> pin_reply_;
  std::optional<MemberId> donor_;
  std::deque<std::pair<ClientId, std::variant<Seal, Adopt>>> waiting_;

  std::map<std::uint64_t, MemberId> pulls_;  // peers that wait for a read of the log
  std::uint64_t next_token_ = 1;
  Time pull_until_{0};  // an answer to our own pull may still come
  Lsn scrubbed_ = 0;
  std::map<MemberId, PeerLog> peers_;
  Lsn trimmed_below_ = 0;  // as the disk was told

  Lsn retain_from_ = 0;
  std::map<Uuid, Time> expiry_;  // of the pins with a lease
  Lsn retain_next_ = 0;  // what becomes retain_from_ when enough peers have told their forks since
  std::set<MemberId> informed_by_;
  std::map<Uuid, std::set<MemberId>> drop_known_by_;
  bool pins_changed_ = false;
  std::optional<CollectVersions> collect_;  // when the checkpoint under way is on disk
};

}  // namespace sextant::protocol
