#include "kube/runtime/delivery.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace sextant::kube::runtime {

Delivery::Delivery(std::function<void(const Change&)> handler)
    : handler_(std::move(handler)), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void Delivery::Push(const Change& change) {
  const std::lock_guard lock(mutex_);
  const auto [news, is_new] = news_.try_emplace(change.Newest().GetKey());
  Merge(news->second, change);
  if (!is_new) return;
  order_.push_back(news->first);
  changed_.notify_one();
}

void Delivery::Merge(News& news, const Change& change) {
  if (change.IsUpdate() && change.before->Uid() != change.after->Uid()) {
    // The end of one object and the beginning of the next were both missed.
    Merge(news, {.before = change.before, .after = nullptr, .missed = true});
    Merge(news, {.before = nullptr, .after = change.after});
  } else if (change.IsDeletion()) {
    // Also told of an object whose beginning was not: whoever made it has to know.
    news.deletion = change;
    news.current.reset();
  } else if (news.current) {
    news.current->after = change.after;
  } else {
    news.current = change;
  }
}

void Delivery::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !order_.empty(); })) {
    if (stop.stop_requested()) return;
    const auto found = news_.find(order_.front());
    const News news = std::move(found->second);
    news_.erase(found);
    order_.pop_front();
    lock.unlock();
    if (news.deletion) Tell(*news.deletion);
    if (news.current) Tell(*news.current);
    lock.lock();
  }
}

void Delivery::Tell(const Change& change) const {
  try {
    handler_(change);
  } catch (const std::exception& exception) {
    spdlog::error("a handler failed at {}: {}", change.Newest().GetKey().ToString(),
                  exception.what());
  }
}

}  // namespace sextant::kube::runtime
