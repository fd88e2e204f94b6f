// Opening a log: every segment is walked from its first group on.
#include "storage/log/log.h"

#include <algorithm>

namespace sextant::storage {

Result<std::unique_ptr<Log>> Log::Open(FileSystem& files, LogOptions options, Lsn synced) {
  std::unique_ptr<Log> log(new Log(files, std::move(options)));
  if (auto recovered = log->Recover(synced); !recovered) {
    return std::unexpected(recovered.error());
  }
  return log;
}

Result<> Log::Recover(Lsn synced) {
  auto segments = segment_files_.Open();
  if (!segments) {
    return std::unexpected(segments.error());
  }
  const auto start = segment_files_.ReadStart();
  if (!start) {
    return std::unexpected(start.error());
  }
  start_ = start->value_or(options_.start);
  for (std::size_t i = 0; i < segments->size(); ++i) {
    if (i + 1 < segments->size() &&
        (*segments)[i + 1]->first() <= start_) {  // dropped, all but the file
      if (auto gone = segment_files_.Remove(*(*segments)[i]); !gone) {
        return gone;
      }
      continue;
    }
    const Lsn first = (*segments)[i]->first();
    segments_[first] = Entry{.segment = std::move((*segments)[i]), .marks = {}, .dirty = false};
  }

  const auto damage_until = [&](Lsn end) {
    if (found_.end < end) {
      found_.damaged.push_back({found_.end, end});
      found_.end = end;
    }
  };
  found_.start = found_.end = start_;
  for (auto entry = segments_.begin(); entry != segments_.end(); ++entry) {
    damage_until(std::min(entry->first, synced));  // files that are gone
    const bool begins_below = entry == segments_.begin() && entry->first <= start_;
    if (entry->first != found_.end && !begins_below) {
      break;  // what is behind was never synced; or else these files are not of one log
    }
    const auto next = std::next(entry);
    const auto scan =
        ScanSegment(entry, next == segments_.end() ? synced : std::min(next->first, synced));
    if (!scan) {
      return std::unexpected(scan.error());
    }
    for (const LsnRange& range : scan->damaged) {  // what is below the start is of no matter
      if (range.end > start_) {
        found_.damaged.push_back({std::max(range.first, start_), range.end});
      }
    }
    found_.end = std::max(scan->end, start_);
    if (scan->open_damage) {
      damage_until(next == segments_.end() ? synced : std::min(next->first, synced));
    }
  }
  damage_until(synced);
  end_ = flushed_ = found_.end;
  return EraseRest();
}

Result<ScanResult> Log::ScanSegment(Segments::iterator entry, Lsn known) {
  const auto next = std::next(entry);
  const Segment& segment = *entry->second.segment;
  const auto content =
      segment.Read(segment.first(), next == segments_.end() ? segment.limit() : next->first);
  if (!content) {
    return std::unexpected(content.error());
  }
  return ScanGroups(*content, {options_.branch, segment.first(), segment.first(), known},
                    [&](Group group) {
                      Mark(entry->second, group.header().first);
                      found_.last_time = group.header().time;
                      return true;
                    });
}

// Torn writes and old bytes behind the end; nothing to do after a clean stop.
Result<> Log::EraseRest() {
  if (segments_.empty()) {
    return {};
  }
  const Segment& last = *segments_.rbegin()->second.segment;
  if (last.first() < end_ && end_ < last.limit()) {
    const auto rest = last.Read(end_, last.limit());
    if (!rest) {
      return std::unexpected(rest.error());
    }
    if (std::ranges::all_of(*rest, [](std::uint8_t byte) { return byte == 0; })) {
      return {};
    }
  }
  return EraseBehind(end_, true);
}

}  // namespace sextant::storage
