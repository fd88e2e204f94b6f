#include "kube/runtime/watchdog.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sextant::kube::runtime {

Watchdog::Watchdog(const Clock& clock, Duration limit, std::function<void(const Key&)> on_late)
    : clock_(clock),
      limit_(limit),
      on_late_(std::move(on_late)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Watchdog::Guard::Guard(Watchdog& watchdog, const Key& key, const std::stop_token& stop)
    : watchdog_(watchdog),
      forward_(stop, [source = source_]() mutable { source.request_stop(); }),
      place_(watchdog.Begin(key, source_)) {}

Watchdog::Place Watchdog::Begin(const Key& key, const std::stop_source& source) {
  const std::lock_guard lock(mutex_);
  // The time is read under the lock, so that the list stays in order.
  running_.push_back({.key = key, .deadline = clock_.Now() + limit_, .source = source});
  changed_.notify_one();
  return std::prev(running_.end());
}

void Watchdog::End(Place place) {
  const std::lock_guard lock(mutex_);
  running_.erase(place);
}

Watchdog::Place Watchdog::NextLocked() {
  return std::ranges::find(running_, false, &Running::is_late);
}

void Watchdog::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return NextLocked() != running_.end(); })) {
    if (stop.stop_requested()) return;
    const Place next = NextLocked();
    if (const TimePoint deadline = next->deadline; clock_.Now() < deadline) {
      // Whatever begins meanwhile has a later one.
      lock.unlock();
      (void)clock_.SleepUntil(deadline, stop);
      lock.lock();
      continue;
    }
    next->is_late = true;
    std::stop_source source = next->source;
    const Key key = next->key;
    lock.unlock();  // what hears of the stop may want to end at once
    on_late_(key);
    source.request_stop();
    lock.lock();
  }
}

}  // namespace sextant::kube::runtime
