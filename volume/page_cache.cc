#include "volume/page_cache.h"

#include <algorithm>
#include <utility>

namespace sextant::volume {

PageCache::PageCache(std::uint64_t bytes, std::function<protocol::Lsn()> durable)
    : pages_per_shard_(std::max<std::uint64_t>(1, bytes / kPageSize / kShards)),
      durable_(std::move(durable)) {}

ConstPagePtr PageCache::Get(const protocol::PageId& page) {
  Shard& shard = ShardOf(page);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.places.find(page);
  if (found == shard.places.end()) {
    ++misses_;
    return nullptr;
  }
  ++hits_;
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return found->second->bytes;
}

void PageCache::Put(const protocol::PageId& page, ConstPagePtr bytes, protocol::Lsn lsn) {
  Shard& shard = ShardOf(page);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.places.find(page); found != shard.places.end()) {
    shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
    found->second->bytes = std::move(bytes);
    found->second->lsn = lsn;
    return;
  }
  shard.entries.push_front({.page = page, .bytes = std::move(bytes), .lsn = lsn});
  shard.places.emplace(page, shard.entries.begin());
  Trim(shard);
}

void PageCache::Shipped(const protocol::PageId& page, const ConstPagePtr& bytes,
                        protocol::Lsn lsn) {
  Shard& shard = ShardOf(page);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.places.find(page);
  if (found != shard.places.end() && found->second->bytes == bytes) {
    found->second->lsn = lsn;
  }
}

void PageCache::Erase(const protocol::PageId& page) {
  Shard& shard = ShardOf(page);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.places.find(page); found != shard.places.end()) {
    shard.entries.erase(found->second);
    shard.places.erase(found);
  }
}

void PageCache::Erase(std::uint64_t inode, std::uint64_t first, std::uint64_t end) {
  constexpr std::uint64_t kFewPages = 1024;
  if (first >= end) {
    return;
  }
  if (end - first <= kFewPages) {
    for (std::uint64_t index = first; index < end; ++index) {
      Erase({inode, index});
    }
    return;
  }
  for (Shard& shard : shards_) {  // a large file may be mostly holes
    const std::lock_guard lock(shard.mutex);
    std::erase_if(shard.entries, [&](const Entry& entry) {
      const bool gone =
          entry.page.inode == inode && entry.page.index >= first && entry.page.index < end;
      if (gone) {
        shard.places.erase(entry.page);
      }
      return gone;
    });
  }
}

void PageCache::Trim(Shard& shard) const {
  if (shard.entries.size() <= pages_per_shard_) {
    return;
  }
  const protocol::Lsn durable = durable_();
  // A bounded look: behind a long row of pages that wait for a quorum there may be none to let go.
  auto at = std::prev(shard.entries.end());
  for (int looked = 0; looked < 64 && shard.entries.size() > pages_per_shard_; ++looked) {
    const auto before = at == shard.entries.begin() ? shard.entries.end() : std::prev(at);
    if (at->lsn <= durable) {
      shard.places.erase(at->page);
      shard.entries.erase(at);
    }
    if (before == shard.entries.end()) {
      return;
    }
    at = before;
  }
}

}  // namespace sextant::volume
