#pragma once

#include "sextant/kube/clock.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>

namespace sextant::kube::runtime {

// Stands still until a test moves it. Safe for concurrent use.
class FakeClock final : public Clock {
 public:
  FakeClock() = default;

  [[nodiscard]] std::chrono::steady_clock::time_point Now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }

  [[nodiscard]] std::chrono::system_clock::time_point WallNow() const override {
    return std::chrono::sys_days(std::chrono::year(2026) / 1 / 1) +
           std::chrono::duration_cast<std::chrono::system_clock::duration>(Now() - kStart);
  }

  [[nodiscard]] bool SleepUntil(std::chrono::steady_clock::time_point time,
                                const std::stop_token& stop) const override {
    std::unique_lock lock(mutex_);
    const auto entry = sleepers_.insert(time);
    changed_.notify_all();
    changed_.wait(lock, stop, [&] { return now_ >= time; });
    sleepers_.erase(entry);
    return !stop.stop_requested();
  }

  void Advance(std::chrono::steady_clock::duration by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
    changed_.notify_all();
  }

  // Waits until some thread sleeps that only a later time will wake.
  void AwaitSleeper() const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !sleepers_.empty() && *sleepers_.rbegin() > now_; });
  }

 private:
  static constexpr std::chrono::steady_clock::time_point kStart{std::chrono::hours(1000)};

  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  std::chrono::steady_clock::time_point now_ = kStart;
  mutable std::multiset<std::chrono::steady_clock::time_point> sleepers_;
};

}  // namespace sextant::kube::runtime
