// Carries out reads on a few threads.
#pragma once

#include "storage/ingester.h"
#include "storage/store.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace sextant::storage {

using ReadOperation = std::variant<protocol::ReadLog, protocol::ReadIndex, protocol::QueryIndex,
                                   protocol::SearchIndex>;

// Thread-safe. A node has a bounded number of reads under way, so the queue needs no bound of its
// own.
class ReadPool {
 public:
  using OnCompletion = std::function<void(protocol::DiskCompletion)>;
  using OnFailure = std::function<void(const DiskError&)>;

  ReadPool(Store& store, Ingester& ingester, std::size_t threads, OnCompletion completed,
           OnFailure failed);
  ~ReadPool() = default;
  ReadPool(const ReadPool&) = delete;
  ReadPool& operator=(const ReadPool&) = delete;

  void Submit(ReadOperation operation);

 private:
  void Run(const std::stop_token& stop);
  void Do(const protocol::ReadLog& operation);
  void Do(const protocol::ReadIndex& operation);
  void Do(const protocol::QueryIndex& operation);
  void Do(const protocol::SearchIndex& operation);
  [[nodiscard]] std::optional<protocol::DamagedGroup> WaitForIndex(BranchId branch, Lsn lsn);
  // Waits for the index, reads, and tells what was read, or which group is bad.
  template <class Completion, class Operation, class Read, class Fill>
  void Answer(const Operation& operation, const Read& read, const Fill& fill);

  Store& store_;
  Ingester& ingester_;
  OnCompletion completed_;
  OnFailure failed_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<ReadOperation> queue_;
  std::vector<std::jthread> threads_;
};

}  // namespace sextant::storage
