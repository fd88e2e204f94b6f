// Pages as the log has them, newest version, in bounded memory.
#pragma once

#include "volume/page.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <unordered_map>

namespace sextant::volume {

// Any thread. A page that is not durable yet is never let go: nobody else could give it back.
class PageCache {
 public:
  // `durable` tells up to where the log is durable; it must not call back.
  PageCache(std::uint64_t bytes, std::function<protocol::Lsn()> durable);

  [[nodiscard]] ConstPagePtr Get(const protocol::PageId& page);
  // `lsn` is where the log has this version; kPending until that is known.
  void Put(const protocol::PageId& page, ConstPagePtr bytes, protocol::Lsn lsn);
  // The version `bytes`, if it is still the newest, is in the log at `lsn`.
  void Shipped(const protocol::PageId& page, const ConstPagePtr& bytes, protocol::Lsn lsn);
  void Erase(const protocol::PageId& page);
  // Pages [first, end).
  void Erase(std::uint64_t inode, std::uint64_t first, std::uint64_t end);

  static constexpr protocol::Lsn kPending = ~protocol::Lsn{0};

  [[nodiscard]] std::uint64_t hits() const { return hits_; }
  [[nodiscard]] std::uint64_t misses() const { return misses_; }

 private:
  struct Hash {
    std::size_t operator()(const protocol::PageId& page) const {
      return std::hash<std::uint64_t>()(page.inode * 0x9E3779B97F4A7C15U ^ page.index);
    }
  };
  struct Entry {
    protocol::PageId page;
    ConstPagePtr bytes;
    protocol::Lsn lsn = 0;
  };
  struct Shard {
    std::mutex mutex;
    std::list<Entry> entries;  // most recently used first
    std::unordered_map<protocol::PageId, std::list<Entry>::iterator, Hash> places;
  };
  static constexpr std::size_t kShards = 16;

  Shard& ShardOf(const protocol::PageId& page) { return shards_[Hash()(page) % kShards]; }
  void Trim(Shard& shard) const;

  const std::size_t pages_per_shard_;
  const std::function<protocol::Lsn()> durable_;
  std::array<Shard, kShards> shards_;
  std::atomic<std::uint64_t> hits_ = 0;
  std::atomic<std::uint64_t> misses_ = 0;
};

}  // namespace sextant::volume
