// A branch's log on disk. docs/storage-files.md has the files.
//
//   Append*  Sync          groups go to a buffer, to the file system when that is full, and are
//   durable after Sync Read, ReadBytes        whole groups, or some bytes, of what was appended
//   Truncate, Repair       what the protocol asks for after a takeover and after damage
//   DropBelow              the front of the log goes
//
// Threads: one writer at a time calls the functions that are not const, and Prepare may run beside
// it; const functions may be called from any thread at any time. Errors: kFull from Append, Prepare
// and Repair leaves the log as it was. After any other error of a function that writes, the log
// must not be written to any more; opening it again finds out what it holds.
#pragma once

#include "storage/log/log_scan.h"
#include "storage/log/segment_files.h"

#include <map>
#include <memory>
#include <shared_mutex>

namespace sextant::storage {

struct LogOptions {
  std::filesystem::path directory;
  BranchId branch = 0;
  Lsn start = 0;  // where the branch forks
  std::uint64_t segment_size = 16U << 20;
  std::size_t buffer_size = 1U << 20;
};

// What was found on opening.
struct LogContent {
  Lsn start = 0;
  Lsn end = 0;
  std::uint64_t last_time = 0;
  std::vector<LsnRange> damaged;
};

struct LogSlice {
  std::vector<Group> groups;
  std::optional<LsnRange> damaged;  // what stopped the read
};

class Log {
 public:
  // Scans the log; `synced` is up to where it is known to have been durable. What is behind its end
  // is erased.
  [[nodiscard]] static Result<std::unique_ptr<Log>> Open(FileSystem& files, LogOptions options,
                                                         Lsn synced);

  [[nodiscard]] const LogContent& found() const { return found_; }
  // Behind the last group appended.
  [[nodiscard]] Lsn end() const;
  [[nodiscard]] Lsn start() const;
  // Up to where Read and ReadBytes see it.
  [[nodiscard]] Lsn readable() const;
  // Bytes that can be appended before space has to be found for another segment.
  [[nodiscard]] std::uint64_t room() const;

  [[nodiscard]] Result<> Append(const Group& group);
  [[nodiscard]] Result<> Sync();
  // To end at `from`, the end of a group; durable.
  [[nodiscard]] Result<> Truncate(Lsn from);
  // Writes a group that is or was there to its place; durable.
  [[nodiscard]] Result<> Repair(const Group& group);
  // The log begins at `lsn`, the end of a group, from now on, and segments that end at or below go;
  // durable.
  [[nodiscard]] Result<> DropBelow(Lsn lsn);
  // Of a log that is not open: it begins at `start`, the end of a group in it, and nothing is left
  // of it if it `empties`. Durable; begun and not finished, to be done again before it is opened.
  [[nodiscard]] static Result<> Rebase(FileSystem& files, const std::filesystem::path& directory,
                                       Lsn start, bool empties);
  [[nodiscard]] Result<> Prepare() { return segment_files_.Prepare(); }

  // Groups from `from` on, the first of which may begin below if `from` is inside it, until they
  // are `bytes` or more. Groups that are only in the buffer are not among them.
  [[nodiscard]] Result<LogSlice> Read(Lsn from, std::size_t bytes) const;
  // The bytes [from, from + size), unverified. kDamaged when they are not all in one segment.
  [[nodiscard]] Result<Bytes> ReadBytes(Lsn from, std::size_t size) const;
  // To the file system, so that Read sees it; not durable.
  [[nodiscard]] Result<> Flush();

 private:
  // Known beginnings of groups, one every kMarkDistance, so that a read need not begin at a
  // segment's front.
  struct Entry {
    std::shared_ptr<Segment> segment;
    std::vector<Lsn> marks;
    bool dirty = false;
  };
  using Segments = std::map<Lsn, Entry>;

  Log(FileSystem& files, LogOptions options);
  [[nodiscard]] Result<> Recover(Lsn synced);
  [[nodiscard]] Result<ScanResult> ScanSegment(Segments::iterator entry, Lsn known);
  [[nodiscard]] Result<> EraseRest();
  [[nodiscard]] Result<> EraseBehind(Lsn end, bool all);
  [[nodiscard]] Result<> Place(Lsn first, std::uint64_t size);
  // The segment that holds `lsn`, or none.
  [[nodiscard]] Segments::const_iterator Find(Lsn lsn) const;
  static void Mark(Entry& entry, Lsn lsn);

  const LogOptions options_;
  SegmentFiles segment_files_;
  LogContent found_;

  mutable std::shared_mutex mutex_;  // guards what follows; only the writer changes it
  Segments segments_;
  Lsn start_ = 0;
  Lsn flushed_ = 0;
  Lsn end_ = 0;

  std::vector<Group> buffer_;  // the writer's alone; all in the last segment
  std::size_t buffered_ = 0;
};

}  // namespace sextant::storage
