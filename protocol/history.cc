#include "sextant/protocol/history.h"

#include <algorithm>

namespace sextant::protocol {

bool History::Valid() const {
  const auto bad = [](const HistoryEntry& a, const HistoryEntry& b) {
    return a.epoch >= b.epoch || a.first >= b.first;
  };
  return (empty() || entries_.front().epoch > 0) &&
         std::ranges::adjacent_find(entries_, bad) == entries_.end();
}

Epoch History::EpochAt(Lsn end) const {
  const auto above = std::ranges::lower_bound(entries_, end, {}, &HistoryEntry::first);
  return above == entries_.begin() ? 0 : std::prev(above)->epoch;
}

History History::CutTo(Lsn end) const {
  const auto above = std::ranges::upper_bound(entries_, end, {}, &HistoryEntry::first);
  return History({entries_.begin(), above});
}

History History::ContinuedBy(Epoch epoch, Lsn first) const {
  const auto from = std::ranges::lower_bound(entries_, first, {}, &HistoryEntry::first);
  std::vector<HistoryEntry> entries(entries_.begin(), from);
  entries.push_back({epoch, first});
  return History(std::move(entries));
}

Lsn Divergence(LogShape a, LogShape b, Lsn start) {
  const auto& left = a.history.entries();
  const auto& right = b.history.entries();
  const auto [left_rest, right_rest] = std::ranges::mismatch(left, right);
  if (left_rest == left.begin()) {
    return start;
  }
  // The last epoch both share ends, in each log, where the next epoch begins or the log does.
  const Lsn left_end = left_rest == left.end() ? a.end : std::min(a.end, left_rest->first);
  const Lsn right_end = right_rest == right.end() ? b.end : std::min(b.end, right_rest->first);
  return std::min(left_end, right_end);
}

}  // namespace sextant::protocol
