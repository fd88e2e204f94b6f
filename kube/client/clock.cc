#include "sextant/kube/clock.h"

#include <condition_variable>
#include <mutex>

namespace sextant::kube {

std::chrono::steady_clock::time_point SystemClock::Now() const {
  return std::chrono::steady_clock::now();
}

std::chrono::system_clock::time_point SystemClock::WallNow() const {
  return std::chrono::system_clock::now();
}

bool SystemClock::SleepUntil(std::chrono::steady_clock::time_point time,
                             const std::stop_token& stop) const {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_until(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace sextant::kube
