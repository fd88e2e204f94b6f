// A branch's writer: takes an epoch, finds and completes the log, then appends. One object is one
// epoch's writer; who wants to go on after kFenced or kSuperseded takes a new epoch and makes a new
// one.
//
//   sealing     Seal to every member, until a takeover quorum has promised and told what it holds.
//   recovering  The donor, greatest in (last epoch, SCL), has every group that was ever
//   acknowledged. Its log is the
//               log; Adopt tells each member so. Done when a write quorum holds all of it under the
//               new history.
//   open        Append. The VDL is what a write quorum of members that adopted this history holds.
//
// Members that come late or come back go through the same steps at any time. Feed it messages and
// timers; not thread-safe; a value.
#pragma once

#include "sextant/protocol/effects.h"

#include <deque>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace sextant::protocol {

struct WriterOptions {
  Time resend_interval = std::chrono::milliseconds(50);
  // How far the log may run ahead of the VDL.
  std::size_t outstanding_bytes = 64U << 20;
  // How much one member may have to sync before it is sent more.
  std::size_t window_bytes = 8U << 20;
  // Of groups in one message; a greater group goes alone.
  std::size_t message_bytes = 1U << 20;
  // How much durable log is kept for members that are a little behind; those further behind ask
  // their peers.
  std::size_t kept_bytes = 4U << 20;
};

enum class WriterState : std::uint8_t {
  kSealing,
  kRecovering,
  kOpen,
  kFenced,      // so many members are promised to newer epochs that no write quorum is left
  kSuperseded,  // the configuration became a rebuild, which begins with a takeover
  kLast = kSuperseded
};

enum class AppendError : std::uint8_t {
  kNotOpen,
  kTooLarge,   // above Group::kMaximumSize
  kFull,       // too much is outstanding; wait for the VDL
  kMalformed,  // a record is not what record.h says, such as a patch of nothing
};

class Writer {
 public:
  // `epoch` was never used before on this branch, by anyone.
  Writer(const WriterOptions& options, const Branch& branch, Epoch epoch, const ClientId& client,
         const Configuration& configuration);

  [[nodiscard]] Effects Start(Time now);
  [[nodiscard]] Effects Receive(const MemberId& from, const Message& message, Time now);
  // At or after next_timer().
  [[nodiscard]] Effects OnTimer(Time now);
  [[nodiscard]] Time next_timer() const { return next_timer_; }

  // Sends a group; it is durable when vdl() >= the LSN returned. `wall_time` in µs since 1970: a
  // clock that goes back is held.
  std::expected<Lsn, AppendError> Append(std::span<const Record> records, std::uint64_t wall_time,
                                         Effects& out);
  // A configuration learned from outside. Lower generations are ignored.
  [[nodiscard]] Effects Configure(const Configuration& configuration);
  // Versions of pages that only older LSNs see may go; told to the members with what is sent next.
  void RetainFrom(Lsn lsn) { retain_from_ = std::max(retain_from_, lsn); }

  [[nodiscard]] WriterState state() const { return state_; }
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] const ClientId& client() const { return client_; }
  [[nodiscard]] const Branch& branch() const { return branch_; }
  // Everything below was acknowledged, and survives. Never falls.
  [[nodiscard]] Lsn vdl() const { return vdl_; }
  // Where the epoch began, and where the next group goes.
  [[nodiscard]] Lsn begin() const { return history_.last_first(); }
  [[nodiscard]] Lsn end() const { return end_; }
  [[nodiscard]] const History& history() const { return history_; }
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }
  // The record of this generation is durable under its own rule: a joint or rebuild step may be
  // concluded.
  [[nodiscard]] Generation committed_generation() const { return committed_generation_; }
  // Members that may serve a read at `at`, as far as is known here.
  [[nodiscard]] std::vector<MemberId> Holders(Lsn at) const;
  // How many take no groups for want of space.
  [[nodiscard]] std::size_t full_members() const;
  // The log that was found ends below a VDL that was told: never happens while the quorum rule
  // holds.
  [[nodiscard]] bool broken() const { return broken_; }

  void Describe(this auto& self, auto& archive) {
    archive(self.epoch_, self.client_, self.configuration_, self.state_, self.peers_, self.donor_,
            self.history_, self.end_, self.vdl_, self.kept_, self.announced_,
            self.committed_generation_, self.broken_);
  }

 private:
  enum class Phase : std::uint8_t { kUnknown, kSealed, kAdopted, kLost, kLast = kLost };

  // What is known of a member.
  struct Peer {
    Phase phase = Phase::kUnknown;
    Generation generation = 0;
    History history;  // as it voted
    Lsn scl = 0;
    Lsn told_vdl = 0;
    std::uint64_t last_time = 0;
    Lsn next = 0;          // the next group to send begins here
    bool rewound = false;  // to fill a gap, since the last timer
    bool full = false;     // it said that its disk is, and has taken nothing since

    void Describe(this auto& self, auto& archive) {
      archive(self.phase, self.generation, self.history, self.scl, self.told_vdl, self.next,
              self.rewound, self.full);
    }
  };

  void On(const MemberId& from, const Sealed& sealed, Effects& out);
  void On(const MemberId& from, const Appended& appended, Effects& out);
  void On(const MemberId& from, const Configured& configured, Effects& out);
  void On(const MemberId& from, const Refused& refused, Effects& out);
  template <class Other>
  void On(const MemberId&, const Other&, Effects&) {}

  void SendSeal(const MemberId& to, Effects& out) const;
  void SendAdopt(const MemberId& to, const Peer& peer, Effects& out) const;
  void SendGroups(const MemberId& to, Peer& peer, Effects& out) const;
  void SendHeartbeat(const MemberId& to, const Peer& peer, Effects& out) const;
  [[nodiscard]] protocol::Append MakeAppend(const Peer& peer) const;
  void ChooseDonor(Effects& out);
  void AdvanceVdl(Effects& out);
  void Announce(Effects& out);
  Lsn Add(std::span<const Record> records, Effects& out);
  void CheckFenced();
  [[nodiscard]] bool Active() const {
    return state_ != WriterState::kFenced && state_ != WriterState::kSuperseded;
  }

  WriterOptions options_;
  Branch branch_;
  Epoch epoch_;
  ClientId client_;
  Configuration configuration_;
  WriterState state_ = WriterState::kSealing;
  std::map<MemberId, Peer> peers_;

  MemberId donor_;
  History history_;
  Lsn end_ = 0;
  Lsn vdl_ = 0;
  std::uint64_t last_time_ = 0;
  Lsn retain_from_ = 0;
  std::deque<Group> kept_;  // the log's last groups: all above the VDL, and some below
  std::size_t kept_size_ = 0;

  Lsn announced_ = 0;  // where the record of the configuration in force ends
  Generation committed_generation_ = 0;
  Time next_timer_{0};
  bool broken_ = false;
};

}  // namespace sextant::protocol
