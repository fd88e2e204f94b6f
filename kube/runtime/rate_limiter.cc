#include "sextant/kube/runtime/rate_limiter.h"

#include <algorithm>

namespace sextant::kube::runtime {

Duration RetryLimiter::Next(const Key& key, TimePoint now) {
  const int failures = failures_[key]++;
  Duration delay = limits_.base_delay;
  for (int i = 0; i < failures && delay < limits_.max_delay; ++i) delay *= 2;
  return std::max(std::min(delay, limits_.max_delay), TakeToken(now));
}

int RetryLimiter::Failures(const Key& key) const {
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

Duration RetryLimiter::TakeToken(TimePoint now) {
  const std::chrono::duration<double> since = now - filled_at_;
  tokens_ = std::min(limits_.burst, tokens_ + since.count() * limits_.per_second);
  filled_at_ = now;
  tokens_ -= 1;
  if (tokens_ >= 0) return Duration::zero();
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(-tokens_ / limits_.per_second));
}

}  // namespace sextant::kube::runtime
