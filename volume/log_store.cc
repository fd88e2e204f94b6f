#include "volume/log_store.h"

#include <cerrno>
#include <utility>

namespace sextant::volume {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kGroupBytes = 1U << 20;

}  // namespace

LogStore::LogStore(const LogStoreOptions& options, std::shared_ptr<client::Writer> writer)
    : options_(options),
      writer_(std::move(writer)),
      // A log grows by more than a byte for each inode it makes, so its end was never a number yet.
      first_inode_(writer_->end()),
      cache_(options.cache_memory, [this] { return writer_->vdl(); }),
      background_([this](const std::stop_token& stop) { RunBackground(stop); }) {}

LogStore::~LogStore() { Stop(); }

void LogStore::Stop() {
  failed_ = true;
  dirty_changed_.notify_all();
  background_.request_stop();
  if (background_.joinable()) {
    background_.join();
  }
}

Outcome<> LogStore::Admit() {
  if (dirty_bytes() > options_.dirty_bytes) {
    std::unique_lock lock(dirty_mutex_);
    dirty_changed_.wait(lock, [this] { return failed_ || dirty_bytes() <= options_.dirty_bytes; });
  }
  if (failed_ || writer_->state() != protocol::WriterState::kOpen) {
    return Errno(EIO);
  }
  return {};
}

void LogStore::Changed(const protocol::Record& record) {
  const std::lock_guard lock(pending_mutex_);
  if (pending_.empty()) {
    pending_since_ = steady_clock::now();
  }
  pending_.push_back(record);
}

Outcome<> LogStore::Written(const InodePtr& inode, std::int64_t pages) {
  dirty_pages_ += static_cast<std::uint64_t>(pages);
  if (failed_) {
    return Errno(EIO);
  }
  const std::lock_guard lock(dirty_mutex_);
  if (dirty_.insert(inode).second) {
    inode->dirty_since = steady_clock::now();
  }
  return {};
}

void LogStore::TakePending(std::vector<protocol::Record>& records) {
  const std::lock_guard lock(pending_mutex_);
  records.insert(records.end(), std::make_move_iterator(pending_.begin()),
                 std::make_move_iterator(pending_.end()));
  pending_.clear();
}

void LogStore::Take(Inode& inode, Reason reason, std::uint64_t& next, Batch& batch) {
  // Under the file's mutex: a cut that is pending comes before the pages written after it.
  TakePending(batch.records);
  if (inode.grown) {
    batch.records.emplace_back(protocol::Truncate{inode.id, inode.attributes.size});
    inode.grown = false;
  }
  if (inode.touched && reason == Reason::kBackground) {
    batch.records.emplace_back(protocol::SetAttributes{.inode = inode.id,
                                                       .mode = {},
                                                       .uid = {},
                                                       .gid = {},
                                                       .accessed = {},
                                                       .modified = inode.attributes.modified});
    inode.touched = false;
  }
  std::size_t bytes = 0;
  auto at = inode.dirty.lower_bound(next);
  while (at != inode.dirty.end() && bytes < kGroupBytes) {
    const std::uint64_t unit = at->first / kPagesPerUnit;
    if (reason == Reason::kBackground && inode.open_unit == unit) {
      at = inode.dirty.lower_bound((unit + 1) * kPagesPerUnit);
      continue;
    }
    for (; at != inode.dirty.end() && at->first / kPagesPerUnit == unit;
         at = inode.dirty.erase(at)) {
      const protocol::PageId page{inode.id, at->first};
      DirtyPage& dirty = at->second;
      batch.records.push_back(PageRecord(page, dirty.base.get(), *dirty.bytes));
      bytes += RecordSize(batch.records.back());
      ConstPagePtr shipped = std::move(dirty.bytes);
      cache_.Put(page, shipped, PageCache::kPending);
      batch.pages.emplace_back(page, std::move(shipped));
      inode.stored_end = std::max(inode.stored_end, page.index + 1);
      ++inode.changes;
      --dirty_pages_;
    }
  }
  next = at == inode.dirty.end() ? kNoMore : at->first;
}

client::Result<protocol::Lsn> LogStore::Append(const std::vector<protocol::Record>& records) {
  auto lsn = writer_->Append(records, client::kNoDeadline);
  if (!lsn) {
    failed_ = true;
    dirty_changed_.notify_all();
  } else {
    metadata_end_ = *lsn;
  }
  return lsn;
}

