#include "sextant/kube/runtime/work_queue.h"

#include "sextant/kube/runtime/metrics.h"

#include <immintrin.h>

namespace sextant::kube::runtime {
namespace {

// What the lock protects takes a fraction of a microsecond, going to sleep and being woken takes
// several.
constexpr int kLockAttempts = 100;
// How often a worker looks before it sleeps: some 20 µs.
constexpr int kLooks = 500;
constexpr std::size_t kMaxSpareNodes = 1024;

}  // namespace

WorkQueue::WorkQueue(const Clock& clock, RetryLimits limits, QueueMetrics* metrics)
    : clock_(clock), metrics_(metrics), retries_(limits) {}

WorkQueue::~WorkQueue() { Stop(); }

void WorkQueue::Add(const Key& key) {
  const auto lock = Lock();
  AddLocked(key);
}

void WorkQueue::AddAfter(const Key& key, Duration delay) {
  const auto lock = Lock();
  AddAfterLocked(key, delay);
}

void WorkQueue::AddRateLimited(const Key& key) {
  const auto lock = Lock();
  if (closed_) return;
  if (metrics_ != nullptr) metrics_->Retried();
  AddAfterLocked(key, retries_.Next(key, clock_.Now()));
  has_failures_ = true;
}

void WorkQueue::Forget(const Key& key) {
  if (!has_failures_) return;
  const auto lock = Lock();
  retries_.Forget(key);
  has_failures_ = retries_.HasFailures();
}

int WorkQueue::Failures(const Key& key) const {
  const auto lock = Lock();
  return retries_.Failures(key);
}

std::optional<WorkItem> WorkQueue::Get() {
  auto lock = Lock();
  bool has_looked = false;
  while (true) {
    if (std::optional<WorkItem> item = TakeLocked()) return item;
    if (closed_) return std::nullopt;
    if (has_looked || looks_out_) {
      WaitLocked(lock);
      has_looked = false;
    } else {
      LookOut(lock);
      has_looked = true;
    }
  }
}

std::optional<WorkItem> WorkQueue::TryGet() {
  const auto lock = Lock();
  return TakeLocked();
}

std::unique_lock<std::mutex> WorkQueue::Lock() const {
  for (int attempt = 0; attempt < kLockAttempts; ++attempt) {
    if (mutex_.try_lock()) return {mutex_, std::adopt_lock};
    _mm_pause();
  }
  return std::unique_lock(mutex_);
}

std::optional<WorkItem> WorkQueue::TakeLocked() {
  MoveDueLocked();
  if (queue_.empty()) return std::nullopt;
  Node& node = *queue_.front();
  queue_.pop_front();
  node.second.dirty = false;
  node.second.processing = true;
  ++processing_;
  if (metrics_ != nullptr) {
    node.second.taken_at = clock_.Now();
    metrics_->Taken(queue_.size(), node.second.taken_at,
                    node.second.taken_at - node.second.added_at);
  }
  // Somebody has to take what is left, or to watch the clock, while this worker works.
  if (!queue_.empty() || (!deadlines_.empty() && !has_timer_)) WakeLocked();
  return WorkItem(this, &node);
}

void WorkQueue::Done(Node& node) {
  const auto lock = Lock();
  if (metrics_ != nullptr) metrics_->Finished(node.second.taken_at, clock_.Now());
  node.second.processing = false;
  --processing_;
  if (node.second.dirty) {
    Enqueue(node);
  } else {
    EraseLocked(node);
  }
  if (closed_) finished_.notify_all();
}

void WorkQueue::Stop() {
  const auto lock = Lock();
  closed_ = true;
  queue_.clear();
  for (auto& [key, state] : table_) state.dirty = false;
  std::erase_if(table_, [](const Node& node) { return !node.second.processing; });
  delayed_.clear();
  deadlines_.clear();
  if (metrics_ != nullptr) metrics_->SetDepth(0);
  has_news_ = true;
  changed_.notify_all();
  timer_changed_.notify_all();
  finished_.notify_all();
}

void WorkQueue::Drain() {
  auto lock = Lock();
  closed_ = true;
  delayed_.clear();
  deadlines_.clear();
  has_news_ = true;
  changed_.notify_all();
  timer_changed_.notify_all();
  finished_.wait(lock, [this] { return queue_.empty() && processing_ == 0; });
}

std::size_t WorkQueue::Depth() const {
  const auto lock = Lock();
  return queue_.size();
}

void WorkQueue::AddLocked(const Key& key) {
  if (closed_) return;
  Node& node = NodeLocked(key);
  if (node.second.dirty) return;
  node.second.dirty = true;
  if (metrics_ != nullptr) metrics_->Added();
  if (!node.second.processing) Enqueue(node);
}

WorkQueue::Node& WorkQueue::NodeLocked(const Key& key) {
  if (spare_.empty()) return *table_.try_emplace(key).first;
  if (const auto known = table_.find(key); known != table_.end()) return *known;
  Table::node_type spare = std::move(spare_.back());
  spare_.pop_back();
  spare.key() = key;
  spare.mapped() = {};
  return *table_.insert(std::move(spare)).position;
}

// Nodes are used again: allocated by one thread and freed by another they are dear.
void WorkQueue::EraseLocked(Node& node) {
  Table::node_type spare = table_.extract(table_.find(node.first));
  if (spare_.size() < kMaxSpareNodes) spare_.push_back(std::move(spare));
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
  if (has_timer_) {
    timer_changed_.notify_one();
  } else {
    WakeLocked();
  }
}

void WorkQueue::Enqueue(Node& node) {
  node.second.added_at = MeasuredNow();
  queue_.push_back(&node);
  if (metrics_ != nullptr) metrics_->SetDepth(queue_.size());
  WakeLocked();
}

// As long as there is something to do and a worker sleeps, one is awake and about to see to it.
void WorkQueue::WakeLocked() {
  if (looks_out_) {
    has_news_ = true;
    return;
  }
  if (is_coming_) return;
  if (waiting_ > 0) {
    changed_.notify_one();
    is_coming_ = true;
  } else if (has_timer_) {
    timer_changed_.notify_one();
  }
}

void WorkQueue::MoveDueLocked() {
  if (deadlines_.empty()) return;
  const TimePoint now = clock_.Now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const Key key = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    delayed_.erase(key);
    AddLocked(key);
  }
}

void WorkQueue::LookOut(std::unique_lock<std::mutex>& lock) {
  looks_out_ = true;
  has_news_ = false;
  lock.unlock();
  for (int look = 0; look < kLooks && !has_news_; ++look) _mm_pause();
  lock = Lock();
  looks_out_ = false;
}

// One worker waits until the next delay has passed, all others until they are told.
void WorkQueue::WaitLocked(std::unique_lock<std::mutex>& lock) {
  if (has_timer_ || deadlines_.empty()) {
    ++waiting_;
    changed_.wait(lock);
    --waiting_;
    is_coming_ = false;
    return;
  }
  has_timer_ = true;
  timer_changed_.wait_for(lock, deadlines_.begin()->first - clock_.Now());
  has_timer_ = false;
}

TimePoint WorkQueue::MeasuredNow() const {
  return metrics_ == nullptr ? TimePoint{} : clock_.Now();
}

}  // namespace sextant::kube::runtime
