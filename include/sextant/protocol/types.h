// The words of the storage protocol: positions in the log, names of things, and units.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sextant::protocol {

// An offset in bytes in a branch's log. A group is named by its end; LSN 0 is the beginning of the
// first branch.
using Lsn = std::uint64_t;
// A writer's term on a branch. 0 means none; a number is never given out twice.
using Epoch = std::uint64_t;
// A line of history in a volume. 0 means none.
using BranchId = std::uint64_t;
// Counts the configurations (who the members are) of a protection group.
using Generation = std::uint64_t;
// A range of the volume kept by one set of six members. This version has one, number 0.
using ProtectionGroup = std::uint32_t;

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

// A monotonic clock's reading; its origin means nothing. Wall-clock time appears only in group
// headers.
using Time = std::chrono::microseconds;

struct Uuid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const Uuid&) const = default;
  bool operator==(const Uuid&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.high, self.low); }
};

// A storage node's disk, named when the disk was first used: an empty disk is a new member.
using MemberId = Uuid;
// One run of one client. A client that starts again is another one.
using ClientId = Uuid;

inline constexpr std::size_t kPageSize = 8192;

struct PageId {
  std::uint64_t inode = 0;
  std::uint64_t index = 0;  // in pages from the beginning of the file

  auto operator<=>(const PageId&) const = default;
  bool operator==(const PageId&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.inode, self.index); }
};

// The log up to `lsn`, whose last group `epoch` wrote. Equal positions mean equal bytes from the
// branch's first on.
struct Position {
  Epoch epoch = 0;
  Lsn lsn = 0;

  auto operator<=>(const Position&) const = default;
  bool operator==(const Position&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.epoch, self.lsn); }
};

// A branch begins empty at `fork`; everything below is its parent's. The first branch has no parent
// and forks at 0.
struct Branch {
  BranchId id = 0;
  BranchId parent = 0;
  Lsn fork = 0;

  bool operator==(const Branch&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.id, self.parent, self.fork); }
};

// A claim on the past: what is readable at `lsn` stays so.
struct Pin {
  Lsn lsn = 0;
  Time lease{0};  // 0: until dropped

  // Was permanent and is dropped; remembered until every member knows, or one that was away would
  // bring it back.
  static constexpr Time kDropped{-1};

  [[nodiscard]] bool leased() const { return lease.count() > 0; }
  [[nodiscard]] bool permanent() const { return lease.count() == 0; }
  [[nodiscard]] bool dropped() const { return lease.count() < 0; }
  bool operator==(const Pin&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.lsn, self.lease); }
};

// A half-open range of the log.
struct LsnRange {
  Lsn first = 0;
  Lsn end = 0;

  auto operator<=>(const LsnRange&) const = default;
  bool operator==(const LsnRange&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.first, self.end); }
};

}  // namespace sextant::protocol
