#include "sextant/protocol/lsn_ranges.h"

#include <algorithm>

namespace sextant::protocol {

void LsnRanges::Add(LsnRange range) {
  std::vector<LsnRange> added;
  Lsn from = range.first;
  for (const LsnRange& known : ranges_) {
    if (known.end <= from) {
      continue;
    }
    if (known.first >= range.end) {
      break;
    }
    if (from < known.first) {
      added.push_back({from, known.first});
    }
    from = known.end;
  }
  if (from < range.end) {
    added.push_back({from, range.end});
  }
  ranges_.insert(ranges_.end(), added.begin(), added.end());
  std::ranges::sort(ranges_);
}

void LsnRanges::Remove(LsnRange range) {
  std::vector<LsnRange> left;
  for (const LsnRange& known : ranges_) {
    if (known.end <= range.first || known.first >= range.end) {
      left.push_back(known);
      continue;
    }
    if (known.first < range.first) {
      left.push_back({known.first, range.first});
    }
    if (range.end < known.end) {
      left.push_back({range.end, known.end});
    }
  }
  ranges_ = std::move(left);
}

bool LsnRanges::Covers(LsnRange range) const {
  Lsn from = range.first;
  for (const LsnRange& known : ranges_) {
    if (known.first <= from && from < known.end) {
      from = known.end;
    }
  }
  return range.first < range.end && from >= range.end;
}

LsnRange LsnRanges::NextFrom(Lsn lsn) const {
  const auto next = std::ranges::lower_bound(ranges_, lsn, {}, &LsnRange::first);
  return next != ranges_.end() ? *next : ranges_.front();
}

}  // namespace sextant::protocol
