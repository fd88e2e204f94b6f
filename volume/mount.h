// A mounted branch: what sextant-volume shows to an engine as its file system.
#pragma once

#include "sextant/client/client.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace sextant::volume {

template <class T = void>
using Result = client::Result<T>;

class FileSystem;
class FuseFront;
class LogStore;
class Overlay;

struct MountOptions {
  std::string path = {};
  std::uint32_t uid = 0;  // of the root directory, where the branch has none
  std::uint32_t gid = 0;
  std::uint64_t cache_memory = 64U << 20;
  std::string overlay_directory = {};        // of a reader
  std::uint64_t overlay_size = 10ULL << 30;  // above it a reader's writes get ENOSPC
  std::uint64_t dirty_bytes = 64U << 20;     // above it a writer's engine waits
  std::chrono::milliseconds dirty_age = std::chrono::seconds(1);
};

struct MountStatus {
  bool empty = false;  // the file tree had no entries when it was mounted
  protocol::Epoch epoch = 0;
  protocol::Lsn lsn = 0;  // a reader's position
  protocol::Lsn vdl = 0;
  protocol::Lsn end = 0;
  std::uint64_t dirty_bytes = 0;
  std::uint64_t overlay_bytes = 0;
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;
  std::optional<std::chrono::milliseconds> stalled;  // for how long no quorum has answered
  std::size_t full_nodes = 0;
  bool fenced = false;
  std::string failure = {};  // the kernel has given the mount up; empty while it has not
};

// Any thread.
class Mount {
 public:
  // The writer is open already. The root directory is made where the branch has none.
  [[nodiscard]] static Result<std::unique_ptr<Mount>> ForWriter(
      const MountOptions& options, std::shared_ptr<client::Client> client,
      std::unique_ptr<client::Writer> writer);
  // The pin keeps `at` readable. What is written stays private and ends with the mount.
  [[nodiscard]] static Result<std::unique_ptr<Mount>> ForReader(
      const MountOptions& options, std::shared_ptr<client::Client> client,
      std::unique_ptr<client::Pin> pin, protocol::BranchId branch, const protocol::Position& at);
  // Unmounts without a flush, lazily where files are open, and never hangs.
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  // All that was written so far, durable; but an engine page whose last write ended inside it, as
  // the kernel may be about to bring the rest. fsync takes those, and so does a flush of a mount
  // that is `idle`: whoever wrote has ended, though the kernel may not have closed its files yet.
  [[nodiscard]] Result<> Flush(client::Deadline deadline, bool idle = false);
  // Unmounts, so that nothing is written any more, and flushes. Nothing is mounted afterwards even
  // if the flush fails.
  [[nodiscard]] Result<> Unmount(client::Deadline deadline);
  // Ends what waits for storage, with an error.
  void Cut();
  [[nodiscard]] MountStatus status() const;

 private:
  Mount() = default;
  [[nodiscard]] Result<> Start(const MountOptions& options);
  void Abandon();  // what is dirty

  std::shared_ptr<client::Client> client_;
  protocol::BranchId branch_ = 0;
  std::unique_ptr<client::Pin> pin_;
  std::shared_ptr<client::Writer> writer_;  // null: a reader
  std::shared_ptr<LogStore> log_;           // one of these two
  std::shared_ptr<Overlay> overlay_;
  std::shared_ptr<FileSystem> files_;
  std::unique_ptr<FuseFront> front_;
  protocol::Position at_;
  bool empty_ = false;
};

}  // namespace sextant::volume
