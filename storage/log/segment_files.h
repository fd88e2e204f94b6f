// The files of one log's directory: segments, and one spare made ahead.
//
//   <first LSN, 16 hex digits>.log   a segment
//   spare                            a segment to come: its size is final and every block of it was
//   written, so that
//                                    writing to it later changes no metadata and fdatasync has only
//                                    data to write
//   start                            where the log begins, when its front was dropped
//
// Thread-safe: Prepare runs beside the log's writer.
#pragma once

#include "storage/log/segment.h"

#include <mutex>
#include <vector>

namespace sextant::storage {

class SegmentFiles {
 public:
  SegmentFiles(FileSystem& files, std::filesystem::path directory, std::uint64_t segment_size)
      : files_(files), directory_(std::move(directory)), segment_size_(segment_size) {}

  // Makes the directory, removes what was half made, opens every segment, in order.
  [[nodiscard]] Result<std::vector<std::unique_ptr<Segment>>> Open();

  // Makes sure of the spare. kFull when there is no room for one; nothing is left behind then.
  [[nodiscard]] Result<> Prepare();
  [[nodiscard]] bool prepared() const;
  // A durable file for a segment that begins at `first` and holds `size` bytes or more: the spare,
  // if it is large enough, and else a new one.
  [[nodiscard]] Result<std::unique_ptr<Segment>> Create(Lsn first, std::uint64_t size);

  // The segment's file goes, or becomes the spare. Durable after Sync.
  [[nodiscard]] Result<> Remove(const Segment& segment);
  [[nodiscard]] Result<> Recycle(const Segment& segment);
  [[nodiscard]] Result<> Sync() { return files_.SyncDirectory(directory_); }

  [[nodiscard]] Result<std::optional<Lsn>> ReadStart();
  [[nodiscard]] Result<> WriteStart(Lsn start);

 private:
  [[nodiscard]] Result<> MakeZeroed(const std::filesystem::path& path, std::uint64_t size);
  [[nodiscard]] Result<> PrepareLocked();

  FileSystem& files_;
  const std::filesystem::path directory_;
  const std::uint64_t segment_size_;
  mutable std::mutex mutex_;
  bool spare_ = false;  // guarded by mutex_
};

}  // namespace sextant::storage
