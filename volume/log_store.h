// The writer's side: dirty pages and changes of metadata become groups of the branch's log.
#pragma once

#include "volume/nodes.h"
#include "volume/page_cache.h"
#include "volume/store.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

namespace sextant::volume {

struct LogStoreOptions {
  std::uint64_t cache_memory = 64U << 20;
  std::uint64_t dirty_bytes = 64U << 20;  // above it, whoever writes waits
  std::chrono::milliseconds dirty_age = std::chrono::seconds(1);
};

// A group holds at most about a megabyte, whole units, and the metadata before them. What nobody
// waits for goes one group at a time and stops while much is under way, so that a commit never
// queues behind it.
class LogStore final : public Store {
 public:
  LogStore(const LogStoreOptions& options, std::shared_ptr<GroupLog> log);
  ~LogStore() override;

  [[nodiscard]] Outcome<> Admit() override;
  void Changed(const protocol::Record& record) override;
  [[nodiscard]] Outcome<> Written(const InodePtr& inode, std::int64_t pages) override;
  void Sync(const InodePtr& inode, Done done) override;
  void SyncMetadata(Done done) override;
  [[nodiscard]] ConstPagePtr Held(const Inode& inode, std::uint64_t page) override;
  void Fetched(const Inode& inode, std::uint64_t page, ConstPagePtr bytes) override;
  void Drop(const Inode& inode, std::uint64_t first, std::uint64_t end) override;
  [[nodiscard]] protocol::Position position() const override;
  [[nodiscard]] std::uint64_t NewInode() override;

  // Everything, durable. `serving`: requests may still come, so that what the kernel has brought in
  // part only, if anything, is not taken.
  [[nodiscard]] client::Result<> Flush(client::Deadline deadline, bool serving);
  // No more writes: what is dirty is lost unless it was flushed.
  void Stop();

  [[nodiscard]] std::uint64_t dirty_bytes() const { return dirty_pages_ * kPageSize; }
  [[nodiscard]] const PageCache& cache() const { return cache_; }

 private:
  // What one group takes from a file.
  struct Batch {
    std::vector<protocol::Record> records;
    bool has_metadata = false;  // that other files' syncs wait for as well
    std::vector<std::pair<protocol::PageId, ConstPagePtr>> pages;
  };
  // A sync asks for the bytes and comes when no write is half here; the background asks for the
  // times as well, and comes at any moment; at the end both.
  enum class Reason : std::uint8_t { kSync, kBackground, kEnd };

  // Open, and not fenced.
  [[nodiscard]] bool Writable();
  void Fail();
  [[nodiscard]] bool OverBudget() const;

  // The end of the last group, or 0 when there was nothing to ship. Lets others append between
  // groups.
  [[nodiscard]] client::Result<protocol::Lsn> ShipFile(const InodePtr& inode, Reason reason,
                                                       client::Deadline deadline);
  [[nodiscard]] client::Result<protocol::Lsn> ShipMetadata(client::Deadline deadline);
  // Until little is under way.
  [[nodiscard]] client::Result<> WaitForRoom(client::Deadline deadline);

  using LogLock = std::unique_lock<std::timed_mutex>;
  [[nodiscard]] client::Result<LogLock> LockLog(client::Deadline deadline);

  // --- With the log locked. ---

  // One group, with the file's pages from `next` on, which moves behind them; kNoMore at the end.
  [[nodiscard]] client::Result<protocol::Lsn> ShipGroup(const InodePtr& inode, Reason reason,
                                                        std::uint64_t& next);
  [[nodiscard]] client::Result<protocol::Lsn> Append(const std::vector<protocol::Record>& records,
                                                     bool has_metadata);
  // With the inode's mutex held: pages from `next` on.
  void Take(Inode& inode, Reason reason, std::uint64_t& next, Batch& batch);
  void TakePages(Inode& inode, Reason reason, std::uint64_t& next, Batch& batch);
  // As many as a group should hold. False: there are more.
  bool TakePending(std::vector<protocol::Record>& records);

  void Reply(const client::Result<protocol::Lsn>& shipped, protocol::Lsn at_least, Done done);
  void RunBackground(const std::stop_token& stop);
  void ShipDue();
  void SettleDirty(const InodePtr& inode);

  static constexpr std::uint64_t kNoMore = ~std::uint64_t{0};

  const LogStoreOptions options_;
  const std::shared_ptr<GroupLog> log_;
  const std::uint64_t first_inode_;
  PageCache cache_;
  std::atomic<std::uint64_t> inodes_made_ = 0;
  std::atomic<std::uint64_t> dirty_pages_ = 0;
  std::atomic<std::uint64_t> pending_count_ = 0;
  std::atomic<bool> failed_ = false;
  std::atomic<protocol::Lsn> metadata_end_ = 0;  // where the log has all metadata that was shipped

  std::timed_mutex log_mutex_;  // groups are taken and appended one after the other

  std::mutex pending_mutex_;
  std::deque<protocol::Record> pending_;
  std::chrono::steady_clock::time_point pending_since_;

  std::mutex dirty_mutex_;
  std::condition_variable_any dirty_changed_;
  std::unordered_set<InodePtr> dirty_;

  std::jthread background_;
};

}  // namespace sextant::volume
