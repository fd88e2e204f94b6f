#pragma once

#include "sextant/kube/runtime/change.h"
#include "sextant/kube/runtime/clock.h"
#include "sextant/kube/runtime/informer.h"
#include "sextant/kube/runtime/key.h"
#include "sextant/kube/runtime/work_queue.h"

#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sextant::kube::runtime {

class ControllerMetrics;
class Metrics;
class Watchdog;

// How a reconciliation ended that did not fail.
struct Reconciled {
  std::optional<Duration> requeue_after = std::nullopt;  // look again then, even without a change
};

inline Reconciled Done() { return {}; }
inline Reconciled RequeueAfter(Duration delay) { return {.requeue_after = delay}; }

struct ReconcileError {
  std::string message;
  bool is_terminal = false;  // trying again is of no use until something changes
};

using ReconcileResult = std::expected<Reconciled, ReconcileError>;

// Reads the whole state that the key stands for and brings it nearer to what it should be. It is
// not told what has changed, and may be called when nothing has. An exception counts as an error.
// The token asks it to come to an end, because the controller stops or its time is up: give it to
// every call of the API. One that does not end then goes on, seen as
// workqueue_longest_running_processor_seconds; its key waits for it, and no other does.
using Reconcile = std::function<ReconcileResult(const Key& key, const std::stop_token& stop)>;

// The keys that have to be reconciled when an object has changed, is new or gone.
using Mapper = std::function<std::vector<Key>(const Snapshot&)>;

[[nodiscard]] Mapper ToItself();
// The object's controller, if it is of this kind and group, whatever the version.
[[nodiscard]] Mapper ToController(GroupVersionResource owner);

struct ControllerOptions {
  std::string name;  // in logs and metrics
  int workers = 1;
  RetryLimits retries = {};
  // How long a reconciliation may take; no limit if zero. One that takes longer is asked to end,
  // logged, and counted in controller_runtime_reconcile_timeouts_total.
  Duration reconcile_timeout = std::chrono::minutes(2);
};

// Workers that reconcile keys. A key whose reconciliation fails comes again after a delay that
// doubles; a key is never with two workers at once. Safe for concurrent use.
class Controller {
 public:
  // `clock` and `metrics`, which may be null, must outlive it.
  Controller(ControllerOptions options, Reconcile reconcile, const Clock& clock,
             Metrics* metrics = nullptr);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Reconciles `mapper`'s keys at every change of the informer's objects that fulfils the
  // predicate; at an update those of the state before too, for an object may change its owner.
  // The informer must be stopped before this controller is destroyed.
  void Watch(Informer& informer, Mapper mapper = ToItself(), Predicate predicate = {});

  // Reconciles the key soon, whatever the cause: a timer, a message.
  void Enqueue(const Key& key) { queue_.Add(key); }

  // Starts the workers once; the informers that it watches should be synced.
  void Start();

  // Asks running reconciliations to end, waits for them, and starts no other.
  void Stop();

 private:
  void Work(const std::stop_token& stop);
  void ReconcileItem(const WorkItem& item, const std::stop_token& stop);
  [[nodiscard]] ReconcileResult CallReconcile(const Key& key, const std::stop_token& stop);
  void ReportLate(const Key& key);

  const ControllerOptions options_;
  const Reconcile reconcile_;
  const Clock& clock_;
  ControllerMetrics* const metrics_;
  WorkQueue queue_;
  const std::unique_ptr<Watchdog> watchdog_;  // null: no limit
  std::mutex mutex_;
  std::vector<std::jthread> workers_;  // guarded by mutex_
};

}  // namespace sextant::kube::runtime
