// What must be true, kept beside the simulated cluster and asked after every step: the acknowledged
// log of every branch as it really happened, and what every (epoch, LSN) was seen to hold.
#pragma once

#include "sextant/protocol/group.h"
#include "sextant/protocol/metadata.h"
#include "sextant/protocol/types.h"

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sextant::simulation {

// An invariant does not hold.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The digest of a log up to a group's end, in that group.
using Digest = std::uint64_t;

// A group in a log, as the simulator keeps it.
struct StoredGroup {
  protocol::Group group;
  Digest digest = 0;
  bool durable = false;
  std::optional<protocol::Bytes> damaged;  // what the disk really holds, when it is not the group

  [[nodiscard]] protocol::Lsn end() const { return group.end(); }
};
using StoredLog = std::vector<StoredGroup>;

[[nodiscard]] Digest Chain(Digest before, const protocol::Group& group);
// The entry that ends at `end`, or null.
[[nodiscard]] const StoredGroup* FindEnd(const StoredLog& log, protocol::Lsn end);
// The simulation's pages hold one number each. Pages that a group changes, and to what.
[[nodiscard]] std::vector<std::pair<protocol::PageId, std::uint64_t>> Changes(
    const protocol::Group& group);

class Oracle {
 public:
  void AddBranch(const protocol::Branch& branch);
  // A node wrote this group at this place: equal (epoch, LSN) must mean equal bytes from the
  // beginning on.
  void Wrote(const StoredGroup& stored);
  // A node is about to remove this group.
  void Removing(protocol::BranchId branch, const StoredGroup& stored) const;
  // `epoch`'s writer opened: from `begin` on, no older epoch's group is acknowledged any more.
  void Opened(protocol::BranchId branch, protocol::Epoch epoch, protocol::Lsn begin);
  // `epoch`'s writer says that everything up to `vdl` is durable; `log` holds it.
  void Acknowledged(protocol::BranchId branch, protocol::Epoch epoch, protocol::Lsn vdl,
                    const StoredLog& log);
  // A reader was given `value` for the page at `lsn`.
  void Read(protocol::BranchId branch, const protocol::PageId& page, protocol::Lsn lsn,
            protocol::Lsn version, std::uint64_t value) const;
  // A reader was given this answer about files at `lsn`.
  void Read(protocol::BranchId branch, const protocol::MetadataQuery& query, protocol::Lsn lsn,
            const protocol::MetadataAnswer& answer) const;
  // A reader was told that `found` is the last group up to `at` that was written at or before
  // `time`.
  void Found(protocol::BranchId branch, protocol::Lsn at, std::uint64_t time,
             const protocol::Position& found) const;

  [[nodiscard]] protocol::Lsn acknowledged(protocol::BranchId branch) const;
  // Ends of acknowledged groups, lowest first.
  [[nodiscard]] const std::vector<protocol::Lsn>& ends(protocol::BranchId branch) const;
  // The epoch that wrote the acknowledged group that ends there.
  [[nodiscard]] protocol::Epoch EpochAt(protocol::BranchId branch, protocol::Lsn end) const;
  // The digest of what was acknowledged up to `end`.
  [[nodiscard]] Digest DigestAt(protocol::BranchId branch, protocol::Lsn end) const;

 private:
  struct Acked {
    Digest digest;
    protocol::Epoch epoch;
    protocol::Group group;
  };
  struct Line {
    protocol::Branch branch;
    std::map<protocol::Lsn, Acked> log;
    std::vector<protocol::Lsn> ends;
    std::map<protocol::Epoch, protocol::Lsn> vdls;  // the last told by each epoch
    protocol::Epoch opened = 0;
    protocol::Lsn opened_at = 0;
    std::map<protocol::PageId, std::map<protocol::Lsn, std::uint64_t>> pages;
  };

  // The lines that a read at `lsn` sees, and up to where; youngest first.
  [[nodiscard]] std::vector<std::pair<const Line*, protocol::Lsn>> Lineage(
      protocol::BranchId branch, protocol::Lsn lsn) const;

  std::map<protocol::BranchId, Line> lines_;
  std::map<std::tuple<protocol::BranchId, protocol::Epoch, protocol::Lsn>, Digest> seen_;
};

}  // namespace sextant::simulation
