// What a node asks of its disk, what it is told back, and what it finds there when it starts.
//
// The host carries out the operations of one branch in the order given. Record writes replace the
// file as a whole (write a new one, fsync, rename, fsync the directory) and complete when that is
// durable, and so do truncations. Groups are written without waiting; LogSynced means that all
// written before SyncLog are durable. An error of any of these is told by Node::DiskFailed: a node
// never tries again what an fsync refused.
#pragma once

#include "sextant/protocol/configuration.h"
#include "sextant/protocol/group.h"
#include "sextant/protocol/history.h"
#include "sextant/protocol/metadata.h"
#include "sextant/protocol/types.h"

#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace sextant::protocol {

// --- What is kept. ---

struct NodeRecord {
  MemberId member;
  Configuration configuration;

  void Describe(this auto& self, auto& archive) { archive(self.member, self.configuration); }
};

// The node refuses every epoch below, and this one from any other writer. Nil writer: learned from
// a peer.
struct Promise {
  Epoch epoch = 0;
  ClientId writer;

  bool operator==(const Promise&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.epoch, self.writer); }
};

// A truncation that must be finished before anything else: the log is to end at `from` and then to
// have `history`.
struct TruncationIntent {
  History history;
  Lsn from = 0;

  void Describe(this auto& self, auto& archive) { archive(self.history, self.from); }
};

struct BranchRecord {
  Branch branch;
  Promise promise;
  History history;
  std::optional<TruncationIntent> intent;
  Lsn vdl = 0;  // at least this much is durable in the volume
  Lsn synced =
      0;  // at least this much was synced here: what is bad below is damage, not a torn write
  Lsn horizon = 0;  // versions of pages that only older LSNs see may be gone
  std::map<Uuid, Pin> pins;
  std::map<BranchId, Lsn> forks;  // of child branches: kept readable for ever
  Lsn retain_from = 0;            // the writer lets go what is below: no new pins there

  void Describe(this auto& self, auto& archive) {
    archive(self.branch, self.promise, self.history, self.intent, self.vdl, self.synced,
            self.horizon, self.pins, self.forks, self.retain_from);
  }
};

// A record as a file: magic, version, size, the fields, CRC32C.
[[nodiscard]] Bytes EncodeNodeRecord(const NodeRecord& record);
[[nodiscard]] std::expected<NodeRecord, DecodeError> DecodeNodeRecord(BytesView bytes);
[[nodiscard]] Bytes EncodeBranchRecord(const BranchRecord& record);
[[nodiscard]] std::expected<BranchRecord, DecodeError> DecodeBranchRecord(BytesView bytes);

// A branch as found at start. The log is scanned from its first group on and ends at the first bad
// one, unless that is below `record.synced`: then its range goes into `damaged` and the scan
// continues behind it.
struct RecoveredBranch {
  BranchRecord record;
  Lsn end = 0;
  std::uint64_t last_time = 0;
  std::vector<LsnRange> damaged;
  Lsn start = 0;  // where the log begins, if it was trimmed; else at the fork
};

// What a node finds on its disk. A disk used for the first time has a record with a new member id
// and nothing else.
struct RecoveredNode {
  NodeRecord record;
  std::vector<RecoveredBranch> branches;
};

// --- Operations. ---

struct PersistNode {
  NodeRecord record;
};
struct PersistBranch {
  BranchRecord record;
};
struct WriteLog {
  Group group;
};
struct SyncLog {
  BranchId branch = 0;
};
// To end at `from`, which is the end of a group.
struct TruncateLog {
  BranchId branch = 0;
  Lsn from = 0;
};
// Writes a group over the damaged one at its place, durably.
struct RepairLog {
  Group group;
};
// Whole groups from `from` on, about `bytes` of them; stops before a bad one and names it.
struct ReadLog {
  BranchId branch = 0;
  Lsn from = 0;
  std::size_t bytes = 0;
  std::uint64_t token = 0;
};
// The page as of `lsn`, from the branch and its ancestors.
struct ReadIndex {
  BranchId branch = 0;
  PageId page;
  Lsn lsn = 0;
  std::uint64_t token = 0;
};
// What a file or a directory is as of `lsn`, as above.
struct QueryIndex {
  BranchId branch = 0;
  MetadataQuery query;
  Lsn lsn = 0;
  std::uint64_t token = 0;
};
// The end of the last group at or below `lsn`, of the branch or else of its ancestors, that was
// written at or before `time` (µs since 1970).
struct SearchIndex {
  BranchId branch = 0;
  std::uint64_t time = 0;
  Lsn lsn = 0;
  std::uint64_t token = 0;
};
// Versions of pages that no LSN from `horizon` on and none of `pins` sees may go. No answer.
struct CollectVersions {
  BranchId branch = 0;
  Lsn horizon = 0;
  std::vector<Lsn> pins;
};

// What ends at or below `below` may leave the log as soon as the index can tell without it all that
// is read from `below` on and at each of `kept`. LogTrimmed says how much has left.
struct TrimLog {
  BranchId branch = 0;
  Lsn below = 0;
  std::vector<Lsn> kept;
};
// Groups cannot fill this member any more; the index of `from` can. To be fetched, installed as
// snapshot.h says, and the node to be started again with it. No answer; asked for again as long as
// it is needed.
struct FetchSnapshot {
  MemberId from;
};

using DiskOperation =
    std::variant<PersistNode, PersistBranch, WriteLog, SyncLog, TruncateLog, RepairLog, ReadLog,
                 ReadIndex, CollectVersions, QueryIndex, SearchIndex, TrimLog, FetchSnapshot>;

// --- Completions. ---

struct NodePersisted {};
struct BranchPersisted {
  BranchId branch = 0;
};
struct LogSynced {
  BranchId branch = 0;
};
struct LogTruncated {
  BranchId branch = 0;
};
struct LogRepaired {
  BranchId branch = 0;
  LsnRange range;
};
struct LogTrimmed {
  BranchId branch = 0;
  Lsn start = 0;  // where the log begins now: the end of a group
};
struct LogRead {
  BranchId branch = 0;
  std::uint64_t token = 0;
  std::vector<Group> groups;
  std::optional<LsnRange> damaged;
};
// A group that could not be read: of the branch that was asked for, or of an ancestor.
struct DamagedGroup {
  BranchId branch = 0;
  LsnRange range;
};
struct IndexRead {
  std::uint64_t token = 0;
  std::optional<DamagedGroup> damaged;
  Lsn version = 0;
  Bytes bytes;
};

struct IndexQueried {
  std::uint64_t token = 0;
  std::optional<DamagedGroup> damaged;
  MetadataAnswer answer;
};
struct IndexSearched {
  std::uint64_t token = 0;
  std::optional<DamagedGroup> damaged;
  Lsn lsn = 0;  // 0: there is none
  // What would tell which group exactly has left the log.
  bool is_trimmed = false;
};

using DiskCompletion =
    std::variant<NodePersisted, BranchPersisted, LogSynced, LogTruncated, LogRepaired, LogTrimmed,
                 LogRead, IndexRead, IndexQueried, IndexSearched>;

}  // namespace sextant::protocol
