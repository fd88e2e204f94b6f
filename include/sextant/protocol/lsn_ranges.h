// A set of LSNs as ranges: what of a log is damaged, while it is found and repaired piece by piece.
#pragma once

#include "sextant/protocol/types.h"

#include <vector>

namespace sextant::protocol {

// A value. Ranges are ordered, not empty, and do not overlap; those that only touch stay apart, so
// that neighbouring groups are counted.
class LsnRanges {
 public:
  [[nodiscard]] const std::vector<LsnRange>& ranges() const { return ranges_; }
  [[nodiscard]] bool empty() const { return ranges_.empty(); }

  // Adds what of `range` is not in the set.
  void Add(LsnRange range);
  // Takes `range` out; what it cuts through stays in part.
  void Remove(LsnRange range);
  // All of `range` is in the set, and `range` is not empty.
  [[nodiscard]] bool Covers(LsnRange range) const;
  // The first range that begins at or above `lsn`, else the first of all. The set is not empty.
  [[nodiscard]] LsnRange NextFrom(Lsn lsn) const;

  bool operator==(const LsnRanges&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.ranges_); }

 private:
  std::vector<LsnRange> ranges_;
};

}  // namespace sextant::protocol
