#include "sextant/kube/runtime/work_queue.h"

#include "sextant/kube/runtime/metrics.h"

namespace sextant::kube::runtime {

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
    WaitLocked(lock);
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
  Node& node = *queue_.front();
  queue_.pop_front();
  node.second.dirty = false;
  node.second.processing = true;
  node.second.taken_at = now;
  ++processing_;
  if (metrics_ != nullptr) metrics_->Taken(queue_.size(), now, now - node.second.added_at);
  // While this worker works, another has to watch the clock.
  if (!deadlines_.empty() && !has_timer_) changed_.notify_one();
  return WorkItem(this, &node);
}

void WorkQueue::Done(Node& node) {
  const std::lock_guard lock(mutex_);
  if (metrics_ != nullptr) metrics_->Finished(node.second.taken_at, clock_.Now());
  node.second.processing = false;
  --processing_;
  if (node.second.dirty) {
    Enqueue(node);
  } else {
    table_.erase(table_.find(node.first));
  }
  if (closed_) finished_.notify_all();
}

void WorkQueue::Stop() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  queue_.clear();
  for (auto& [key, state] : table_) state.dirty = false;
  std::erase_if(table_, [](const Node& node) { return !node.second.processing; });
  delayed_.clear();
  deadlines_.clear();
  if (metrics_ != nullptr) metrics_->SetDepth(0);
  changed_.notify_all();
  timer_changed_.notify_all();
  finished_.notify_all();
}

void WorkQueue::Drain() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  delayed_.clear();
  deadlines_.clear();
  changed_.notify_all();
  timer_changed_.notify_all();
  finished_.wait(lock, [this] { return queue_.empty() && processing_ == 0; });
}

std::size_t WorkQueue::Depth() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void WorkQueue::AddLocked(const Key& key) {
  if (closed_) return;
  Node& node = *table_.try_emplace(key).first;
  if (node.second.dirty) return;
  node.second.dirty = true;
  if (metrics_ != nullptr) metrics_->Added();
  if (!node.second.processing) Enqueue(node);
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
  if (place != deadlines_.begin()) return;
  // Whoever watches the clock waits too long now; if nobody does, somebody has to.
  (has_timer_ ? timer_changed_ : changed_).notify_one();
}

void WorkQueue::Enqueue(Node& node) {
  node.second.added_at = clock_.Now();
  queue_.push_back(&node);
  if (metrics_ != nullptr) metrics_->SetDepth(queue_.size());
  if (waiting_ > 0) changed_.notify_one();
  // Those may have been woken for the keys before this one.
  if (has_timer_ && queue_.size() > waiting_) timer_changed_.notify_one();
}

void WorkQueue::MoveDueLocked(TimePoint now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const Key key = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    delayed_.erase(key);
    AddLocked(key);
  }
}

// One worker waits until the next delay has passed, all others until they are told.
void WorkQueue::WaitLocked(std::unique_lock<std::mutex>& lock) {
  if (has_timer_ || deadlines_.empty()) {
    ++waiting_;
    changed_.wait(lock);
    --waiting_;
    return;
  }
  has_timer_ = true;
  timer_changed_.wait_for(lock, deadlines_.begin()->first - clock_.Now());
  has_timer_ = false;
}

}  // namespace sextant::kube::runtime
