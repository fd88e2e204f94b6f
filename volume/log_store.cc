#include "volume/log_store.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sextant::volume {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kGroupBytes = 1U << 20;
constexpr std::uint64_t kOutstanding = 4U << 20;  // above it, commits would queue behind us

}  // namespace

LogStore::LogStore(const LogStoreOptions& options, std::shared_ptr<GroupLog> log)
    : options_(options),
      log_(std::move(log)),
      // A log grows by more than a byte for each inode it makes, so its end was never a number yet.
      first_inode_(log_->end()),
      cache_(options.cache_memory, [this] { return log_->vdl(); }),
      background_([this](const std::stop_token& stop) { RunBackground(stop); }) {}

LogStore::~LogStore() { Stop(); }

void LogStore::Stop() {
  Fail();
  background_.request_stop();
  if (background_.joinable()) {
    background_.join();
  }
}

void LogStore::Fail() {
  const std::lock_guard lock(dirty_mutex_);
  failed_ = true;
  dirty_changed_.notify_all();
}

bool LogStore::Writable() {
  if (!failed_ && !log_->open()) {
    Fail();
  }
  return !failed_;
}

bool LogStore::OverBudget() const {
  constexpr std::uint64_t kPendingSize = 512;  // about, in memory
  return dirty_bytes() + pending_count_ * kPendingSize > options_.dirty_bytes;
}

Outcome<> LogStore::Admit() {
  constexpr auto kInterval = std::chrono::milliseconds(50);  // fencing is not told, but asked for
  while (OverBudget() && Writable()) {
    std::unique_lock lock(dirty_mutex_);
    dirty_changed_.wait_for(lock, kInterval, [this] { return failed_ || !OverBudget(); });
  }
  return Writable() ? Outcome<>() : Errno(EIO);
}

void LogStore::Changed(const protocol::Record& record) {
  const std::lock_guard lock(pending_mutex_);
  if (pending_.empty()) {
    pending_since_ = steady_clock::now();
  }
  pending_.push_back(record);
  ++pending_count_;
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

bool LogStore::TakePending(std::vector<protocol::Record>& records) {
  const std::lock_guard lock(pending_mutex_);
  for (std::size_t bytes = 0; !pending_.empty() && bytes < kGroupBytes;
       bytes += RecordSize(records.back())) {
    records.push_back(std::move(pending_.front()));
    pending_.pop_front();
    --pending_count_;
  }
  return pending_.empty();
}

void LogStore::Take(Inode& inode, Reason reason, std::uint64_t& next, Batch& batch) {
  // Under the file's mutex: a cut that is pending comes before the pages written after it.
  const bool all = TakePending(batch.records);
  batch.has_metadata = !batch.records.empty();
  if (!all) {
    return;
  }
  if (inode.grown) {
    batch.records.emplace_back(protocol::Truncate{inode.id, inode.attributes.size});
    inode.grown = false;
  }
  if (inode.touched && reason != Reason::kSync) {
    batch.records.emplace_back(protocol::SetAttributes{.inode = inode.id,
                                                       .mode = {},
                                                       .uid = {},
                                                       .gid = {},
                                                       .accessed = {},
                                                       .modified = inode.attributes.modified});
    inode.touched = false;
  }
  TakePages(inode, reason, next, batch);
}

void LogStore::TakePages(Inode& inode, Reason reason, std::uint64_t& next, Batch& batch) {
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
      --dirty_pages_;
      if (dirty.base && *dirty.base == *dirty.bytes) {
        continue;  // written as it was
      }
      batch.records.push_back(PageRecord(page, dirty.base.get(), *dirty.bytes));
      bytes += RecordSize(batch.records.back());
      ConstPagePtr shipped = std::move(dirty.bytes);
      cache_.Put(page, shipped, PageCache::kPending);
      batch.pages.emplace_back(page, std::move(shipped));
      inode.stored_end = std::max(inode.stored_end, page.index + 1);
      ++inode.changes;
    }
  }
  next = at == inode.dirty.end() ? kNoMore : at->first;
}

