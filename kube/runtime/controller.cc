#include "sextant/kube/runtime/controller.h"

#include "kube/runtime/watchdog.h"
#include "sextant/kube/owner.h"
#include "sextant/kube/runtime/metrics.h"

#include <spdlog/spdlog.h>

#include <exception>

namespace sextant::kube::runtime {
namespace {

using Result = ControllerMetrics::Result;

std::string_view GroupOf(std::string_view api_version) {
  const auto slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view{} : api_version.substr(0, slash);
}

}  // namespace

Mapper ToItself() {
  return [](const Snapshot& snapshot) { return std::vector{snapshot.GetKey()}; };
}

Mapper ToController(GroupVersionResource owner) {
  return [owner = std::move(owner)](const Snapshot& snapshot) -> std::vector<Key> {
    const Json object = snapshot.Object();
    const Json& reference = ControllerOf(object);
    if (FindString(reference, {"kind"}) != owner.kind ||
        GroupOf(FindString(reference, {"apiVersion"})) != owner.group) {
      return {};
    }
    return {{.ns = owner.namespaced ? snapshot.GetKey().ns : "",
             .name = std::string(FindString(reference, {"name"}))}};
  };
}

Controller::Controller(ControllerOptions options, Reconcile reconcile, const Clock& clock,
                       Metrics* metrics)
    : options_(std::move(options)),
      reconcile_(std::move(reconcile)),
      clock_(clock),
      metrics_(metrics == nullptr ? nullptr
                                  : &metrics->Controller(options_.name, options_.workers)),
      queue_(clock, options_.retries,
             metrics == nullptr ? nullptr : &metrics->Queue(options_.name)),
      watchdog_(options_.reconcile_timeout <= Duration::zero()
                    ? nullptr
                    : std::make_unique<Watchdog>(clock, options_.reconcile_timeout,
                                                 [this](const Key& key) { ReportLate(key); })) {}

Controller::~Controller() { Stop(); }

void Controller::Watch(Informer& informer, Mapper mapper, Predicate predicate) {
  informer.AddHandler(
      [this, mapper = std::move(mapper), predicate = std::move(predicate)](const Change& change) {
        if (predicate && !predicate(change)) return;
        if (change.before != nullptr) {
          for (const Key& key : mapper(*change.before)) queue_.Add(key);
        }
        if (change.after != nullptr) {
          for (const Key& key : mapper(*change.after)) queue_.Add(key);
        }
      });
}

void Controller::Start() {
  const std::lock_guard lock(mutex_);
  while (workers_.size() < static_cast<std::size_t>(options_.workers)) {
    workers_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
}

void Controller::Stop() {
  queue_.Stop();
  const std::lock_guard lock(mutex_);
  for (std::jthread& worker : workers_) worker.request_stop();
  workers_.clear();  // waits for them
}

void Controller::Work(const std::stop_token& stop) {
  while (const std::optional<WorkItem> item = queue_.Get()) ReconcileItem(*item, stop);
}

ReconcileResult Controller::CallReconcile(const Key& key, const std::stop_token& stop) {
  if (watchdog_ == nullptr) return reconcile_(key, stop);
  const Watchdog::Guard running(*watchdog_, key, stop);
  return reconcile_(key, running.Token());
}

void Controller::ReportLate(const Key& key) {
  if (metrics_ != nullptr) metrics_->TimedOut();
  spdlog::warn("controller={} key={} err=still reconciles after {} s, and is asked to end",
               options_.name, key.ToString(),
               std::chrono::duration<double>(options_.reconcile_timeout).count());
}

void Controller::ReconcileItem(const WorkItem& item, const std::stop_token& stop) {
  const Key& key = item.GetKey();
  const TimePoint started = clock_.Now();
  if (metrics_ != nullptr) metrics_->Started();
  Result kind = Result::kSuccess;
  ReconcileResult result;
  try {
    result = CallReconcile(key, stop);
  } catch (const std::exception& exception) {
    kind = Result::kException;
    result = std::unexpected(ReconcileError{.message = exception.what()});
  }
  if (!result && kind != Result::kException) {
    kind = result.error().is_terminal ? Result::kTerminalError : Result::kError;
  } else if (result && result->requeue_after) {
    kind = Result::kRequeueAfter;
  }
  if (metrics_ != nullptr) metrics_->Finished(kind, clock_.Now() - started);

  if (!result) {
    spdlog::error("controller={} key={} err={}", options_.name, key.ToString(),
                  result.error().message);
    if (!result.error().is_terminal) queue_.AddRateLimited(key);
    return;
  }
  queue_.Forget(key);
  if (result->requeue_after) queue_.AddAfter(key, *result->requeue_after);
}

}  // namespace sextant::kube::runtime
