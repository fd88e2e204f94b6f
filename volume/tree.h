// The names and attributes of a branch in memory: what the log said when the mount began, and every
// change since.
#pragma once

#include "volume/inode.h"
#include "volume/outcome.h"

#include <functional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace sextant::volume {

// Directories are read from the nodes when they are first used, whole. One mutex guards names; each
// inode's own guards its attributes. Order: the tree's, then one inode's.
class Tree final : private protocol::MetadataState {
 public:
  using Source =
      std::function<Outcome<protocol::MetadataAnswer>(const protocol::MetadataQuery& query)>;

  explicit Tree(Source source);

  [[nodiscard]] std::shared_mutex& mutex() { return mutex_; }

  // --- With the mutex held exclusively, or shared where the directory is loaded already. ---

  [[nodiscard]] Outcome<InodePtr> Find(std::uint64_t inode);
  [[nodiscard]] Outcome<InodePtr> Directory(std::uint64_t inode);  // with its entries
  // ENOENT when there is no such name.
  [[nodiscard]] Outcome<InodePtr> LookUp(std::uint64_t directory, const std::string& name);

  // --- With the mutex held exclusively. ---

  // `record` is good: what it needs is loaded and there.
  void Apply(const protocol::Record& record, std::uint64_t time);
  // Forgets an inode that has no name and that nobody uses.
  void Forget(std::uint64_t inode) { inodes_.erase(inode); }

  // --- With the mutex held in either way. ---

  [[nodiscard]] bool Loaded(std::uint64_t directory) const;
  // Null when it is not in memory.
  [[nodiscard]] InodePtr FindLoaded(std::uint64_t inode) const;

 private:
  std::optional<protocol::Attributes> Get(std::uint64_t inode) override;
  void Put(std::uint64_t inode, const protocol::Attributes& attributes) override;
  std::uint64_t Entry(std::uint64_t directory, const std::string& name) override;
  void PutEntry(std::uint64_t directory, const std::string& name, std::uint64_t inode) override;
  void PutZeros(std::uint64_t inode, const protocol::ZeroRange& range) override;

  InodePtr Adopt(std::uint64_t inode, std::uint64_t parent, const protocol::Attributes& attributes);

  const Source source_;
  std::shared_mutex mutex_;
  std::unordered_map<std::uint64_t, InodePtr> inodes_;
};

}  // namespace sextant::volume
