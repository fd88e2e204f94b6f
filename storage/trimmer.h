// Lets the fronts of logs go, when the index can tell without them what stays readable.
#pragma once

#include "storage/log_writer.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace sextant::storage {

// On a thread of its own: a sweep walks all pages of a branch, and tables go to disk meanwhile.
// Thread-safe.
class Trimmer {
 public:
  using OnFailure = std::function<void(const DiskError&)>;

  // A log is trimmed when that frees so much of it, or an eighth of what the index takes if that is
  // more: a sweep costs a walk over the index.
  Trimmer(Store& store, LogWriter& writer, std::uint64_t least_bytes, OnFailure on_failure);
  ~Trimmer() = default;
  Trimmer(const Trimmer&) = delete;
  Trimmer& operator=(const Trimmer&) = delete;

  // The last word on its branch; tried until it could be done.
  void Submit(protocol::TrimLog operation);

 private:
  void Run(const std::stop_token& stop);
  // False when it is to be tried again.
  bool Trim(const protocol::TrimLog& operation, const std::stop_token& stop);

  Store& store_;
  LogWriter& writer_;
  const std::uint64_t least_bytes_;
  const OnFailure on_failure_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<BranchId, protocol::TrimLog> waiting_;
  std::jthread thread_;
};

}  // namespace sextant::storage
