#include "storage/index/retention_filter.h"

#include <algorithm>

namespace sextant::storage {
namespace {

class RetentionFilter : public rocksdb::CompactionFilter {
 public:
  explicit RetentionFilter(RetentionPolicy policy) : sieve_(std::move(policy)) {}

  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*,
              bool*) const override {
    return sieve_.MayDrop(key.ToStringView(), value.ToStringView());
  }
  [[nodiscard]] const char* Name() const override { return "sextant.retention"; }

 private:
  mutable RetentionSieve
      sieve_;  // one thread has each filter; only the method's signature is const
};

}  // namespace

void RetentionFilterFactory::Set(BranchId branch, Retention retention) {
  std::ranges::sort(retention.pins);
  const std::scoped_lock lock(mutex_);
  policy_[branch] = std::move(retention);
}

std::unique_ptr<rocksdb::CompactionFilter> RetentionFilterFactory::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context&) {
  const std::scoped_lock lock(mutex_);
  return std::make_unique<RetentionFilter>(policy_);
}

}  // namespace sextant::storage
