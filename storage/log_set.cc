#include "storage/log_set.h"

#include <format>
#include <mutex>

namespace sextant::storage {
namespace {

std::unexpected<DiskError> Unknown(BranchId branch) {
  return std::unexpected(
      DiskError{DiskError::Kind::kMisuse, std::format("branch {} is unknown", branch)});
}

}  // namespace

Log* LogSet::Find(BranchId branch) const {
  const std::shared_lock lock(mutex_);
  const auto found = logs_.find(branch);
  return found == logs_.end() ? nullptr : found->second.get();
}

void LogSet::Add(BranchId branch, std::unique_ptr<Log> log) {
  const std::unique_lock lock(mutex_);
  logs_.emplace(branch, std::move(log));
}

void LogSet::Clear() {
  const std::unique_lock lock(mutex_);
  logs_.clear();
}

std::vector<BranchId> LogSet::Branches() const {
  const std::shared_lock lock(mutex_);
  std::vector<BranchId> branches;
  for (const auto& [branch, log] : logs_) {
    branches.push_back(branch);
  }
  return branches;
}

Result<Bytes> LogSet::ReadBytes(BranchId branch, Lsn from, std::size_t size) const {
  const Log* log = Find(branch);
  return log != nullptr ? log->ReadBytes(from, size) : Unknown(branch);
}

Result<LogSlice> LogSet::Read(BranchId branch, Lsn from, std::size_t bytes) const {
  const Log* log = Find(branch);
  return log != nullptr ? log->Read(from, bytes) : Unknown(branch);
}

Lsn LogSet::Start(BranchId branch) const {
  const Log* log = Find(branch);
  return log == nullptr ? 0 : log->start();
}

}  // namespace sextant::storage
