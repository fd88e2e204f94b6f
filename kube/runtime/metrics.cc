#include "sextant/kube/runtime/metrics.h"

#include "sextant/kube/runtime/http_server.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace sextant::kube::runtime {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;
using prometheus::Registry;

Counter& MakeCounter(Registry& registry, const char* name, const char* help, const Labels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
}

Gauge& MakeGauge(Registry& registry, const char* name, const char* help, const Labels& labels) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
}

// Buckets from a millisecond to ten minutes, thrice a decade.
Histogram& MakeHistogram(Registry& registry, const char* name, const char* help,
                         const Labels& labels) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(
      labels, Histogram::BucketBoundaries{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1,
                                          2, 5, 10, 20, 60, 120, 600});
}

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

QueueMetrics::QueueMetrics(Registry& registry, const std::string& name)
    : depth_(
          MakeGauge(registry, "workqueue_depth", "Keys that wait for a worker", {{"name", name}})),
      adds_(MakeCounter(registry, "workqueue_adds_total", "Keys added", {{"name", name}})),
      retries_(MakeCounter(registry, "workqueue_retries_total", "Keys added after a failure",
                           {{"name", name}})),
      queue_seconds_(MakeHistogram(registry, "workqueue_queue_duration_seconds",
                                   "How long a key waits for a worker", {{"name", name}})),
      work_seconds_(MakeHistogram(registry, "workqueue_work_duration_seconds",
                                  "How long a worker has a key", {{"name", name}})),
      unfinished_seconds_(MakeGauge(registry, "workqueue_unfinished_work_seconds",
                                    "Time spent so far on keys that workers have",
                                    {{"name", name}})),
      longest_seconds_(MakeGauge(registry, "workqueue_longest_running_processor_seconds",
                                 "Time spent so far by the worker that is longest at its key",
                                 {{"name", name}})) {}

void QueueMetrics::Added() { adds_.Increment(); }

void QueueMetrics::Retried() { retries_.Increment(); }

void QueueMetrics::SetDepth(std::size_t depth) { depth_.Set(static_cast<double>(depth)); }

void QueueMetrics::Taken(std::size_t depth, TimePoint now, Duration waited) {
  SetDepth(depth);
  queue_seconds_.Observe(Seconds(waited));
  const std::lock_guard lock(mutex_);
  started_.insert(now);
}

void QueueMetrics::Finished(TimePoint started, TimePoint now) {
  work_seconds_.Observe(Seconds(now - started));
  const std::lock_guard lock(mutex_);
  if (const auto found = started_.find(started); found != started_.end()) started_.erase(found);
}

void QueueMetrics::Refresh(TimePoint now) {
  const std::lock_guard lock(mutex_);
  double unfinished = 0;
  for (const TimePoint started : started_) unfinished += Seconds(now - started);
  unfinished_seconds_.Set(unfinished);
  longest_seconds_.Set(started_.empty() ? 0 : Seconds(now - *started_.begin()));
}

ControllerMetrics::ControllerMetrics(Registry& registry, const std::string& name, int workers)
    : success_(MakeCounter(registry, "controller_runtime_reconcile_total", "Reconciliations",
                           {{"controller", name}, {"result", "success"}})),
      requeue_after_(MakeCounter(registry, "controller_runtime_reconcile_total", "Reconciliations",
                                 {{"controller", name}, {"result", "requeue_after"}})),
      error_(MakeCounter(registry, "controller_runtime_reconcile_total", "Reconciliations",
                         {{"controller", name}, {"result", "error"}})),
      errors_(MakeCounter(registry, "controller_runtime_reconcile_errors_total",
                          "Reconciliations that failed", {{"controller", name}})),
      terminal_errors_(MakeCounter(registry, "controller_runtime_terminal_reconcile_errors_total",
                                   "Reconciliations that failed and are not tried again",
                                   {{"controller", name}})),
      exceptions_(MakeCounter(registry, "controller_runtime_reconcile_panics_total",
                              "Reconciliations that ended by an exception",
                              {{"controller", name}})),
      timeouts_(MakeCounter(registry, "controller_runtime_reconcile_timeouts_total",
                            "Reconciliations that were asked to end, for they took too long",
                            {{"controller", name}})),
      seconds_(MakeHistogram(registry, "controller_runtime_reconcile_time_seconds",
                             "How long a reconciliation takes", {{"controller", name}})),
      active_workers_(MakeGauge(registry, "controller_runtime_active_workers",
                                "Workers that reconcile now", {{"controller", name}})) {
  MakeGauge(registry, "controller_runtime_max_concurrent_reconciles", "Workers there are",
            {{"controller", name}})
      .Set(workers);
}

