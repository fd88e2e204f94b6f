#include "storage/trimmer.h"

#include <algorithm>
#include <utility>

namespace sextant::storage {
namespace {

// Tables end, and damage is repaired, without anybody saying so here.
constexpr auto kTryAgain = std::chrono::seconds(5);

}  // namespace

Trimmer::Trimmer(Store& store, LogWriter& writer, std::uint64_t least_bytes, OnFailure on_failure)
    : store_(store),
      writer_(writer),
      least_bytes_(least_bytes),
      on_failure_(std::move(on_failure)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void Trimmer::Submit(protocol::TrimLog operation) {
  const std::scoped_lock lock(mutex_);
  waiting_[operation.branch] = std::move(operation);
  changed_.notify_one();
}

void Trimmer::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::map<BranchId, protocol::TrimLog> due;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, stop, [this] { return !waiting_.empty(); });
      due = std::exchange(waiting_, {});
    }
    std::erase_if(due, [&](const auto& entry) { return Trim(entry.second, stop); });
    std::unique_lock lock(mutex_);
    if (!due.empty()) {
      changed_.wait_for(lock, stop, kTryAgain, [this] { return !waiting_.empty(); });
      waiting_.merge(due);  // what was said since counts
    }
  }
}

bool Trimmer::Trim(const protocol::TrimLog& operation, const std::stop_token& stop) {
  const Log* log = store_.logs().Find(operation.branch);
  Index& index = store_.index();
  const Lsn start = index.Boundary(operation.branch, operation.below);
  if (log == nullptr || start < log->start() + std::max(least_bytes_, index.bytes_on_disk() / 8)) {
    return log == nullptr;
  }
  const auto swept = index.Sweep(operation.branch, start, operation.kept,
                                 [&stop] { return stop.stop_requested(); });
  if (!swept) {
    const bool full = swept.error().kind == DiskError::Kind::kFull;
    if (!full) {
      on_failure_(swept.error());
    }
    return !full;
  }
  if (*swept) {
    writer_.Submit(DropLog{operation.branch, start});
  }
  return *swept;
}

}  // namespace sextant::storage