client::Result<protocol::Lsn> LogStore::Append(const std::vector<protocol::Record>& records,
                                               bool has_metadata) {
  auto lsn = log_->Append(records);
  if (!lsn) {
    Fail();
    return lsn;
  }
  if (has_metadata) {
    metadata_end_ = *lsn;
  }
  const std::lock_guard lock(dirty_mutex_);
  dirty_changed_.notify_all();
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
  const auto lsn = Append(batch.records, batch.has_metadata);
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

client::Result<LogStore::LogLock> LogStore::LockLog(client::Deadline deadline) {
  LogLock lock(log_mutex_, std::defer_lock);
  if (deadline == client::kNoDeadline) {
    lock.lock();
    // By the other clock: libstdc++ 14 has no mutex of this one under the thread sanitizer.
  } else if (!lock.try_lock_until(std::chrono::system_clock::now() +
                                  (deadline - steady_clock::now()))) {
    return std::unexpected(client::Error{client::ErrorCode::kTimeout, "the log is busy"});
  }
  return lock;
}

client::Result<> LogStore::WaitForRoom(client::Deadline deadline) {
  const protocol::Lsn end = log_->end();
  return end > log_->vdl() + kOutstanding ? log_->WaitDurable(end - kOutstanding, deadline)
                                          : client::Result<>();
}

client::Result<protocol::Lsn> LogStore::ShipFile(const InodePtr& inode, Reason reason,
                                                 client::Deadline deadline) {
  protocol::Lsn end = 0;
  // Once over the file: what is written meanwhile behind `next` is somebody else's to wait for.
  for (std::uint64_t next = 0; next != kNoMore;) {
    if (end != 0 || reason != Reason::kSync) {
      if (const auto room = WaitForRoom(deadline); !room) {
        return std::unexpected(room.error());
      }
    }
    const auto lock = LockLog(deadline);
    if (!lock) {
      return std::unexpected(lock.error());
    }
    const auto lsn = ShipGroup(inode, reason, next);
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

client::Result<protocol::Lsn> LogStore::ShipMetadata(client::Deadline deadline) {
  protocol::Lsn end = 0;
  for (bool all = false; !all;) {
    const auto lock = LockLog(deadline);
    if (!lock) {
      return std::unexpected(lock.error());
    }
    std::vector<protocol::Record> records;
    all = TakePending(records);
    if (!records.empty()) {
      const auto lsn = Append(records, true);
      if (!lsn) {
        return lsn;
      }
      end = *lsn;
    }
  }
  return end;
}

void LogStore::Reply(const client::Result<protocol::Lsn>& shipped, protocol::Lsn at_least,
                     Done done) {
  if (!shipped) {
    done(EIO);
    return;
  }
  log_->WhenDurable(
      std::max(*shipped, at_least), client::kNoDeadline,
      [done = std::move(done)](const client::Result<>& result) mutable { done(result ? 0 : EIO); });
}

void LogStore::Sync(const InodePtr& inode, Done done) {
  if (!Writable()) {
    done(EIO);
    return;
  }
  const auto shipped = ShipFile(inode, Reason::kSync, client::kNoDeadline);
  protocol::Lsn at_least = 0;
  {
    const std::lock_guard lock(inode->mutex);
    at_least = std::max(inode->shipped, metadata_end_.load());
  }
  Reply(shipped, at_least, std::move(done));
}

void LogStore::SyncMetadata(Done done) {
  if (!Writable()) {
    done(EIO);
    return;
  }
  const auto shipped = ShipMetadata(client::kNoDeadline);
  Reply(shipped, metadata_end_, std::move(done));
}

client::Result<> LogStore::Flush(client::Deadline deadline, bool serving) {
  std::vector<InodePtr> files;
  {
    const std::lock_guard lock(dirty_mutex_);
    files.assign(dirty_.begin(), dirty_.end());
  }
  for (const auto& file : files) {
    const auto shipped = ShipFile(file, serving ? Reason::kBackground : Reason::kEnd, deadline);
    if (!shipped) {
      return std::unexpected(shipped.error());
    }
  }
  if (const auto shipped = ShipMetadata(deadline); !shipped) {
    return std::unexpected(shipped.error());
  }
  return log_->WaitDurable(log_->end(), deadline);
}

ConstPagePtr LogStore::Held(const Inode& inode, std::uint64_t page) {
  return cache_.Get({inode.id, page});
}

void LogStore::Fetched(const Inode& inode, std::uint64_t page, ConstPagePtr bytes) {
  cache_.Put({inode.id, page}, std::move(bytes), 0);
}

void LogStore::Drop(const Inode& inode, std::uint64_t first, std::uint64_t end) {
  cache_.Erase(inode.id, first, end);
}

protocol::Position LogStore::position() const { return log_->PositionAt(log_->vdl()); }

std::uint64_t LogStore::NewInode() { return first_inode_ + inodes_made_++; }

}  // namespace sextant::volume
