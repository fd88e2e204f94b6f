// What nobody waits for: pages that are old, or too many.
#include "volume/log_store.h"

namespace sextant::volume {
namespace {

using std::chrono::steady_clock;

constexpr auto kPause = std::chrono::milliseconds(50);

}  // namespace

void LogStore::RunBackground(const std::stop_token& stop) {
  while (!stop.stop_requested() && Writable()) {
    ShipDue();
    std::unique_lock lock(dirty_mutex_);
    dirty_changed_.wait_for(lock, stop, kPause, [this] { return failed_.load(); });
  }
}

void LogStore::ShipDue() {
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
    // Without a quorum it is tried again: what the failure was shows in Writable.
    if (due && !ShipFile(file, Reason::kBackground, steady_clock::now() + kPause)) {
      return;
    }
  }
  bool due = OverBudget();
  {
    const std::lock_guard lock(pending_mutex_);
    due = due || (!pending_.empty() && pending_since_ <= old);
  }
  if (due) {
    (void)ShipMetadata(steady_clock::now() + kPause);
  }
}

}  // namespace sextant::volume
