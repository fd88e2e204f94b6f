// The logs of all branches on this disk.
#pragma once

#include "storage/log_source.h"

#include <map>
#include <memory>
#include <shared_mutex>

namespace sextant::storage {

// Thread-safe. Logs are added; in use, they never go.
class LogSet : public LogSource {
 public:
  [[nodiscard]] Log* Find(BranchId branch) const;
  void Add(BranchId branch, std::unique_ptr<Log> log);
  // While nobody uses them.
  void Clear();
  [[nodiscard]] std::vector<BranchId> Branches() const;

  [[nodiscard]] Result<Bytes> ReadBytes(BranchId branch, Lsn from, std::size_t size) const override;
  [[nodiscard]] Result<LogSlice> Read(BranchId branch, Lsn from, std::size_t bytes) const override;
  [[nodiscard]] Lsn Start(BranchId branch) const override;

 private:
  mutable std::shared_mutex mutex_;
  std::map<BranchId, std::unique_ptr<Log>> logs_;
};

}  // namespace sextant::storage
