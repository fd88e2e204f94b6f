#pragma once

#include "sextant/kube/runtime/clock.h"
#include "sextant/kube/runtime/key.h"
#include "sextant/kube/runtime/rate_limiter.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace sextant::kube::runtime {

class QueueMetrics;
class WorkQueue;

// A key that a worker holds. Until it is destroyed nobody else is given the same key. It must not
// outlive its queue.
class WorkItem {
 public:
  ~WorkItem();
  WorkItem(WorkItem&& other) noexcept
      : queue_(std::exchange(other.queue_, nullptr)), key_(std::move(other.key_)) {}
  WorkItem& operator=(WorkItem&&) = delete;
  WorkItem(const WorkItem&) = delete;
  WorkItem& operator=(const WorkItem&) = delete;

  [[nodiscard]] const Key& GetKey() const { return key_; }

 private:
  friend class WorkQueue;
  WorkItem(WorkQueue* queue, Key key) : queue_(queue), key_(std::move(key)) {}

  WorkQueue* queue_;
  Key key_;
};

// Keys that wait for a worker, first in first out. A key waits at most once however often it is
// added, is never with two workers at once, and when it is added while a worker has it, it waits
// again as soon as that worker is done: so no addition is lost and no work is done twice.
// The three sets that bring this about are those of client-go's work queue.
//
// Safe for concurrent use. Memory grows with the number of different keys only.
class WorkQueue {
 public:
  // `clock` and `metrics`, which may be null, must outlive the queue.
  explicit WorkQueue(const Clock& clock, RetryLimits limits = {}, QueueMetrics* metrics = nullptr);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void Add(const Key& key);

  // Adds the key when the delay has passed. Of several delays of one key the earliest end counts.
  void AddAfter(const Key& key, Duration delay);

  // Adds the key after a delay that grows with each call until Forget().
  void AddRateLimited(const Key& key);
  void Forget(const Key& key);
  [[nodiscard]] int Failures(const Key& key) const;

  // Waits for a key. Nothing is returned once the queue is stopped, or drained and empty.
  [[nodiscard]] std::optional<WorkItem> Get();

  // The same without waiting.
  [[nodiscard]] std::optional<WorkItem> TryGet();

  // Refuses additions and forgets what waits; what workers hold, they may finish.
  void Stop();

  // Refuses additions and waits until workers have finished what waited without a delay.
  void Drain();

  // How many keys wait without a delay.
  [[nodiscard]] std::size_t Depth() const;

 private:
  friend class WorkItem;
  void Done(const Key& key);
  void AddLocked(const Key& key);
  void AddAfterLocked(const Key& key, Duration delay);
  [[nodiscard]] std::optional<WorkItem> TakeLocked();
  void Enqueue(const Key& key);
  void MoveDueLocked(TimePoint now);

  const Clock& clock_;
  QueueMetrics* const metrics_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Everything below is guarded by mutex_.
  std::deque<std::pair<Key, TimePoint>> queue_;    // with the time of the addition
  std::unordered_set<Key> dirty_;                  // has to be worked on
  std::unordered_map<Key, TimePoint> processing_;  // is with a worker since then
  std::unordered_map<Key, TimePoint> delayed_;
  std::set<std::pair<TimePoint, Key>> deadlines_;  // of delayed_, by time
  RetryLimiter retries_;
  bool closed_ = false;
};

}  // namespace sextant::kube::runtime
