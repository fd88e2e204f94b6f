#pragma once

#include "sextant/kube/runtime/clock.h"
#include "sextant/kube/runtime/key.h"

#include <unordered_map>

namespace sextant::kube::runtime {

// How long an item that failed has to wait for its next turn: the longer of its own exponential
// delay and the place that a token bucket shared by all items has for it.
struct RetryLimits {
  Duration base_delay = std::chrono::milliseconds(5);
  Duration max_delay = std::chrono::seconds(30);
  double per_second = 10;  // of all items together, once `burst` has been used up
  double burst = 100;
};

// Not safe for concurrent use.
class RetryLimiter {
 public:
  explicit RetryLimiter(RetryLimits limits) : limits_(limits), tokens_(limits.burst) {}

  // Counts one more failure of the item and returns its delay.
  [[nodiscard]] Duration Next(const Key& key, TimePoint now);

  // Ends the item's row of failures.
  void Forget(const Key& key) { failures_.erase(key); }

  [[nodiscard]] int Failures(const Key& key) const;
  [[nodiscard]] bool HasFailures() const { return !failures_.empty(); }

 private:
  [[nodiscard]] Duration TakeToken(TimePoint now);

  const RetryLimits limits_;
  std::unordered_map<Key, int> failures_;
  double tokens_;  // below zero: promised to items that wait for them
  TimePoint filled_at_{};
};

}  // namespace sextant::kube::runtime
