#include "sextant/kube/runtime/informer.h"

#include "kube/runtime/delivery.h"

#include <utility>

namespace sextant::kube::runtime {

Informer::Informer(const Client& client, ReflectorOptions options, const Clock& clock,
                   Indexes indexes, WatchMetrics* metrics)
    : options_(std::move(options)),
      store_(std::move(indexes)),
      reflector_(client, options_, *this, clock, metrics) {}

Informer::~Informer() { Stop(); }

void Informer::AddHandler(Handler handler) {
  auto delivery = std::make_unique<Delivery>(std::move(handler));
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  for (const SnapshotPtr& snapshot : store_.List()) {
    delivery->Push({.before = nullptr, .after = snapshot});
  }
  deliveries_.push_back(std::move(delivery));
}

void Informer::Start() {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { reflector_.Run(stop); });
}

void Informer::Stop() {
  std::jthread thread;
  std::vector<std::unique_ptr<Delivery>> deliveries;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    thread = std::move(thread_);
    deliveries = std::move(deliveries_);
    changed_.notify_all();
  }
  // Joined here, without the lock that both may need to finish.
  thread.request_stop();
}

bool Informer::WaitUntilSynced(Duration timeout) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [this] { return synced_ || stopped_; });
  return synced_ && !stopped_;
}

bool Informer::IsSynced() const {
  const std::lock_guard lock(mutex_);
  return synced_;
}

Store::Prepared Informer::Prepare(const PackedObject& object) { return store_.Prepare(object); }

void Informer::Replace(std::vector<Store::Prepared> list) {
  const std::lock_guard lock(mutex_);
  for (const Change& change : store_.Replace(std::move(list))) {
    for (const auto& delivery : deliveries_) delivery->Push(change);
  }
  synced_ = true;
  changed_.notify_all();
}

void Informer::Put(const PackedObject& object) {
  const std::lock_guard lock(mutex_);
  if (const auto change = store_.Put(object)) {
    for (const auto& delivery : deliveries_) delivery->Push(*change);
  }
}

void Informer::Remove(const PackedObject& last_state) {
  const std::lock_guard lock(mutex_);
  if (const auto change = store_.Remove(last_state)) {
    for (const auto& delivery : deliveries_) delivery->Push(*change);
  }
}

}  // namespace sextant::kube::runtime
