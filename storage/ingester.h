// Keeps the index behind the logs, on a thread of its own.
#pragma once

#include "storage/store.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace sextant::storage {

// Thread-safe.
class Ingester {
 public:
  using OnFailure = std::function<void(const DiskError&)>;

  Ingester(Store& store, OnFailure on_failure);
  ~Ingester() = default;
  Ingester(const Ingester&) = delete;
  Ingester& operator=(const Ingester&) = delete;

  // Logs have grown, or were repaired.
  void Wake();
  // Waits until the index holds the branch up to `lsn`, or its log if that is shorter. Damage that
  // stands in the way ends the wait and is returned.
  [[nodiscard]] std::optional<LsnRange> WaitFor(BranchId branch, Lsn lsn);

 private:
  void Run(const std::stop_token& stop);
  // One piece of one branch; false when there was nothing to do.
  bool Advance(BranchId branch);

  Store& store_;
  OnFailure on_failure_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool wake_ = false;
  std::uint64_t wakes_ = 0;
  bool failed_ = false;
  std::map<BranchId, LsnRange> damage_;  // in the way
  std::jthread thread_;
};

}  // namespace sextant::storage
