// How much of the disk a node's directory takes, and how much is left.
#pragma once

#include "storage/file_system.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace sextant::storage::server {

// Bytes.
struct DiskUsage {
  std::map<protocol::BranchId, std::uint64_t> logs;
  std::uint64_t index = 0;
  std::uint64_t free = 0;      // of the file system
  std::uint64_t capacity = 0;  // of the file system

  [[nodiscard]] std::uint64_t used() const;
};

// What cannot be read counts as nothing.
[[nodiscard]] DiskUsage MeasureDisk(const std::filesystem::path& data_directory);

// Measures now and then on a thread of its own: a disk that hangs must not hang the status.
class DiskUsageSampler {
 public:
  explicit DiskUsageSampler(std::filesystem::path data_directory);

  [[nodiscard]] DiskUsage Latest() const;

 private:
  void Run(const std::stop_token& stop);

  const std::filesystem::path data_directory_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  DiskUsage latest_;
  std::jthread thread_;
};

}  // namespace sextant::storage::server
