#include "storage/log/log.h"

#include <algorithm>
#include <format>
#include <mutex>

namespace sextant::storage {
namespace {

constexpr Lsn kMarkDistance = 64 * 1024;

std::unexpected<DiskError> Misuse(std::string what) {
  return std::unexpected(DiskError{DiskError::Kind::kMisuse, std::move(what)});
}

}  // namespace

Log::Log(FileSystem& files, LogOptions options)
    : options_(std::move(options)),
      segment_files_(files, options_.directory, options_.segment_size) {}

Lsn Log::end() const {
  const std::shared_lock lock(mutex_);
  return end_;
}

Lsn Log::start() const {
  const std::shared_lock lock(mutex_);
  return start_;
}

Lsn Log::readable() const {
  const std::shared_lock lock(mutex_);
  return flushed_;
}

std::uint64_t Log::room() const {
  const std::shared_lock lock(mutex_);
  const Lsn limit = segments_.empty() ? 0 : segments_.rbegin()->second.segment->limit();
  const std::uint64_t here = limit - std::min(end_, limit);
  return here + (segment_files_.prepared() ? options_.segment_size : 0);
}

void Log::Mark(Entry& entry, Lsn lsn) {
  const Lsn last = entry.marks.empty() ? entry.segment->first() : entry.marks.back();
  if (lsn >= last + kMarkDistance) {
    entry.marks.push_back(lsn);
  }
}

Log::Segments::const_iterator Log::Find(Lsn lsn) const {
  auto found = segments_.upper_bound(lsn);
  if (found == segments_.begin()) {
    return segments_.end();
  }
  --found;
  return lsn < found->second.segment->limit() ? found : segments_.end();
}

// --- Writing. ---

// Makes the last segment one that has room for `size` bytes at `first`.
Result<> Log::Place(Lsn first, std::uint64_t size) {
  if (!segments_.empty()) {
    const Segment& last = *segments_.rbegin()->second.segment;
    if (first + size <= last.limit()) {
      return {};
    }
    if (auto flushed = Flush(); !flushed) {
      return flushed;
    }
  }
  auto segment = segment_files_.Create(first, size);
  if (!segment) {
    return std::unexpected(segment.error());
  }
  const std::unique_lock lock(mutex_);
  segments_[first] = Entry{.segment = std::move(*segment), .marks = {}, .dirty = false};
  return {};
}

Result<> Log::Append(const Group& group) {
  const protocol::GroupHeader& header = group.header();
  if (header.branch != options_.branch || header.first != end_ || header.previous_end != end_) {
    return Misuse(std::format("a group of branch {} for [{}, {}) behind {} of branch {}",
                              header.branch, header.first, header.end, end_, options_.branch));
  }
  if (auto placed = Place(header.first, group.bytes().size()); !placed) {
    return placed;
  }
  buffer_.push_back(group);
  buffered_ += group.bytes().size();
  {
    const std::unique_lock lock(mutex_);
    end_ = group.end();
  }
  return buffered_ >= options_.buffer_size ? Flush() : Result<>();
}

Result<> Log::Flush() {
  if (buffer_.empty()) {
    return {};
  }
  Entry& last = segments_.rbegin()->second;
  std::vector<BytesView> pieces;
  pieces.reserve(buffer_.size());
  for (const Group& group : buffer_) {
    pieces.push_back(group.bytes());
  }
  const Lsn first = buffer_.front().header().first;
  last.dirty = true;
  if (auto written =
          WriteAll(last.segment->file(), first - last.segment->first(), std::move(pieces));
      !written) {
    // The segment's blocks are there already: a full disk cannot be what stopped this.
    return std::unexpected(DiskError{DiskError::Kind::kFailed, written.error().what});
  }
  const std::unique_lock lock(mutex_);
  for (const Group& group : buffer_) {
    Mark(last, group.header().first);
  }
  flushed_ = buffer_.back().end();
  buffer_.clear();
  buffered_ = 0;
  return {};
}

Result<> Log::Sync() {
  if (auto flushed = Flush(); !flushed) {
    return flushed;
  }
  // Nearly always the last alone, or the two at a boundary.
  for (auto entry = segments_.rbegin(); entry != segments_.rend(); ++entry) {
    if (entry->second.dirty) {
      if (auto synced = entry->second.segment->file().Sync(); !synced) {
        return synced;
      }
      entry->second.dirty = false;
    } else if (entry != segments_.rbegin()) {
      break;
    }
  }
  return {};
}

Result<> Log::Truncate(Lsn from) {
  if (auto flushed = Flush(); !flushed) {
    return flushed;
  }
  return from < end_ ? EraseBehind(from, false) : Result<>();
}

// Bytes behind the end must be gone before new groups are written there: an old group could follow
// the new ones without a seam. `all`: whatever is behind the end, and not only what this object has
// written.
Result<> Log::EraseBehind(Lsn end, bool all) {
  bool removed = false;
  while (!segments_.empty() && segments_.rbegin()->first >= end) {
    if (auto gone = segment_files_.Remove(*segments_.rbegin()->second.segment); !gone) {
      return gone;
    }
    const std::unique_lock lock(mutex_);
    segments_.erase(std::prev(segments_.end()));
    removed = true;
  }
  if (removed) {
    if (auto synced = segment_files_.Sync(); !synced) {
      return synced;
    }
  }
  if (!segments_.empty() && end < segments_.rbegin()->second.segment->limit()) {
    const Segment& last = *segments_.rbegin()->second.segment;
    const Lsn until = all ? last.limit() : std::min(end_, last.limit());
    if (auto zeroed = WriteZeros(last.file(), end - last.first(), until - end); !zeroed) {
      return zeroed;
    }
    if (auto synced = last.file().Sync(); !synced) {
      return synced;
    }
  }
  const std::unique_lock lock(mutex_);
  if (!segments_.empty()) {
    std::erase_if(segments_.rbegin()->second.marks, [&](Lsn mark) { return mark >= end; });
  }
  end_ = flushed_ = end;
  return {};
}

Result<> Log::Repair(const Group& group) {
  const protocol::GroupHeader& header = group.header();
  if (header.end <= start_) {
    return {};  // it has left meanwhile
  }
  if (header.branch != options_.branch || header.first != header.previous_end ||
      header.first < start_ || header.end > end_) {
    return Misuse(std::format("a repair of [{}, {}) of branch {} in a log [{}, {})", header.first,
                              header.end, header.branch, start_, end_));
  }
  if (auto flushed = Flush(); !flushed) {
    return flushed;
  }
  auto place = Find(header.first);
  if (place == segments_.end() ||
      header.end > place->second.segment->limit()) {  // its whole file is gone
    auto segment = segment_files_.Create(header.first, group.bytes().size());
    if (!segment) {
      return std::unexpected(segment.error());
    }
    const std::unique_lock lock(mutex_);
    place = segments_
                .emplace(header.first,
                         Entry{.segment = std::move(*segment), .marks = {}, .dirty = false})
                .first;
  }
  const Segment& segment = *place->second.segment;
  if (auto written = WriteAll(segment.file(), header.first - segment.first(), {group.bytes()});
      !written) {
    return written;
  }
  return segment.file().Sync();
}

Result<> Log::DropBelow(Lsn lsn) {
  lsn = std::min(lsn, flushed_);
  if (lsn <= start_) {
    return {};
  }
  if (auto written = segment_files_.WriteStart(lsn); !written) {
    return written;
  }
  {
    const std::unique_lock lock(mutex_);
    start_ = lsn;
  }
  while (segments_.size() > 1 && std::next(segments_.begin())->first <= lsn) {
    if (auto gone = segment_files_.Recycle(*segments_.begin()->second.segment); !gone) {
      return gone;
    }
    const std::unique_lock lock(mutex_);
    segments_.erase(segments_.begin());
  }
  return segment_files_.Sync();
}

Result<> Log::Rebase(FileSystem& files, const std::filesystem::path& directory, Lsn start,
                     bool empties) {
  SegmentFiles segment_files(files, directory, 0);
  if (empties) {
    const auto segments = segment_files.Open();
    if (!segments) {
      return std::unexpected(segments.error());
    }
    for (const auto& segment : *segments) {
      if (auto gone = segment_files.Remove(*segment); !gone) {
        return gone;
      }
    }
    if (auto synced = segment_files.Sync(); !synced) {
      return synced;
    }
  }
  return segment_files.WriteStart(start);
}

// --- Reading. ---

Result<LogSlice> Log::Read(Lsn from, std::size_t bytes) const {
  LogSlice slice;
  std::size_t taken = 0;
  Lsn at = from;
  while (taken < bytes && !slice.damaged) {
    std::shared_ptr<Segment> segment;
    Lsn begin = 0;
    Lsn known = 0;
    {
      const std::shared_lock lock(mutex_);
      at = std::max(at, start_);
      if (at >= flushed_) {
        break;
      }
      auto next = segments_.upper_bound(at);
      known = next == segments_.end() ? flushed_ : std::min(next->first, flushed_);
      if (next == segments_.begin()) {  // a file is gone
        slice.damaged = LsnRange{at, known};
        break;
      }
      const Entry& entry = std::prev(next)->second;
      segment = entry.segment;
      const auto mark = std::ranges::upper_bound(entry.marks, at);
      begin = mark == entry.marks.begin() ? segment->first() : *std::prev(mark);
    }
    // A little at first; the whole segment when a group is larger than that, or bad.
    const std::size_t wanted = (at - begin) + (bytes - taken) + Group::kHeaderSize;
    for (const Lsn until : {std::min<Lsn>(begin + wanted + kMarkDistance, known), known}) {
      auto content = segment->Read(begin, until);
      if (!content) {
        slice.damaged = LsnRange{at, known};
        break;
      }
      const Lsn before = at;
      const auto visit = [&](Group group) {
        if (group.end() > from && group.end() > at) {
          at = group.end();
          taken += group.bytes().size();
          slice.groups.push_back(std::move(group));
        }
        return taken < bytes;
      };
      // Where more of the segment can be read, what is bad may only be cut off.
      const bool whole = until == known;
      const ScanResult scan =
          ScanGroups(*content, {options_.branch, begin, begin, whole ? known : begin},
                     [&](Group group) { return visit(std::move(group)); });
      if (whole) {
        for (const LsnRange& range : scan.damaged) {
          if (range.end > before && !slice.damaged) {
            slice.damaged = range;
          }
        }
        if (scan.open_damage && !slice.damaged) {
          slice.damaged = LsnRange{std::max(scan.end, segment->first()), known};
        }
        at = std::max(at, scan.end);
      }
      if (at > before || whole) {
        break;
      }
    }
    if (slice.damaged) {
      // Nothing from behind the damage: a reader takes groups in order.
      while (!slice.groups.empty() && slice.groups.back().header().first >= slice.damaged->first) {
        slice.groups.pop_back();
      }
    }
  }
  return slice;
}

Result<Bytes> Log::ReadBytes(Lsn from, std::size_t size) const {
  std::shared_ptr<Segment> segment;
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = Find(from); found != segments_.end()) {
      segment = found->second.segment;
    }
  }
  if (segment) {
    auto bytes = segment->Read(from, from + size);
    if (!bytes || bytes->size() == size) {
      return bytes;
    }
  }
  return std::unexpected(
      DiskError{DiskError::Kind::kDamaged, std::format("LSN {} is on no file", from)});
}

}  // namespace sextant::storage
