#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sextant::testing {

// How long it takes from a change to its reconciliation. Changes of one object are numbered; the
// reconciliation of one is that of all before it. Safe for concurrent use.
class LatencyLog {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Spans = std::vector<std::pair<TimePoint, TimePoint>>;

  void Changed(const std::string& object, std::int64_t number, TimePoint at) {
    const std::lock_guard lock(mutex_);
    open_[object][number] = at;
  }

  void Reconciled(const std::string& object, std::int64_t number, TimePoint at) {
    const std::lock_guard lock(mutex_);
    const auto changes = open_.find(object);
    if (changes == open_.end()) return;
    while (!changes->second.empty() && changes->second.begin()->first <= number) {
      closed_.emplace_back(changes->second.begin()->second, at);
      changes->second.erase(changes->second.begin());
    }
  }

  // What the server took to answer a change: the yardstick.
  void Answered(TimePoint asked_at, TimePoint at) {
    const std::lock_guard lock(mutex_);
    answers_.emplace_back(asked_at, at);
  }

  // Of all changes that were reconciled, when both happened.
  [[nodiscard]] Spans Closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  [[nodiscard]] Spans Answers() const {
    const std::lock_guard lock(mutex_);
    return answers_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::int64_t, TimePoint>> open_;
  Spans closed_;
  Spans answers_;
};

}  // namespace sextant::testing
