#include "sextant/kube/runtime/work_queue.h"

#include "sextant/kube/runtime/metrics.h"

namespace sextant::kube::runtime {

WorkItem::~WorkItem() {
  if (queue_ != nullptr) queue_->Done(key_);
}

WorkQueue::WorkQueue(const Clock& clock, RetryLimits limits, QueueMetrics* metrics)
    : clock_(clock), metrics_(metrics), retries_(limits) {}

WorkQueue::~WorkQueue() { Stop(); }

void WorkQueue::Add(const Key& key) {
  const std::lock_guard lock(mutex_);
  AddLocked(key);
}

void WorkQueue::AddAfter(const Key& key, Duration delay) {
  const std::lock_guard lock(mutex_);
  AddAfterLocked(key, delay);
}

void WorkQueue::AddRateLimited(const Key& key) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  if (metrics_ != nullptr) metrics_->Retried();
  AddAfterLocked(key, retries_.Next(key, clock_.Now()));
}

void WorkQueue::Forget(const Key& key) {
  const std::lock_guard lock(mutex_);
  retries_.Forget(key);
}

int WorkQueue::Failures(const Key& key) const {
  const std::lock_guard lock(mutex_);
  return retries_.Failures(key);
}

std::optional<WorkItem> WorkQueue::Get() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (std::optional<WorkItem> item = TakeLocked()) return item;
    if (closed_) return std::nullopt;
    if (deadlines_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_for(lock, deadlines_.begin()->first - clock_.Now());
    }
  }
}

std::optional<WorkItem> WorkQueue::TryGet() {
  const std::lock_guard lock(mutex_);
  return TakeLocked();
}

std::optional<WorkItem> WorkQueue::TakeLocked() {
  const TimePoint now = clock_.Now();
  MoveDueLocked(now);
  if (queue_.empty()) return std::nullopt;
  auto [key, added_at] = std::move(queue_.front());
  queue_.pop_front();
  dirty_.erase(key);
  processing_.emplace(key, now);
  if (metrics_ != nullptr) metrics_->Taken(queue_.size(), now, now - added_at);
  // This worker no longer watches the clock for the others.
  if (!queue_.empty() || !deadlines_.empty()) changed_.notify_one();
  return WorkItem(this, std::move(key));
}

void WorkQueue::Done(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto held = processing_.find(key);
  if (metrics_ != nullptr) metrics_->Finished(held->second, clock_.Now());
  processing_.erase(held);
  if (dirty_.contains(key)) Enqueue(key);
  if (closed_) changed_.notify_all();
}

void WorkQueue::Stop() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  queue_.clear();
  dirty_.clear();
  delayed_.clear();
  deadlines_.clear();
  if (metrics_ != nullptr) metrics_->SetDepth(0);
  changed_.notify_all();
}

void WorkQueue::Drain() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  delayed_.clear();
  deadlines_.clear();
  changed_.notify_all();
  changed_.wait(lock, [this] { return queue_.empty() && processing_.empty(); });
}

std::size_t WorkQueue::Depth() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void WorkQueue::AddLocked(const Key& key) {
  if (closed_ || !dirty_.insert(key).second) return;
  if (metrics_ != nullptr) metrics_->Added();
  if (!processing_.contains(key)) Enqueue(key);
}

void WorkQueue::AddAfterLocked(const Key& key, Duration delay) {
  if (closed_) return;
  if (delay <= Duration::zero()) return AddLocked(key);
  const TimePoint deadline = clock_.Now() + delay;
  const auto [entry, is_new] = delayed_.emplace(key, deadline);
  if (!is_new) {
    if (entry->second <= deadline) return;
    deadlines_.erase({entry->second, key});
    entry->second = deadline;
  }
  const auto place = deadlines_.emplace(deadline, key).first;
  if (place == deadlines_.begin()) changed_.notify_one();  // who waits, waits too long
}

void WorkQueue::Enqueue(const Key& key) {
  queue_.emplace_back(key, clock_.Now());
  if (metrics_ != nullptr) metrics_->SetDepth(queue_.size());
  changed_.notify_one();
}

void WorkQueue::MoveDueLocked(TimePoint now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const Key key = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    delayed_.erase(key);
    AddLocked(key);
  }
}

}  // namespace sextant::kube::runtime
