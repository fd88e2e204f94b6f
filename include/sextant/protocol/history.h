// A log's history: which epoch wrote which part of it. Two logs are compared by their histories,
// never by an epoch number alone: a log that a newer epoch overwrote in part must not pass for that
// epoch's log.
#pragma once

#include "sextant/protocol/types.h"

#include <compare>
#include <vector>

namespace sextant::protocol {

struct HistoryEntry {
  Epoch epoch = 0;
  Lsn first = 0;

  auto operator<=>(const HistoryEntry&) const = default;
  bool operator==(const HistoryEntry&) const = default;
  void Describe(this auto& self, auto& archive) { archive(self.epoch, self.first); }
};

// A value. Entries rise strictly in epoch and in LSN: an epoch that wrote nothing leaves no entry
// behind.
class History {
 public:
  History() = default;
  explicit History(std::vector<HistoryEntry> entries) : entries_(std::move(entries)) {}

  [[nodiscard]] const std::vector<HistoryEntry>& entries() const { return entries_; }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  // The newest epoch, 0 when there is none, and where it began.
  [[nodiscard]] Epoch last_epoch() const { return empty() ? 0 : entries_.back().epoch; }
  [[nodiscard]] Lsn last_first() const { return empty() ? 0 : entries_.back().first; }
  [[nodiscard]] bool Valid() const;

  // The epoch that wrote the group that ends at `end`; 0 where the log begins.
  [[nodiscard]] Epoch EpochAt(Lsn end) const;
  // Without the epochs that begin above `end`: the history of a log that ends there. An epoch that
  // begins exactly at `end` stays: the log holds all that epoch found, so the node counts as its.
  [[nodiscard]] History CutTo(Lsn end) const;
  // The history of a log that `epoch` continues from `first`.
  [[nodiscard]] History ContinuedBy(Epoch epoch, Lsn first) const;

  bool operator==(const History&) const = default;
  void Describe(this auto& self, auto& archive) {
    archive(self.entries_);
    if constexpr (requires { archive.Fail(); }) {
      if (!self.Valid()) {
        archive.Fail();
      }
    }
  }

 private:
  std::vector<HistoryEntry> entries_;
};

// A log as others see it: its history and its end.
struct LogShape {
  const History& history;
  Lsn end;
};

// Where two logs of one branch, which begins at `start`, stop being the same: both hold equal bytes
// below.
[[nodiscard]] Lsn Divergence(LogShape a, LogShape b, Lsn start);

}  // namespace sextant::protocol
