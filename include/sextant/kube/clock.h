// Time as a dependency, so that tests of waits and limits take none.
#pragma once

#include <chrono>
#include <stop_token>

namespace sextant::kube {

// Safe for concurrent use.
class Clock {
 public:
  virtual ~Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  // Never goes back: for deadlines and intervals.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point Now() const = 0;

  // The calendar's: for timestamps that others read, never for intervals.
  [[nodiscard]] virtual std::chrono::system_clock::time_point WallNow() const = 0;

  // Waits; false when the token asked to stop before the time came.
  [[nodiscard]] virtual bool SleepUntil(std::chrono::steady_clock::time_point time,
                                        const std::stop_token& stop) const = 0;

 protected:
  Clock() = default;
};

class SystemClock final : public Clock {
 public:
  SystemClock() = default;
  [[nodiscard]] std::chrono::steady_clock::time_point Now() const override;
  [[nodiscard]] std::chrono::system_clock::time_point WallNow() const override;
  [[nodiscard]] bool SleepUntil(std::chrono::steady_clock::time_point time,
                                const std::stop_token& stop) const override;
};

}  // namespace sextant::kube
