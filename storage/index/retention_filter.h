// Retention as RocksDB's compaction applies it.
#pragma once

#include "storage/index/retention.h"

#include <rocksdb/compaction_filter.h>

#include <memory>
#include <mutex>

namespace sextant::storage {

// Thread-safe. A compaction works with the retention as it was when it began, which keeps more and
// never less.
class RetentionFilterFactory : public rocksdb::CompactionFilterFactory {
 public:
  void Set(BranchId branch, Retention retention);

  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;
  [[nodiscard]] const char* Name() const override { return "sextant.retention"; }

 private:
  std::mutex mutex_;
  RetentionPolicy policy_;
};

}  // namespace sextant::storage
