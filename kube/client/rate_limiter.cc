#include "sextant/kube/rate_limiter.h"

#include <algorithm>

namespace sextant::kube {

// A bucket is one number: when the next token comes if nobody takes a rest. A bucket at rest has
// that number stop `capacity_` before the present, which is `burst` tokens that have come already.
TokenBucket::TokenBucket(double rate, int burst, const Clock& clock)
    : clock_(clock),
      interval_(std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::duration<double>(1 / rate))),
      capacity_(interval_ * (std::max(burst, 1) - 1)),
      next_(clock.Now() - capacity_) {}

bool TokenBucket::Take(std::chrono::steady_clock::time_point deadline,
                       const std::stop_token& stop) {
  if (stop.stop_requested()) return false;
  TimePoint token;
  {
    const std::scoped_lock lock(mutex_);
    const TimePoint now = clock_.Now();
    token = std::max(next_, now - capacity_);
    if (token > std::max(deadline, now)) return false;
    next_ = token + interval_;
    if (token <= now) return true;
  }
  return clock_.SleepUntil(token, stop);
}

std::chrono::steady_clock::time_point TokenBucket::Reserve() {
  const std::scoped_lock lock(mutex_);
  const TimePoint token = std::max(next_, clock_.Now() - capacity_);
  next_ = token + interval_;
  return token;
}

}  // namespace sextant::kube
