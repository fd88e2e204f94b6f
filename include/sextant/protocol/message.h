// What writers, readers and nodes say to each other. protocol/README.md tells the story; every
// message may be lost, repeated, delayed and reordered, and each receiver is written for that.
#pragma once

#include "sextant/protocol/configuration.h"
#include "sextant/protocol/group.h"
#include "sextant/protocol/history.h"
#include "sextant/protocol/metadata.h"
#include "sextant/protocol/snapshot.h"
#include "sextant/protocol/types.h"

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace sextant::protocol {

// --- A writer to a node, and the answers. ---

// "I am epoch's writer: promise me to take no older one's groups, and tell me what you have."
struct Seal {
  Branch branch;
  Epoch epoch = 0;
  Configuration configuration;

  void Describe(this auto& self, auto& archive) {
    archive(self.branch, self.epoch, self.configuration);
  }
};

struct Sealed {
  BranchId branch = 0;
  Epoch epoch = 0;
  Generation generation = 0;
  History history;  // cut to what the log holds
  Lsn scl = 0;
  Lsn vdl = 0;
  std::uint64_t last_time = 0;  // of the last group

  void Describe(this auto& self, auto& archive) {
    archive(self.branch, self.epoch, self.generation, self.history, self.scl, self.vdl,
            self.last_time);
  }
};

// "This is the log now; yours is like it up to `from`." The node computes `from` itself and
// compares. What it then lacks of the log up to where the epoch begins, `donor` has.
struct Adopt {
  BranchId branch = 0;
  Epoch epoch = 0;
  Generation generation = 0;
  History history;
  Lsn from = 0;
  MemberId donor;

  void Describe(this auto& self, auto& archive) {
    archive(self.branch, self.epoch, self.generation, self.history, self.from, self.donor);
  }
};

// Groups in order, or none to be heard and to tell the VDL. All below `sent` was sent before or is
// in here. `retain_from`: older versions of pages may go.
struct Append {
  BranchId branch = 0;
  Epoch epoch = 0;
  Generation generation = 0;
  Lsn vdl = 0;
  Lsn sent = 0;
  Lsn retain_from = 0;
  std::vector<Group> groups;

  void Describe(this auto& self, auto& archive) {
    archive(self.branch, self.epoch, self.generation, self.vdl, self.sent, self.retain_from,
            self.groups);
  }
};

// Answers Adopt and Append: all below `scl` is on disk under the epoch's history; the next group
// goes to `end`.
struct Appended {
  BranchId branch = 0;
  Epoch epoch = 0;
  Generation generation = 0;
  Lsn scl = 0;
  Lsn end = 0;
  bool gap = false;  // something sent before is missing: groups must follow from `end`

  void Describe(this auto& self, auto& archive) {
    archive(self.branch, self.epoch, self.generation, self.scl, self.end, self.gap);
  }
};

struct Configure {
  Configuration configuration;

  void Describe(this auto& self, auto& archive) { archive(self.configuration); }
};

struct Configured {
  Generation generation = 0;

  void Describe(this auto& self, auto& archive) { archive(self.generation); }
};

enum class Refusal : std::uint8_t {
  kEpoch,       // promised to a newer writer, or to another one of the same number
  kGeneration,  // the node knows a newer configuration, which is enclosed
  kOutdated,    // the node knows only an older configuration
  kNotAdopted,  // Adopt comes first
  kMismatch,    // the logs part elsewhere, seal again
  kFull,        // the disk is full: groups are not taken, all else goes on
  kLast = kFull
};

struct Refused {
  BranchId branch = 0;
  Epoch epoch = 0;  // of the message that was refused
  Refusal reason = Refusal::kEpoch;
  Epoch promised = 0;
  Configuration configuration;

  void Describe(this auto& self, auto& archive) {
    archive(self.branch, self.epoch, self.reason, self.promised, self.configuration);
  }
};

// --- A reader to a node. ---
//
// Every question names the position it is about, and only a node that has the log up to there
// answers: then all answers are the same, whoever gives them. `at.epoch` is 0 when the reader knows
// only the LSN; the node then answers only below its VDL.

struct PageRead;
struct MetadataRead;
struct LsnFound;

struct ReadPage {
  using Answer = PageRead;
  std::uint64_t request = 0;
  BranchId branch = 0;
  PageId page;
  Position at;

  void Describe(this auto& self, auto& archive) {
    archive(self.request, self.branch, self.page, self.at);
  }
};

enum class ReadStatus : std::uint8_t {
  kOk,
  kBehind,     // the node does not have the log up to there, or not that log
  kCollected,  // below the retention horizon
  kDamaged,    // its copy is bad; repair has begun
  kLast = kDamaged
};

struct PageRead {
  std::uint64_t request = 0;
  ReadStatus status = ReadStatus::kOk;
  Lsn version = 0;  // the end of the group that last changed the page; 0 for a page never written
  std::uint32_t checksum = 0;
  Bytes bytes;
  Lsn scl = 0;

  void Describe(this auto& self, auto& archive) {
    archive(self.request, self.status, self.version, self.checksum, self.bytes, self.scl);
  }
};

// What a file or a directory is as of `at`.
struct ReadMetadata {
  using Answer = MetadataRead;
  std::uint64_t request = 0;
  BranchId branch = 0;
  Position at;
  MetadataQuery query;

  void Describe(this auto& self, auto& archive) {
    archive(self.request, self.branch, self.at, self.query);
  }
};

struct MetadataRead {
  std::uint64_t request = 0;
  ReadStatus status = ReadStatus::kOk;
  MetadataAnswer answer;
  Lsn scl = 0;

  void Describe(this auto& self, auto& archive) {
    archive(self.request, self.status, self.answer, self.scl);
  }
};

// Where the log up to `at`, with what its branch has of its ancestors, stood at `time`. `at` is the
// newest position the reader knows, or else the last group of a node that lags would pass for the
// last before `time`.
struct FindLsn {
  using Answer = LsnFound;
  std::uint64_t request = 0;
  BranchId branch = 0;
  Position at;
  std::uint64_t time = 0;  // µs since 1970

  void Describe(this auto& self, auto& archive) {
    archive(self.request, self.branch, self.at, self.time);
  }
};

struct LsnFound {
  std::uint64_t request = 0;
  ReadStatus status = ReadStatus::kOk;
  // Behind the last group written at or before the time, 0 when there is none; the epoch is 0 where
  // an ancestor wrote it.
  Position found;
  Lsn scl = 0;

  void Describe(this auto& self, auto& archive) {
    archive(self.request, self.status, self.found, self.scl);
  }
};

using ReadRequest = std::variant<ReadPage, ReadMetadata, FindLsn>;

// Keep what is readable at `lsn`, for `lease` from the receipt (0: until dropped). Repeating it
// renews the lease.
struct SetPin {
  BranchId branch = 0;
  Uuid pin;
  Lsn lsn = 0;
  Time lease{0};

  void Describe(this auto& self, auto& archive) {
    archive(self.branch, self.pin, self.lsn, self.lease);
  }
};

struct PinSet {
  BranchId branch = 0;
  Uuid pin;
  bool accepted = false;
  Lsn horizon = 0;

  void Describe(this auto& self, auto& archive) {
    archive(self.branch, self.pin, self.accepted, self.horizon);
  }
};

struct DropPin {
  BranchId branch = 0;
  Uuid pin;

  void Describe(this auto& self, auto& archive) { archive(self.branch, self.pin); }
};

// --- Nodes among themselves. ---

struct Gossip {
  Configuration configuration;
  Branch branch;
  History history;  // cut to what the log holds
  Lsn scl = 0;
  Lsn vdl = 0;
  std::map<BranchId, Lsn> forks = {};
  std::map<Uuid, Pin> pins = {};  // permanent and dropped ones
  Lsn retain_from = 0;            // as the teller heard it; it takes no new pins below

  void Describe(this auto& self, auto& archive) {
    archive(self.configuration, self.branch, self.history, self.scl, self.vdl, self.forks,
            self.pins, self.retain_from);
  }
};

// "Send me groups from here on."
struct Pull {
  BranchId branch = 0;
  Lsn from = 0;

  void Describe(this auto& self, auto& archive) { archive(self.branch, self.from); }
};

struct Pulled {
  BranchId branch = 0;
  Lsn vdl = 0;
  std::vector<Group> groups;

  void Describe(this auto& self, auto& archive) { archive(self.branch, self.vdl, self.groups); }
};

// Answers a Pull from below `start`: what is there has left the log. Who needs it takes a snapshot.
struct LogBegins {
  BranchId branch = 0;
  Lsn start = 0;

  void Describe(this auto& self, auto& archive) { archive(self.branch, self.start); }
};

// A snapshot (snapshot.h), between the hosts of nodes; a node does not see these. What is offered
// is kept for whom it was made while pieces of it are asked for.
struct AskSnapshot {
  std::uint64_t request = 0;

  void Describe(this auto& self, auto& archive) { archive(self.request); }
};

struct SnapshotOffer {
  std::uint64_t request = 0;
  SnapshotManifest manifest;

  void Describe(this auto& self, auto& archive) { archive(self.request, self.manifest); }
};

struct AskPiece {
  std::uint64_t request = 0;
  std::string file;
  std::uint64_t offset = 0;

  void Describe(this auto& self, auto& archive) { archive(self.request, self.file, self.offset); }
};

struct SnapshotPiece {
  static constexpr std::size_t kSize = 1U << 20;  // of all but a file's last

  std::uint64_t request = 0;
  std::string file;
  std::uint64_t offset = 0;
  Bytes bytes;

  void Describe(this auto& self, auto& archive) {
    archive(self.request, self.file, self.offset, self.bytes);
  }
};

// --- Anybody to a node. ---

struct AskStatus {
  std::uint64_t request = 0;

  void Describe(this auto& self, auto& archive) { archive(self.request); }
};

// A branch on one node.
struct BranchStatus {
  Branch branch;
  Epoch promised = 0;
  History history;  // cut to what the log holds
  Lsn scl = 0;
  Lsn vdl = 0;
  Lsn end = 0;
  Lsn horizon = 0;
  std::uint64_t last_time = 0;  // of the last group
  std::uint32_t damaged = 0;    // ranges of the log that wait for repair

  void Describe(this auto& self, auto& archive) {
    archive(self.branch, self.promised, self.history, self.scl, self.vdl, self.end, self.horizon,
            self.last_time, self.damaged);
  }
};

struct NodeStatus {
  std::uint64_t request = 0;
  Configuration configuration;
  std::vector<BranchStatus> branches;

  void Describe(this auto& self, auto& archive) {
    archive(self.request, self.configuration, self.branches);
  }
};

// The order is the message's kind on the wire: append only.
using Message = std::variant<Seal, Sealed, Adopt, Append, Appended, Configure, Configured, Refused,
                             ReadPage, PageRead, SetPin, PinSet, DropPin, Gossip, Pull, Pulled,
                             ReadMetadata, MetadataRead, FindLsn, LsnFound, AskStatus, NodeStatus,
                             LogBegins, AskSnapshot, SnapshotOffer, AskPiece, SnapshotPiece>;

// One line for people and traces.
[[nodiscard]] std::string ToString(const Message& message);

}  // namespace sextant::protocol