void ControllerMetrics::Started() { active_workers_.Increment(); }

void ControllerMetrics::Finished(Result result, Duration took) {
  active_workers_.Decrement();
  seconds_.Observe(Seconds(took));
  switch (result) {
    case Result::kSuccess:
      return success_.Increment();
    case Result::kRequeueAfter:
      return requeue_after_.Increment();
    case Result::kError:
      break;
    case Result::kTerminalError:
      terminal_errors_.Increment();
      break;
    case Result::kException:
      exceptions_.Increment();
      break;
  }
  error_.Increment();
  errors_.Increment();
}

void ControllerMetrics::TimedOut() { timeouts_.Increment(); }

WatchMetrics::WatchMetrics(Registry& registry, const std::string& resource)
    : restarts_(MakeCounter(registry, "watch_restarts_total", "Watches opened after the first",
                            {{"resource", resource}})),
      relists_(MakeCounter(registry, "watch_relists_total", "Lists read after the first",
                           {{"resource", resource}})),
      events_(MakeCounter(registry, "watch_events_total", "Watch events, bookmarks among them",
                          {{"resource", resource}})),
      last_event_age_(MakeGauge(registry, "watch_last_event_age_seconds",
                                "Time since the API server was last heard",
                                {{"resource", resource}})) {}

void WatchMetrics::Restarted() { restarts_.Increment(); }

void WatchMetrics::Relisted() { relists_.Increment(); }

void WatchMetrics::EventSeen(TimePoint now) {
  events_.Increment();
  last_event_at_ = now;
}

void WatchMetrics::Refresh(TimePoint now) {
  const TimePoint at = last_event_at_;
  if (at != TimePoint{}) last_event_age_.Set(Seconds(now - at));
}

void ApiMetrics::Finished(const CallRecord& call) {
  const std::string verb(call.verb);
  MakeCounter(registry_, "rest_client_requests_total", "Calls of the API by their answer",
              {{"code", call.status == 0 ? "<error>" : std::to_string(call.status)},
               {"method", verb}})  // Kubernetes' verb, which is finer than HTTP's method
      .Increment();
  if (verb == "watch") return;  // lasts as long as the server likes
  MakeHistogram(registry_, "rest_client_request_duration_seconds",
                "How long a call of the API takes", {{"verb", verb}})
      .Observe(Seconds(call.duration));
}

LeaderMetrics::LeaderMetrics(Registry& registry, const std::string& name)
    : status_(MakeGauge(registry, "leader_election_master_status", "1 while this process leads",
                        {{"name", name}})) {}

void LeaderMetrics::SetLeading(bool leading) { status_.Set(leading ? 1 : 0); }

EventMetrics::EventMetrics(Registry& registry)
    : sent_(MakeCounter(registry, "event_recorder_sent_total", "Events written", {})),
      dropped_(MakeCounter(registry, "event_recorder_dropped_total",
                           "Events given up: too many at once, or refused by the API", {})) {}

void EventMetrics::Sent() { sent_.Increment(); }

void EventMetrics::Dropped() { dropped_.Increment(); }

Metrics::Metrics(const Clock& clock)
    : clock_(clock),
      registry_(std::make_unique<prometheus::Registry>()),
      api_(*registry_),
      events_(*registry_) {}

Metrics::~Metrics() = default;

QueueMetrics& Metrics::Queue(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return *queues_.emplace_back(std::make_unique<QueueMetrics>(*registry_, name));
}

ControllerMetrics& Metrics::Controller(const std::string& name, int workers) {
  const std::lock_guard lock(mutex_);
  return *controllers_.emplace_back(std::make_unique<ControllerMetrics>(*registry_, name, workers));
}

WatchMetrics& Metrics::Watch(const std::string& resource) {
  const std::lock_guard lock(mutex_);
  return *watches_.emplace_back(std::make_unique<WatchMetrics>(*registry_, resource));
}

LeaderMetrics& Metrics::Leader(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return *leaders_.emplace_back(std::make_unique<LeaderMetrics>(*registry_, name));
}

std::string Metrics::Text() {
  {
    const std::lock_guard lock(mutex_);
    const TimePoint now = clock_.Now();
    for (const auto& queue : queues_) queue->Refresh(now);
    for (const auto& watch : watches_) watch->Refresh(now);
  }
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

HttpHandler AnswerMetrics(Metrics& metrics) {
  return [&metrics] {
    return HttpAnswer{.body = metrics.Text(),
                      .content_type = "text/plain; version=0.0.4; charset=utf-8"};
  };
}

}  // namespace sextant::kube::runtime
