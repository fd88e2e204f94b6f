// Where a file system's changes go: into the volume's log, or into a private overlay.
#pragma once

#include "volume/inode.h"
#include "volume/outcome.h"

#include <optional>

namespace sextant::volume {

// Any thread. Lock order: a tree's mutex, a store's own, an inode's, a cache's.
class Store {
 public:
  Store() = default;
  virtual ~Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Before a change, with no lock held: waits while too much is dirty. EIO: nothing can be written.
  [[nodiscard]] virtual Outcome<> Admit() = 0;
  // A change of metadata that was made, in the order in which they were made.
  virtual void Changed(const protocol::Record& record) = 0;
  // The inode's dirty pages, their number by `pages`, its size or its times changed; its mutex is
  // held. ENOSPC, EIO.
  [[nodiscard]] virtual Outcome<> Written(const InodePtr& inode, std::int64_t pages) = 0;
  // All of the file, and all metadata so far, durable.
  virtual void Sync(const InodePtr& inode, Done done) = 0;
  // All metadata so far durable.
  virtual void SyncMetadata(Done done) = 0;

  // A page that this side has and the nodes may not; the inode's mutex is held.
  [[nodiscard]] virtual ConstPagePtr Held(const Inode& inode, std::uint64_t page) = 0;
  // A page that came from the nodes and is still good; the inode's mutex is held.
  virtual void Fetched(const Inode& inode, std::uint64_t page, ConstPagePtr bytes) = 0;
  // Forgets pages [first, end); the inode's mutex is held.
  virtual void Drop(const Inode& inode, std::uint64_t first, std::uint64_t end) = 0;
  // Where the nodes are read.
  [[nodiscard]] virtual protocol::Position position() const = 0;
  // A number that no inode of the branch has or had.
  [[nodiscard]] virtual std::uint64_t NewInode() = 0;
};

}  // namespace sextant::volume
