#include "storage/disk_host.h"

#include <chrono>
#include <ranges>

namespace sextant::storage {
namespace {

constexpr auto kMaintenanceInterval = std::chrono::milliseconds(50);

}  // namespace

Result<std::unique_ptr<DiskHost>> DiskHost::Open(FileSystem& files, const DiskHostOptions& options,
                                                 WriterEvents events) {
  auto store = Store::Open(files, options.store);
  if (!store) {
    return std::unexpected(store.error());
  }
  return std::unique_ptr<DiskHost>(new DiskHost(std::move(*store), options, std::move(events)));
}

DiskHost::DiskHost(std::unique_ptr<Store> store, const DiskHostOptions& options,
                   WriterEvents events)
    : options_(options),
      store_(std::move(store)),
      events_(std::move(events)),
      ingester_(std::make_unique<Ingester>(*store_, events_.failed)),
      writer_(std::make_unique<LogWriter>(*store_, *ingester_, events_)),
      trimmer_(
          std::make_unique<Trimmer>(*store_, *writer_, options.trim_log_bytes, events_.failed)),
      readers_(std::make_unique<ReadPool>(*store_, *ingester_, options.read_threads,
                                          events_.completed, events_.failed)),
      maintenance_([this](const std::stop_token& stop) { Maintain(stop); }) {}

void DiskHost::Submit(protocol::DiskOperation operation) {
  std::visit([this](auto& alternative) { Do(std::move(alternative)); }, operation);
}

void DiskHost::Do(protocol::CollectVersions&& operation) {
  store_->index().SetRetention(operation.branch, {operation.horizon, std::move(operation.pins)});
  const std::scoped_lock lock(mutex_);
  horizons_[operation.branch] = operation.horizon;
}

bool DiskHost::AcceptsGroups(BranchId branch) const {
  return !full() && writer_->queued_bytes() < options_.queued_bytes &&
         store_->index().status(branch).log_bytes_in_memory < options_.unindexed_bytes;
}

bool DiskHost::WaitForIndex(BranchId branch, Lsn lsn) {
  for (const Index::Ancestor& ancestor :
       std::views::reverse(store_->index().Lineage(branch, lsn))) {
    if (ingester_->WaitFor(ancestor.branch, ancestor.lsn)) {
      return false;
    }
  }
  return true;
}

void DiskHost::Maintain(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto spares = PrepareSpares();
    no_spare_ = !spares && spares.error().kind == DiskError::Kind::kFull;
    if (!no_spare_ && writer_->full()) {
      writer_->Retry();
    }
    auto done = FlushIndex();
    if (done) {
      done = CompactIndex();
    }
    for (const auto& result : {spares, done}) {
      if (!result && result.error().kind != DiskError::Kind::kFull) {
        events_.failed(result.error());
        return;
      }
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, kMaintenanceInterval, [] { return false; });
  }
}

Result<> DiskHost::PrepareSpares() {
  for (const BranchId branch : store_->logs().Branches()) {
    Log* log = store_->logs().Find(branch);
    if (log->end() == log->start()) {
      continue;  // a branch nobody writes to costs no segment
    }
    if (auto prepared = log->Prepare(); !prepared) {
      return prepared;
    }
  }
  return {};
}

Result<> DiskHost::FlushIndex() {
  while (true) {
    const auto flushed = store_->index().FlushOne();
    if (!flushed) {
      return std::unexpected(flushed.error());
    }
    if (!*flushed) {
      return {};
    }
  }
}

Result<> DiskHost::CompactIndex() {
  std::vector<std::pair<BranchId, Lsn>> due;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [branch, horizon] : horizons_) {
      if (horizon - std::min(horizon, compacted_[branch]) >= options_.compaction_log_bytes) {
        due.emplace_back(branch, horizon);
        compacted_[branch] = horizon;
      }
    }
  }
  for (const auto& [branch, horizon] : due) {
    if (auto compacted = store_->index().Compact(branch); !compacted) {
      return compacted;
    }
  }
  return {};
}

}  // namespace sextant::storage
