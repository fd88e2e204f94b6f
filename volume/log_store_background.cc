// What nobody waits for: pages that are old, or too many.
#include "volume/log_store.h"

namespace sextant::volume {
namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kOutstanding = 4U << 20;  // above it, commits would queue behind us
constexpr auto kPause = std::chrono::milliseconds(50);

}  // namespace

void LogStore::RunBackground(const std::stop_token& stop) {
  while (!stop.stop_requested() && !failed_) {
    ShipDue(stop);
    std::unique_lock lock(dirty_mutex_);
    dirty_changed_.wait_for(lock, stop, kPause, [this] { return failed_.load(); });
  }
}

void LogStore::ShipDue(const std::stop_token& stop) {
  std::vector<InodePtr> files;
  {
    const std::lock_guard lock(dirty_mutex_);
    files.assign(dirty_.begin(), dirty_.end());
  }
  const auto old = steady_clock::now() - options_.dirty_age;
  for (const auto& file : files) {
    bool due = dirty_bytes() > options_.dirty_bytes / 2;
    {
      const std::lock_guard lock(file->mutex);
      due = due || file->dirty_since <= old;
    }
    if (due) {
      ShipInBackground(file, stop);
    }
  }
  bool due = false;
  {
    const std::lock_guard lock(pending_mutex_);
    due = !pending_.empty() && pending_since_ <= old;
  }
  if (due) {
    const std::lock_guard log(log_mutex_);
    (void)ShipMetadata();  // a failure shows in failed_
  }
}

void LogStore::ShipInBackground(const InodePtr& inode, const std::stop_token& stop) {
  for (std::uint64_t next = 0; next != kNoMore && !stop.stop_requested() && !failed_;) {
    if (writer_->end() > writer_->vdl() + kOutstanding) {
      (void)writer_->WaitDurable(writer_->end() - kOutstanding, steady_clock::now() + kPause);
      continue;
    }
    const std::lock_guard log(log_mutex_);
    if (!ShipGroup(inode, Reason::kBackground, next)) {
      return;
    }
  }
  SettleDirty(inode);
}

}  // namespace sextant::volume
