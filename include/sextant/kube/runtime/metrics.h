// What the runtime measures about itself, for Prometheus. Names are those of client-go and
// controller-runtime where they have one, so that dashboards made for those work.
#pragma once

#include "sextant/kube/client.h"
#include "sextant/kube/runtime/clock.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
}  // namespace prometheus

namespace sextant::kube::runtime {

// workqueue_*{name}. Safe for concurrent use, like everything below.
class QueueMetrics {
 public:
  QueueMetrics(prometheus::Registry& registry, const std::string& name);

  void Added();
  void Retried();
  void SetDepth(std::size_t depth);
  void Taken(std::size_t depth, TimePoint now, Duration waited);
  void Finished(TimePoint started, TimePoint now);

  // Brings what depends on the time up to date.
  void Refresh(TimePoint now);

 private:
  prometheus::Gauge& depth_;
  prometheus::Counter& adds_;
  prometheus::Counter& retries_;
  prometheus::Histogram& queue_seconds_;
  prometheus::Histogram& work_seconds_;
  prometheus::Gauge& unfinished_seconds_;
  prometheus::Gauge& longest_seconds_;
  std::mutex mutex_;
  std::multiset<TimePoint> started_;  // guarded by mutex_
};

// controller_runtime_*{controller}.
class ControllerMetrics {
 public:
  ControllerMetrics(prometheus::Registry& registry, const std::string& name, int workers);

  enum class Result { kSuccess, kRequeueAfter, kError, kTerminalError, kException };
  void Started();
  void Finished(Result result, Duration took);
  void TimedOut();

 private:
  prometheus::Counter& success_;
  prometheus::Counter& requeue_after_;
  prometheus::Counter& error_;
  prometheus::Counter& errors_;
  prometheus::Counter& terminal_errors_;
  prometheus::Counter& exceptions_;
  prometheus::Counter& timeouts_;
  prometheus::Histogram& seconds_;
  prometheus::Gauge& active_workers_;
};

// watch_*{resource}.
class WatchMetrics {
 public:
  WatchMetrics(prometheus::Registry& registry, const std::string& resource);

  void Restarted();
  void Relisted();
  void EventSeen(TimePoint now);
  void Refresh(TimePoint now);

 private:
  prometheus::Counter& restarts_;
  prometheus::Counter& relists_;
  prometheus::Counter& events_;
  prometheus::Gauge& last_event_age_;
  std::atomic<TimePoint> last_event_at_{TimePoint{}};
};

// rest_client_*{verb}: what a client's on_call tells.
class ApiMetrics {
 public:
  explicit ApiMetrics(prometheus::Registry& registry) : registry_(registry) {}

  void Finished(const CallRecord& call);

 private:
  prometheus::Registry& registry_;
};

// leader_election_master_status{name}.
class LeaderMetrics {
 public:
  LeaderMetrics(prometheus::Registry& registry, const std::string& name);

  void SetLeading(bool leading);

 private:
  prometheus::Gauge& status_;
};

// event_recorder_*.
class EventMetrics {
 public:
  explicit EventMetrics(prometheus::Registry& registry);

  void Sent();
  void Dropped();

 private:
  prometheus::Counter& sent_;
  prometheus::Counter& dropped_;
};

// Owns all of the above, and whatever a program registers beside it. What the functions return
// lives as long as this object. Safe for concurrent use.
class Metrics {
 public:
  explicit Metrics(const Clock& clock);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  [[nodiscard]] prometheus::Registry& Registry() { return *registry_; }

  [[nodiscard]] QueueMetrics& Queue(const std::string& name);
  [[nodiscard]] ControllerMetrics& Controller(const std::string& name, int workers);
  [[nodiscard]] WatchMetrics& Watch(const std::string& resource);
  [[nodiscard]] ApiMetrics& Api() { return api_; }
  [[nodiscard]] LeaderMetrics& Leader(const std::string& name);
  [[nodiscard]] EventMetrics& Events() { return events_; }

  // Everything in Prometheus' text format.
  [[nodiscard]] std::string Text();

 private:
  const Clock& clock_;
  const std::unique_ptr<prometheus::Registry> registry_;
  ApiMetrics api_;
  EventMetrics events_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<std::unique_ptr<QueueMetrics>> queues_;
  std::vector<std::unique_ptr<ControllerMetrics>> controllers_;
  std::vector<std::unique_ptr<WatchMetrics>> watches_;
  std::vector<std::unique_ptr<LeaderMetrics>> leaders_;
};

}  // namespace sextant::kube::runtime
