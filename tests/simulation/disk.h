// A node's disk in the simulation: a cache that a power cut loses, operations that take their time,
// and damage.
#pragma once

#include "sextant/protocol/disk.h"
#include "sextant/protocol/node.h"
#include "sextant/protocol/snapshot.h"
#include "tests/simulation/oracle.h"
#include "tests/simulation/random.h"

#include <deque>
#include <map>
#include <optional>

namespace sextant::simulation {

// Invariants broken on purpose, to see that the checks see it.
enum class Sabotage : std::uint8_t { kNone, kQuorumOfThree, kNoTruncation, kAcknowledgeBeforeSync };

// A disk's index and what is told beside it.
struct DiskSnapshot {
  std::vector<protocol::BranchSnapshot> branches;
  std::map<protocol::BranchId, StoredLog> told;
  std::map<protocol::BranchId, protocol::CollectVersions> collected;
};

class Disk {
 public:
  Disk(const protocol::MemberId& member, Sabotage sabotage);

  // Takes an operation; most are finished, in order, by Finish.
  void Begin(const protocol::DiskOperation& operation, Oracle& oracle);
  [[nodiscard]] bool busy() const { return !pending_.empty(); }
  // Carries out the oldest operation.
  [[nodiscard]] std::optional<protocol::DiskCompletion> Finish(Oracle& oracle);

  // The process ends. What was not finished may have happened or not. When the power goes too, what
  // was not synced may be lost, and the write at the edge may be torn.
  void Crash(bool power, Random& random, Oracle& oracle);
  // What a starting node finds: verifies the log by its checksums, group after group.
  [[nodiscard]] protocol::RecoveredNode Recover();

  // The index as it is, and another disk's in its place; false when that cannot be.
  [[nodiscard]] DiskSnapshot TakeSnapshot();
  [[nodiscard]] bool Install(const DiskSnapshot& snapshot, Oracle& oracle);
  // It could be installed as the disk is now.
  [[nodiscard]] bool Fits(const DiskSnapshot& snapshot) const;

  // Flips one bit of the group that ends at `end`.
  void Flip(protocol::BranchId branch, protocol::Lsn end, Random& random);
  [[nodiscard]] bool damaged() const;
  // The SCL a restart would know.
  [[nodiscard]] protocol::Lsn KnownSynced(protocol::BranchId branch) const;
  [[nodiscard]] const StoredLog& log(protocol::BranchId branch) const;
  // The group that ends at `end`, in the log or trimmed from it; or null.
  [[nodiscard]] const StoredGroup* Find(protocol::BranchId branch, protocol::Lsn end) const;
  [[nodiscard]] const protocol::MemberId& member() const { return member_; }

 private:
  struct Pending {
    protocol::DiskOperation operation;
    std::size_t written = 0;  // groups in the log when a sync was asked for
  };

  protocol::DiskCompletion Do(const protocol::PersistNode& operation, std::size_t written,
                              Oracle& oracle);
  protocol::DiskCompletion Do(const protocol::PersistBranch& operation, std::size_t written,
                              Oracle& oracle);
  protocol::DiskCompletion Do(const protocol::WriteLog& operation, std::size_t written,
                              Oracle& oracle);
  protocol::DiskCompletion Do(const protocol::SyncLog& operation, std::size_t written,
                              Oracle& oracle);
  protocol::DiskCompletion Do(const protocol::TruncateLog& operation, std::size_t written,
                              Oracle& oracle);
  protocol::DiskCompletion Do(const protocol::RepairLog& operation, std::size_t written,
                              Oracle& oracle);
  protocol::DiskCompletion Do(const protocol::ReadLog& operation, std::size_t written,
                              Oracle& oracle);
  protocol::DiskCompletion Do(const protocol::CollectVersions& operation, std::size_t written,
                              Oracle& oracle);
  protocol::DiskCompletion Do(const protocol::TrimLog& operation, std::size_t written,
                              Oracle& oracle);
  protocol::DiskCompletion Do(const protocol::FetchSnapshot& operation, std::size_t written,
                              Oracle& oracle);
  // The index (disk_index.cc).
  protocol::DiskCompletion Do(const protocol::ReadIndex& operation, std::size_t written,
                              Oracle& oracle);
  protocol::DiskCompletion Do(const protocol::QueryIndex& operation, std::size_t written,
                              Oracle& oracle);
  protocol::DiskCompletion Do(const protocol::SearchIndex& operation, std::size_t written,
                              Oracle& oracle);
  // The branches that a read at `lsn` sees, and up to where; youngest first.
  [[nodiscard]] std::vector<std::pair<protocol::BranchId, protocol::Lsn>> Lineage(
      protocol::BranchId branch, protocol::Lsn lsn) const;
  // What the index can tell of, in order: from its files, and from the log.
  [[nodiscard]] std::vector<const StoredGroup*> Told(protocol::BranchId branch,
                                                     protocol::Lsn lsn) const;
  [[nodiscard]] protocol::Lsn Start(protocol::BranchId branch) const;
  // What only `lsn` sees of the branch may be gone from the index.
  [[nodiscard]] bool Collected(protocol::BranchId branch, protocol::Lsn lsn) const;
  void Write(const protocol::Group& group, Oracle& oracle);
  [[nodiscard]] const protocol::Branch& Line(protocol::BranchId branch) const;

  protocol::MemberId member_;
  Sabotage sabotage_;
  protocol::Bytes node_file_;
  std::map<protocol::BranchId, protocol::Bytes> branch_files_;
  std::map<protocol::BranchId, protocol::Branch> lines_;
  std::map<protocol::BranchId, StoredLog> logs_;
  std::map<protocol::BranchId, protocol::Lsn> starts_;  // of logs that were trimmed
  // What the index tells without the log: all below the log, and with a snapshot more above.
  std::map<protocol::BranchId, StoredLog> told_;
  std::map<protocol::BranchId, protocol::CollectVersions> collected_;
  std::deque<Pending> pending_;
};

}  // namespace sextant::simulation
