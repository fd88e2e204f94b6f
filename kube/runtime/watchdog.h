#pragma once

#include "sextant/kube/runtime/clock.h"
#include "sextant/kube/runtime/key.h"

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>

namespace sextant::kube::runtime {

// Asks work that takes too long to come to an end, on a thread of its own. Safe for concurrent use.
class Watchdog {
  struct Running;
  using Place = std::list<Running>::iterator;

 public:
  // `clock` must outlive it; `on_late` is told of each work that it asks, once.
  Watchdog(const Clock& clock, Duration limit, std::function<void(const Key&)> on_late);
  ~Watchdog() = default;
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Work that is watched as long as this exists.
  class Guard {
   public:
    Guard(Watchdog& watchdog, const Key& key, const std::stop_token& stop);
    ~Guard() { watchdog_.End(place_); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    // Asks to stop when the time is up, and when `stop` does.
    [[nodiscard]] std::stop_token Token() const { return source_.get_token(); }

   private:
    Watchdog& watchdog_;
    std::stop_source source_;
    std::stop_callback<std::function<void()>> forward_;
    const Place place_;
  };

 private:
  struct Running {
    Key key;
    TimePoint deadline;
    std::stop_source source;
    bool is_late = false;
  };

  [[nodiscard]] Place Begin(const Key& key, const std::stop_source& source);
  void End(Place place);
  [[nodiscard]] Place NextLocked();
  void Run(const std::stop_token& stop);

  const Clock& clock_;
  const Duration limit_;
  const std::function<void(const Key&)> on_late_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::list<Running> running_;  // guarded by mutex_; by deadline, for all have the same time
  std::jthread thread_;         // last: it uses all of the above
};

}  // namespace sextant::kube::runtime
