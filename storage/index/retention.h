// Which versions nobody can read any more. Pure; index.cc puts it into RocksDB's compaction.
#pragma once

#include "sextant/protocol/types.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::storage {

using protocol::BranchId;
using protocol::Lsn;

// What of a branch stays readable: every LSN from the horizon on, and each pin.
struct Retention {
  Lsn horizon = 0;
  std::vector<Lsn> pins;  // ascending

  // Is some LSN in [from, end) to stay readable?
  [[nodiscard]] bool NeedsAny(Lsn from, Lsn end) const;
};

using RetentionPolicy = std::map<BranchId, Retention>;

// Decides row by row, in the order of keys: for each thing its newest version first. A version may
// go when a complete one above it was seen in this same pass, and no LSN from its own up to that
// one's is to stay readable. Seen here means it is on disk and stays; to keep a row is always
// right.
class RetentionSieve {
 public:
  explicit RetentionSieve(RetentionPolicy policy) : policy_(std::move(policy)) {}

  [[nodiscard]] bool MayDrop(std::string_view key, std::string_view value);

 private:
  RetentionPolicy policy_;
  std::string thing_;
  std::optional<Lsn> complete_;  // the oldest complete version of it seen so far
};

}  // namespace sextant::storage
