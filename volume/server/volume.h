// What a session attaches to. The real one is ClientVolume; tests have another.
#pragma once

#include "sextant/client/point.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace sextant::volume::server {

enum class Mode : std::uint8_t { kWriter, kReader };

// What is wanted at the mount point.
struct Target {
  Mode mode = Mode::kWriter;
  protocol::BranchId branch = 1;
  protocol::Epoch epoch = 0;  // of a writer
  client::Point at = {};      // of a reader

  bool operator==(const Target&) const = default;
};

struct TreeStatus {
  std::optional<protocol::Lsn> lsn = {};  // a reader's
  protocol::Lsn vdl = 0;
  protocol::Lsn end = 0;
  std::uint64_t dirty_bytes = 0;
  std::uint64_t overlay_bytes = 0;
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;
  std::optional<std::chrono::milliseconds> stalled = {};
  std::uint64_t full_nodes = 0;
  bool fenced = false;
  std::optional<protocol::Epoch> fenced_by = {};
  bool empty = false;        // the root directory has no entries
  std::string failure = {};  // the file system cannot go on; empty while it can
};

// A mounted branch. Unmounted by its destructor, which does not wait for storage.
class Tree {
 public:
  virtual ~Tree() = default;
  // All dirty data is durable. `idle`: the caller knows that nobody writes, so that nothing is left
  // out for being half here.
  [[nodiscard]] virtual client::Result<> Flush(bool idle, client::Deadline deadline) = 0;
  // Then nothing is mounted any more; with an error, what was written last may be lost.
  [[nodiscard]] virtual client::Result<> Unmount(client::Deadline deadline) = 0;
  // Ends what waits for storage, here and for the engine, with an error. Any thread, beside any
  // call.
  virtual void Cut() = 0;
  [[nodiscard]] virtual TreeStatus status() const = 0;
};

// Why nothing could be mounted.
struct OpenError {
  std::string code;
  std::string message;
  std::optional<protocol::Epoch> fenced_by = {};
};

class Volume {
 public:
  virtual ~Volume() = default;
  // Takes the branch over or pins it, and mounts it. Waits for storage until asked to stop.
  [[nodiscard]] virtual std::expected<std::shared_ptr<Tree>, OpenError> Open(
      const Target& target, std::stop_token stop) = 0;
  [[nodiscard]] virtual client::Result<protocol::Branch> MakeBranch(protocol::BranchId parent,
                                                                    const client::Point& at,
                                                                    protocol::BranchId id,
                                                                    client::Deadline deadline) = 0;
  // The greatest epoch that the nodes promised.
  [[nodiscard]] virtual std::optional<protocol::Epoch> NewestEpoch(protocol::BranchId branch,
                                                                   client::Deadline deadline) = 0;
};

}  // namespace sextant::volume::server
