#pragma once

#include "sextant/kube/client.h"
#include "sextant/kube/runtime/clock.h"
#include "sextant/kube/runtime/event_series.h"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace sextant::kube::runtime {

class EventMetrics;

struct EventRecorderOptions {
  std::string controller;  // "sextant.dev/operator"
  std::string instance;    // the pod's name
  EventSeriesOptions series = {};
  std::size_t max_waiting = 1000;  // more than these are dropped, and counted
  std::size_t max_attempts = 12;   // to write one
  std::chrono::milliseconds retry_delay = std::chrono::seconds(1);  // doubled up to 30 s
};

// Tells users what happens to their objects, as events of events.k8s.io/v1 (`kubectl get events`).
// Best effort by its nature: decide nothing by events. Safe for concurrent use.
class EventRecorder {
 public:
  // `client`, `clock` and `metrics`, which may be null, must outlive it.
  EventRecorder(const Client& client, EventRecorderOptions options, const Clock& clock,
                EventMetrics* metrics = nullptr);
  ~EventRecorder();
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  // Never blocks. `regarding` is an object that the server has stored. Reason and action are
  // CamelCase words, the note is a sentence; what is above the API's bounds is cut off.
  void Record(const Json& regarding, EventType type, std::string_view reason,
              std::string_view action, std::string_view note);

  // Waits until everything recorded so far is written or dropped; false when that takes longer.
  [[nodiscard]] bool Flush(Duration timeout);

  // Drops what waits.
  void Stop();

 private:
  struct Waiting {
    EventKey key;
    TimePoint seen;
  };

  void Run(const std::stop_token& stop);
  void Write(const EventSeries::Write& write, const std::stop_token& stop);
  [[nodiscard]] Result<Json> WriteOnce(const EventSeries::Write& write,
                                       const std::stop_token& stop) const;
  [[nodiscard]] Json NewEvent(const EventSeries::Write& write) const;
  [[nodiscard]] std::string WallTime(TimePoint time) const;
  void Drop();

  const Client& client_;
  const EventRecorderOptions options_;
  const Clock& clock_;
  EventMetrics* const metrics_;
  EventSeries series_;  // of the thread, as is:
  std::mt19937_64 random_{std::random_device{}()};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Waiting> waiting_;  // guarded by mutex_, as is:
  bool is_writing_ = false;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace sextant::kube::runtime
