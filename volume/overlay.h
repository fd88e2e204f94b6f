// A reader's side: what it writes goes to sparse files of its own and ends with the mount.
#pragma once

#include "volume/page_cache.h"
#include "volume/store.h"

#include <atomic>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace sextant::volume {

struct OverlayOptions {
  std::string directory;  // emptied when the overlay begins
  std::uint64_t size = 10ULL << 30;
  std::uint64_t cache_memory = 64U << 20;
};

class Overlay final : public Store {
 public:
  // `at` is where the nodes are read, for ever.
  [[nodiscard]] static Outcome<std::unique_ptr<Overlay>> Make(const OverlayOptions& options,
                                                              const protocol::Position& at);
  ~Overlay() override;

  [[nodiscard]] Outcome<> Admit() override { return {}; }
  void Changed(const protocol::Record& record) override;
  [[nodiscard]] Outcome<> Written(const InodePtr& inode, std::int64_t pages) override;
  void Sync(const InodePtr& /*inode*/, Done done) override { done(0); }
  void SyncMetadata(Done done) override { done(0); }
  [[nodiscard]] ConstPagePtr Held(const Inode& inode, std::uint64_t page) override;
  void Fetched(const Inode& inode, std::uint64_t page, ConstPagePtr bytes) override;
  void Drop(const Inode& inode, std::uint64_t first, std::uint64_t end) override;
  [[nodiscard]] protocol::Position position() const override { return at_; }
  [[nodiscard]] std::uint64_t NewInode() override { return next_inode_++; }

  [[nodiscard]] std::uint64_t bytes() const { return pages_ * kPageSize; }
  [[nodiscard]] const PageCache& cache() const { return cache_; }

 private:
  struct File {
    int descriptor = -1;
    std::unordered_set<std::uint64_t> pages;
  };

  Overlay(const OverlayOptions& options, const protocol::Position& at);
  [[nodiscard]] Outcome<File*> Open(std::uint64_t inode);
  void Close(File& file, std::uint64_t inode) const;
  [[nodiscard]] std::string PathOf(std::uint64_t inode) const;

  const OverlayOptions options_;
  const protocol::Position at_;
  PageCache cache_;
  std::atomic<std::uint64_t> next_inode_;
  std::atomic<std::uint64_t> pages_ = 0;
  std::mutex mutex_;  // of the map, not of the files in it: those belong to whoever has the inode
  std::unordered_map<std::uint64_t, File> files_;
};

}  // namespace sextant::volume
