// A point in a branch's past, as people and the operator name it.
#pragma once

#include "sextant/client/client.h"

#include <optional>
#include <string_view>

namespace sextant::client {

// At an LSN, at a time (µs since 1970), or at the branch's end. Not both.
struct Point {
  std::optional<protocol::Lsn> lsn;
  std::optional<std::uint64_t> time;

  bool operator==(const Point&) const = default;
};

// "2026-01-31T16:00:00Z", or with a fraction of a second, as µs since 1970.
[[nodiscard]] std::optional<std::uint64_t> ParseTime(std::string_view text);

// The position, once durable, that a point means now. A branch's end is what the nodes were told to
// be durable, which may be 50 ms old; an LSN beyond it is waited for, for a second. kInvalid: there
// is no such branch, or it does not reach so far.
[[nodiscard]] Result<protocol::Position> Resolve(Client& client, protocol::BranchId branch,
                                                 const Point& at, Deadline deadline);

// Makes branch `id` of `parent` at that point. kInvalid: it exists already.
[[nodiscard]] Result<protocol::Branch> MakeBranchAt(Client& client, protocol::BranchId parent,
                                                    const Point& at, protocol::BranchId id,
                                                    Deadline deadline);

}  // namespace sextant::client
