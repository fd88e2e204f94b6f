// A POSIX file system over a Store: what an operation means, without FUSE.
#pragma once

#include "volume/nodes.h"
#include "volume/store.h"
#include "volume/tree.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sextant::volume {

struct Found {
  std::uint64_t inode = 0;
  protocol::Attributes attributes;
};

struct Owner {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct Listed {
  std::string name;
  std::uint64_t inode = 0;
  std::uint32_t mode = 0;
};

struct Changes {  // of attributes; times in µs since 1970
  std::optional<std::uint32_t> mode, uid, gid;
  std::optional<std::uint64_t> size, accessed, modified;
};

// Any thread. Permissions are the kernel's to check. Names, sizes and links change here; a page
// that is fetched is the only thing that is waited for elsewhere.
class FileSystem {
 public:
  FileSystem(std::shared_ptr<Nodes> nodes, std::shared_ptr<Store> store);

  // Makes the root directory where the log has none.
  [[nodiscard]] Outcome<> EnsureRoot(const Owner& owner);
  // The root directory has no entries.
  [[nodiscard]] Outcome<bool> Empty();

  [[nodiscard]] Outcome<Found> LookUp(std::uint64_t parent, const std::string& name);
  [[nodiscard]] Outcome<protocol::Attributes> Get(std::uint64_t inode);
  [[nodiscard]] Outcome<protocol::Attributes> Set(std::uint64_t inode, const Changes& changes);
  // `mode` holds the type: a file, directory or special file.
  [[nodiscard]] Outcome<Found> Create(std::uint64_t parent, const std::string& name,
                                      std::uint32_t mode, const Owner& owner, std::uint64_t device);
  [[nodiscard]] Outcome<Found> Symlink(std::uint64_t parent, const std::string& name,
                                       const std::string& target, const Owner& owner);
  [[nodiscard]] Outcome<Found> Link(std::uint64_t inode, std::uint64_t parent,
                                    const std::string& name);
  [[nodiscard]] Outcome<> Unlink(std::uint64_t parent, const std::string& name);
  [[nodiscard]] Outcome<> RemoveDirectory(std::uint64_t parent, const std::string& name);
  // `flags` as in renameat2(2): none, RENAME_NOREPLACE or RENAME_EXCHANGE.
  [[nodiscard]] Outcome<> Rename(std::uint64_t parent, const std::string& name,
                                 std::uint64_t new_parent, const std::string& new_name,
                                 std::uint32_t flags);
  // As of now, "." and ".." first.
  [[nodiscard]] Outcome<std::vector<Listed>> List(std::uint64_t directory);

  [[nodiscard]] Outcome<> Open(std::uint64_t inode);
  void Release(std::uint64_t inode);

  // One call is one atomic unit: what it says about pages of one engine page is in one group.
  // `mapped`: the kernel writes back what was changed through mmap, outside of the file's lock.
  [[nodiscard]] Outcome<> Write(std::uint64_t inode, std::uint64_t offset,
                                std::span<const std::uint8_t> bytes, bool mapped = false);
  using ReadDone = std::move_only_function<void(Outcome<std::vector<std::uint8_t>>)>;
  void Read(std::uint64_t inode, std::uint64_t offset, std::size_t size, ReadDone done);
  // `mode` as in fallocate(2): 0, keep size, punch hole, zero range.
  [[nodiscard]] Outcome<> Allocate(std::uint64_t inode, int mode, std::uint64_t offset,
                                   std::uint64_t length);
  void Sync(std::uint64_t inode, Done done);
  // Whoever waits for the nodes gets EIO, now and later.
  void Stop() { stopped_ = true; }
  void SyncMetadata(Done done) { store_->SyncMetadata(std::move(done)); }

 private:
  struct Reading;

  // Asks the nodes for as long as nobody stops it: no quorum is no error.
  template <class Ask>
  [[nodiscard]] auto Patiently(const Ask& ask) const {
    while (true) {
      auto answer = ask(std::chrono::steady_clock::now() + std::chrono::seconds(1));
      if (answer || answer.error().code != client::ErrorCode::kTimeout || stopped_) {
        return answer;
      }
    }
  }

  // A directory whose entries are loaded, under an exclusive lock of the tree.
  [[nodiscard]] Outcome<InodePtr> Find(std::uint64_t inode);
  // `inode` 0: a new one, which `record` is made with.
  using MakeRecord = std::function<protocol::Record(std::uint64_t inode)>;
  [[nodiscard]] Outcome<Found> Add(std::uint64_t parent, const std::string& name,
                                   std::uint64_t inode, const MakeRecord& record);
  [[nodiscard]] Outcome<> Remove(std::uint64_t parent, const std::string& name, bool directory);
  void Apply(const protocol::Record& record);
  // With the tree's mutex held: an inode without a name and users loses its pages.
  void DropUnused(const InodePtr& inode);

  // With the inode's mutex held: the page, if it need not be fetched.
  [[nodiscard]] ConstPagePtr Local(const Inode& inode, std::uint64_t page) const;
  // A page made dirty; its content is local, or is replaced as a whole.
  [[nodiscard]] PagePtr MakeDirty(Inode& inode, std::uint64_t page, bool whole,
                                  std::int64_t& added);
  // Brings a page here, so that Local finds it or that it is the answer; no lock held.
  [[nodiscard]] Outcome<> Fetch(const InodePtr& inode, std::uint64_t page, ConstPagePtr& bytes,
                                std::uint64_t& changes);
  [[nodiscard]] Outcome<> Grow(const InodePtr& inode, std::uint64_t size);
  [[nodiscard]] Outcome<> Cut(const InodePtr& inode, std::uint64_t size);
  void StartReads(const std::shared_ptr<Reading>& reading);
  void SettleCut(const InodePtr& inode, Done done);

  const std::shared_ptr<Nodes> nodes_;
  const std::shared_ptr<Store> store_;
  std::atomic<bool> stopped_ = false;
  Tree tree_;
};

[[nodiscard]] std::uint64_t WallClock();  // µs since 1970

}  // namespace sextant::volume
