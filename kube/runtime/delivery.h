#pragma once

#include "sextant/kube/runtime/change.h"
#include "sextant/kube/runtime/key.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <unordered_map>

namespace sextant::kube::runtime {

// Changes on their way to one handler, which runs on this object's thread. What waits is at most
// one deletion and one other change an object, whatever the handler does. Safe for concurrent use.
class Delivery {
 public:
  explicit Delivery(std::function<void(const Change&)> handler);
  // Waits for the handler if it runs; what else waits for it is dropped.
  ~Delivery() = default;
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  void Push(const Change& change);

 private:
  // The news of one object, in this order. Between the two there may have been others of the same
  // name that came and went.
  struct News {
    std::optional<Change> deletion;
    std::optional<Change> current;
  };

  static void Merge(News& news, const Change& change);
  void Run(const std::stop_token& stop);
  void Tell(const Change& change) const;

  const std::function<void(const Change&)> handler_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::unordered_map<Key, News> news_;  // guarded by mutex_, as is:
  std::deque<Key> order_;               // of news_, the oldest first
  std::jthread thread_;                 // last: it uses all of the above
};

}  // namespace sextant::kube::runtime
