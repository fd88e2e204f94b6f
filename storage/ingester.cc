#include "storage/ingester.h"

namespace sextant::storage {
namespace {

constexpr std::size_t kReadAtOnce = 1U << 20;

}  // namespace

Ingester::Ingester(Store& store, OnFailure on_failure)
    : store_(store),
      on_failure_(std::move(on_failure)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void Ingester::Wake() {
  const std::scoped_lock lock(mutex_);
  wake_ = true;
  ++wakes_;
  damage_.clear();  // it may have been repaired; what is still there is found again
  changed_.notify_all();
}

std::optional<LsnRange> Ingester::WaitFor(BranchId branch, Lsn lsn) {
  std::unique_lock lock(mutex_);
  std::optional<LsnRange> damage;
  changed_.wait(lock, [&] {
    const Log* log = store_.logs().Find(branch);
    const Lsn ingested = store_.index().ingested(branch);
    if (failed_ || log == nullptr || ingested >= std::min(lsn, log->readable())) {
      return true;
    }
    if (const auto found = damage_.find(branch); found != damage_.end()) {
      damage = found->second;
    }
    wake_ = true;
    changed_.notify_all();
    return damage.has_value() || thread_.get_stop_token().stop_requested();
  });
  return damage;
}

void Ingester::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool worked = false;
    for (const BranchId branch : store_.logs().Branches()) {
      worked |= Advance(branch);
    }
    std::unique_lock lock(mutex_);
    changed_.notify_all();
    if (failed_) {
      return;
    }
    if (!worked) {
      changed_.wait(lock, stop, [&] { return wake_; });
    }
    wake_ = false;
  }
}

bool Ingester::Advance(BranchId branch) {
  Index& index = store_.index();
  std::uint64_t wakes = 0;
  {
    const std::scoped_lock lock(mutex_);
    wakes = wakes_;
  }
  const std::uint64_t cuts = index.cuts(branch);
  const Lsn before = index.ingested(branch);
  const auto slice = store_.logs().Read(branch, before, kReadAtOnce);
  Result<> done = slice ? Result<>() : std::unexpected(slice.error());
  if (slice) {
    for (const Group& group : slice->groups) {
      if (done) {
        done = index.Ingest(group, cuts);
      }
    }
  }
  const std::scoped_lock lock(mutex_);
  if (!done) {
    failed_ = true;
    on_failure_(done.error());
    return false;
  }
  const bool advanced = index.ingested(branch) > before;
  if (advanced || !slice->damaged) {
    damage_.erase(branch);
  } else if (wakes == wakes_) {  // else it may have been repaired since
    damage_[branch] = *slice->damaged;
  }
  return advanced;
}

}  // namespace sextant::storage
