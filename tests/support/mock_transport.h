// Doubles of the API's transport and of time.
#pragma once

#include "sextant/kube/clock.h"
#include "sextant/kube/transport.h"

#include <gmock/gmock.h>

#include <chrono>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace sextant::testing {

class MockTransport : public kube::Transport {
 public:
  MOCK_METHOD(kube::Result<kube::Response>, Send,
              (const kube::Request& request, kube::Deadline deadline, std::stop_token stop),
              (override));
  MOCK_METHOD(kube::Result<kube::StreamEnd>, Stream,
              (const kube::Request& request, kube::LineSink& sink,
               const kube::StreamOptions& options, std::stop_token stop),
              (override));
};

// Time that passes when somebody sleeps, and when a test says so. Safe for concurrent use.
class ManualClock : public kube::Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point Now() const override {
    const std::scoped_lock lock(mutex_);
    return now_;
  }
  [[nodiscard]] std::chrono::system_clock::time_point WallNow() const override {
    const std::scoped_lock lock(mutex_);
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(now_.time_since_epoch()));
  }
  [[nodiscard]] bool SleepUntil(std::chrono::steady_clock::time_point time,
                                const std::stop_token& stop) const override {
    if (stop.stop_requested()) return false;
    const std::scoped_lock lock(mutex_);
    if (time > now_) now_ = time;
    return true;
  }

  void Advance(std::chrono::nanoseconds time) {
    const std::scoped_lock lock(mutex_);
    now_ += time;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::chrono::steady_clock::time_point now_{std::chrono::hours(1000)};
};

// Keeps the lines it is given.
class CollectingSink : public kube::LineSink {
 public:
  bool OnLine(std::string_view line) override {
    lines_.emplace_back(line);
    return true;
  }
  [[nodiscard]] const std::vector<std::string>& Lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

}  // namespace sextant::testing
