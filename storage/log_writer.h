// Carries out what changes the disk, in order, on one thread: one sync for all that waits for one.
#pragma once

#include "storage/ingester.h"
#include "storage/store.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

namespace sextant::storage {

// The log begins at `start`, which the index can do without.
struct DropLog {
  BranchId branch = 0;
  Lsn start = 0;
};

using WriteOperation =
    std::variant<protocol::PersistNode, protocol::PersistBranch, protocol::WriteLog,
                 protocol::SyncLog, protocol::TruncateLog, protocol::RepairLog, DropLog>;

struct WriterEvents {
  std::function<void(protocol::DiskCompletion)> completed;
  // The disk refused, and nothing more is written. Told once.
  std::function<void(const DiskError&)> failed;
};

// Thread-safe. When the disk is full, groups and what waits for their sync are held until there is
// space, and what needs none goes on: repairs in place, truncations.
class LogWriter {
 public:
  LogWriter(Store& store, Ingester& ingester, WriterEvents events);
  ~LogWriter() = default;
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void Submit(WriteOperation operation);
  // There may be space again.
  void Retry();
  // Operations are held for want of space.
  [[nodiscard]] bool full() const { return full_; }
  // Bytes of groups that were submitted and not written yet.
  [[nodiscard]] std::uint64_t queued_bytes() const { return queued_bytes_; }

 private:
  void Run(const std::stop_token& stop);
  void Carry(std::deque<WriteOperation> operations);
  void SyncWaiting();
  void Fail(const DiskError& error);
  void Hold(WriteOperation operation);

  // Each returns kFull for what is to be held.
  [[nodiscard]] Result<> Do(const protocol::PersistNode& operation);
  [[nodiscard]] Result<> Do(const protocol::PersistBranch& operation);
  [[nodiscard]] Result<> Do(const protocol::WriteLog& operation);
  [[nodiscard]] Result<> Do(const protocol::SyncLog& operation);
  [[nodiscard]] Result<> Do(const protocol::TruncateLog& operation);
  [[nodiscard]] Result<> Do(const protocol::RepairLog& operation);
  [[nodiscard]] Result<> Do(const DropLog& operation);

  Store& store_;
  Ingester& ingester_;
  WriterEvents events_;
  std::atomic<bool> full_ = false;
  std::atomic<std::uint64_t> queued_bytes_ = 0;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<WriteOperation> queue_;
  bool retry_ = false;

  // The thread's own.
  std::deque<WriteOperation> held_;
  std::set<BranchId> held_branches_;  // whose groups are held
  std::vector<BranchId> to_sync_;
  bool failed_ = false;
  std::jthread thread_;
};

}  // namespace sextant::storage
