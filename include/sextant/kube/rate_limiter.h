// A token bucket: so many calls a second on average, so many at once after a rest.
#pragma once

#include "sextant/kube/clock.h"

#include <chrono>
#include <mutex>
#include <stop_token>

namespace sextant::kube {

// Safe for concurrent use; callers are served in the order they asked.
class TokenBucket {
 public:
  // `rate` > 0 tokens a second, `burst` >= 1. The clock outlives the bucket.
  TokenBucket(double rate, int burst, const Clock& clock);

  // Takes a token, waiting until there is one. False when `stop` asked to, or when the token would
  // come after `deadline` (then it does not wait); no token is taken then.
  [[nodiscard]] bool Take(std::chrono::steady_clock::time_point deadline,
                          const std::stop_token& stop);

  // Takes the next token, which may be one of the future, and says when it comes.
  [[nodiscard]] std::chrono::steady_clock::time_point Reserve();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  const Clock& clock_;
  const std::chrono::nanoseconds interval_;  // between two tokens
  const std::chrono::nanoseconds capacity_;  // what a full bucket is worth
  std::mutex mutex_;
  TimePoint next_;  // when the token after those taken so far comes, if the bucket never fills
};

}  // namespace sextant::kube
