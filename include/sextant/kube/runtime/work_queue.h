#pragma once

#include "sextant/kube/runtime/clock.h"
#include "sextant/kube/runtime/key.h"
#include "sextant/kube/runtime/rate_limiter.h"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sextant::kube::runtime {

class QueueMetrics;
class WorkItem;

// Keys that wait for a worker, first in first out. A key waits at most once however often it is
// added, is never with two workers at once, and when it is added while a worker has it, it waits
// again as soon as that worker is done: so no addition is lost and no work is done twice.
// The three sets that bring this about (waiting, dirty, processing) are those of client-go's queue.
// Here they are marks in one table, whose nodes the queue refers to, so that a key is copied once.
//
// A wake-up costs more than all else. So a worker that finds nothing looks out for a while before
// it sleeps, one at a time, and an addition wakes a worker only if none is looking out or on its
// way; a worker that takes a key and leaves others wakes the next.
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

  struct State {
    bool dirty = false;       // has to be worked on
    bool processing = false;  // is with a worker
    TimePoint added_at = {};
    TimePoint taken_at = {};
  };
  using Table = std::unordered_map<Key, State>;
  using Node = Table::value_type;

  [[nodiscard]] std::unique_lock<std::mutex> Lock() const;
  void Done(Node& node);
  void AddLocked(const Key& key);
  void AddAfterLocked(const Key& key, Duration delay);
  [[nodiscard]] std::optional<WorkItem> TakeLocked();
  [[nodiscard]] Node& NodeLocked(const Key& key);
  void EraseLocked(Node& node);
  void Enqueue(Node& node);
  void WakeLocked();
  void MoveDueLocked();
  void LookOut(std::unique_lock<std::mutex>& lock);
  void WaitLocked(std::unique_lock<std::mutex>& lock);
  // For metrics; reading the clock is not free.
  [[nodiscard]] TimePoint MeasuredNow() const;

  const Clock& clock_;
  QueueMetrics* const metrics_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;        // for workers that wait for a key
  std::condition_variable timer_changed_;  // for the one of them that also watches the clock
  std::condition_variable finished_;       // for Drain()
  // Everything below is guarded by mutex_.
  Table table_;              // of keys that are dirty or with a worker
  std::deque<Node*> queue_;  // dirty and with no worker
  std::size_t processing_ = 0;
  std::vector<Table::node_type> spare_;  // of the table, to be used again
  std::size_t waiting_ = 0;              // workers at changed_
  bool has_timer_ = false;               // a worker is at timer_changed_
  bool is_coming_ = false;               // a worker has been woken and is not here yet
  bool looks_out_ = false;               // a worker looks at has_news_
  std::unordered_map<Key, TimePoint> delayed_;
  std::set<std::pair<TimePoint, Key>> deadlines_;  // of delayed_, by time
  RetryLimiter retries_;
  bool closed_ = false;
  // Written under mutex_, read without.
  std::atomic<bool> has_news_ = false;      // for the worker that looks out
  std::atomic<bool> has_failures_ = false;  // in retries_
};

// A key that a worker holds. Until it is destroyed nobody else is given the same key. It must not
// outlive its queue.
class WorkItem {
 public:
  ~WorkItem() {
    if (queue_ != nullptr) queue_->Done(*node_);
  }
  WorkItem(WorkItem&& other) noexcept
      : queue_(std::exchange(other.queue_, nullptr)), node_(other.node_) {}
  WorkItem& operator=(WorkItem&&) = delete;
  WorkItem(const WorkItem&) = delete;
  WorkItem& operator=(const WorkItem&) = delete;

  [[nodiscard]] const Key& GetKey() const { return node_->first; }

 private:
  friend class WorkQueue;
  WorkItem(WorkQueue* queue, WorkQueue::Node* node) : queue_(queue), node_(node) {}

  WorkQueue* queue_;
  WorkQueue::Node* node_;
};

}  // namespace sextant::kube::runtime
