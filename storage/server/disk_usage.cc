#include "storage/server/disk_usage.h"

#include <charconv>

namespace sextant::storage::server {
namespace {

namespace fs = std::filesystem;

constexpr auto kInterval = std::chrono::seconds(5);

// Files come and go while they are counted.
std::uint64_t SizeOf(const fs::path& directory) {
  std::uint64_t size = 0;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(directory, error);
       !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code gone;
    if (entry->is_regular_file(gone)) {
      const std::uint64_t bytes = entry->file_size(gone);
      size += gone ? 0 : bytes;
    }
  }
  return size;
}

}  // namespace

std::uint64_t DiskUsage::used() const {
  std::uint64_t sum = index;
  for (const auto& [branch, size] : logs) {
    sum += size;
  }
  return sum;
}

DiskUsage MeasureDisk(const fs::path& data_directory) {
  DiskUsage usage;
  std::error_code error;
  for (auto entry = fs::directory_iterator(data_directory / "branches", error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    protocol::BranchId branch = 0;
    std::from_chars(name.data(), name.data() + name.size(), branch, 16);
    usage.logs[branch] = SizeOf(entry->path());
  }
  usage.index = SizeOf(data_directory / "index");
  if (const auto space = fs::space(data_directory, error); !error) {
    usage.free = space.available;
    usage.capacity = space.capacity;
  }
  return usage;
}

DiskUsageSampler::DiskUsageSampler(fs::path data_directory)
    : data_directory_(std::move(data_directory)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

DiskUsage DiskUsageSampler::Latest() const {
  const std::scoped_lock lock(mutex_);
  return latest_;
}

void DiskUsageSampler::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    DiskUsage usage = MeasureDisk(data_directory_);
    std::unique_lock lock(mutex_);
    latest_ = std::move(usage);
    changed_.wait_for(lock, stop, kInterval, [] { return false; });
  }
}

}  // namespace sextant::storage::server