client::Result<protocol::Lsn> LogStore::ShipGroup(const InodePtr& inode, Reason reason,
                                                  std::uint64_t& next) {
  Batch batch;
  {
    const std::lock_guard lock(inode->mutex);
    Take(*inode, reason, next, batch);
  }
  if (batch.records.empty()) {
    return 0;
  }
  const auto lsn = Append(batch.records);
  if (!lsn) {
    return lsn;
  }
  for (const auto& [page, bytes] : batch.pages) {
    cache_.Shipped(page, bytes, *lsn);
  }
  const std::lock_guard lock(inode->mutex);
  inode->shipped = std::max(inode->shipped, *lsn);
  return lsn;
}

client::Result<protocol::Lsn> LogStore::ShipFile(const InodePtr& inode) {
  protocol::Lsn end = 0;
  // Once over the file: what is written meanwhile behind `next` is somebody else's to wait for.
  for (std::uint64_t next = 0; next != kNoMore;) {
    const auto lsn = ShipGroup(inode, Reason::kSync, next);
    if (!lsn) {
      return lsn;
    }
    end = std::max(end, *lsn);
  }
  SettleDirty(inode);
  return end;
}

void LogStore::SettleDirty(const InodePtr& inode) {
  const std::lock_guard lock(inode->mutex);
  const std::lock_guard set(dirty_mutex_);
  if (inode->dirty.empty() && !inode->grown && !inode->touched) {
    dirty_.erase(inode);
  } else {
    inode->dirty_since = steady_clock::now();
  }
  dirty_changed_.notify_all();
}

client::Result<protocol::Lsn> LogStore::ShipMetadata() {
  std::vector<protocol::Record> records;
  TakePending(records);
  if (records.empty()) {
    return 0;
  }
  return Append(records);
}

void LogStore::Reply(const client::Result<protocol::Lsn>& shipped, protocol::Lsn at_least,
                     Done done) {
  if (!shipped) {
    done(EIO);
    return;
  }
  writer_->WhenDurable(
      std::max(*shipped, at_least), client::kNoDeadline,
      [done = std::move(done)](const client::Result<>& result) mutable { done(result ? 0 : EIO); });
}

void LogStore::Sync(const InodePtr& inode, Done done) {
  if (failed_) {
    done(EIO);
    return;
  }
  client::Result<protocol::Lsn> shipped;
  protocol::Lsn at_least = 0;
  {
    const std::lock_guard log(log_mutex_);
    shipped = ShipFile(inode);
    const std::lock_guard lock(inode->mutex);
    at_least = std::max(inode->shipped, metadata_end_.load());
  }
  Reply(shipped, at_least, std::move(done));
}

void LogStore::SyncMetadata(Done done) {
  if (failed_) {
    done(EIO);
    return;
  }
  client::Result<protocol::Lsn> shipped;
  {
    const std::lock_guard log(log_mutex_);
    shipped = ShipMetadata();
  }
  Reply(shipped, metadata_end_, std::move(done));
}

client::Result<protocol::Lsn> LogStore::ShipAll() {
  const std::lock_guard log(log_mutex_);
  std::vector<InodePtr> files;
  {
    const std::lock_guard lock(dirty_mutex_);
    files.assign(dirty_.begin(), dirty_.end());
  }
  for (const auto& file : files) {
    if (const auto shipped = ShipFile(file); !shipped) {
      return shipped;
    }
  }
  if (const auto shipped = ShipMetadata(); !shipped) {
    return shipped;
  }
  return metadata_end_.load();
}

client::Result<> LogStore::Flush(client::Deadline deadline) {
  const auto end = ShipAll();
  if (!end) {
    return std::unexpected(end.error());
  }
  return writer_->WaitDurable(*end, deadline);
}

ConstPagePtr LogStore::Held(const Inode& inode, std::uint64_t page) {
  return cache_.Get({inode.id, page});
}

void LogStore::Fetched(const Inode& inode, std::uint64_t page, ConstPagePtr bytes) {
  cache_.Put({inode.id, page}, std::move(bytes), 0);
}

void LogStore::Drop(const Inode& inode, std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t page = first; page < end; ++page) {
    cache_.Erase({inode.id, page});
  }
}

protocol::Position LogStore::position() const { return writer_->PositionAt(writer_->vdl()); }

std::uint64_t LogStore::NewInode() { return first_inode_ + inodes_made_++; }

}  // namespace sextant::volume
