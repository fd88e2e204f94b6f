// Groups to fill logs with.
#pragma once

#include "sextant/protocol/group.h"

#include <span>
#include <vector>

namespace sextant::storage::testing {

inline constexpr protocol::BranchId kBranch = 7;

// The group that follows `end`.
inline protocol::Group MakeGroup(protocol::Lsn end, std::span<const protocol::Record> records,
                                 protocol::Epoch epoch = 1, std::uint64_t time = 0,
                                 protocol::BranchId branch = kBranch) {
  return protocol::Group::Make({.protection_group = 0,
                                .branch = branch,
                                .epoch = epoch,
                                .first = end,
                                .end = 0,
                                .previous_end = end,
                                .time = time},
                               records);
}

// A group whose one patch has `size` bytes of `fill`.
inline protocol::Group MakeGroup(protocol::Lsn end, std::size_t size, std::uint8_t fill,
                                 protocol::Epoch epoch = 1) {
  std::vector<protocol::Record> records;
  for (std::uint64_t page = 0; size > 0; ++page) {
    const std::size_t piece = std::min(size, protocol::kPageSize);
    records.emplace_back(
        protocol::PagePatch{.page = {1, page}, .pieces = {{0, protocol::Bytes(piece, fill)}}});
    size -= piece;
  }
  return MakeGroup(end, records, epoch);
}

}  // namespace sextant::storage::testing
