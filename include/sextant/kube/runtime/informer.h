#pragma once

#include "sextant/kube/client.h"
#include "sextant/kube/runtime/change.h"
#include "sextant/kube/runtime/clock.h"
#include "sextant/kube/runtime/reflector.h"
#include "sextant/kube/runtime/store.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sextant::kube::runtime {

class Delivery;

// A local copy of the objects of one kind, kept true by list and watch, and its news. One informer
// serves everybody who is interested in the kind.
//
// It has a thread that reads from the API server and one for each handler, so a slow handler delays
// nobody else. What a handler has not been told yet waits as one change an object: memory is
// bounded by the number of objects, whatever a handler does. Safe for concurrent use.
class Informer final : private ReflectorTarget {
 public:
  // An exception from it is logged, and the change counts as told.
  using Handler = std::function<void(const Change&)>;

  // `client`, `clock` and `metrics`, which may be null, must outlive it.
  Informer(const Client& client, ReflectorOptions options, const Clock& clock, Indexes indexes = {},
           WatchMetrics* metrics = nullptr);
  ~Informer() override;
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;

  // Tells the handler of everything there is, as additions, and then of every change, on a thread
  // of its own, one at a time. Before or after Start().
  void AddHandler(Handler handler);

  // Start once.
  void Start();

  // Ends all threads. Handlers that run may finish; what else waits for them is dropped. Not from a
  // handler.
  void Stop();

  // Waits until the first list is in the store; false when that takes longer, or Stop() is called.
  [[nodiscard]] bool WaitUntilSynced(Duration timeout) const;
  [[nodiscard]] bool IsSynced() const;

  [[nodiscard]] const Store& Objects() const { return store_; }
  [[nodiscard]] const GroupVersionResource& Resource() const { return options_.resource; }

 private:
  [[nodiscard]] Store::Prepared Prepare(const PackedObject& object) override;
  void Replace(std::vector<Store::Prepared> list) override;
  void Put(const PackedObject& object) override;
  void Remove(const PackedObject& last_state) override;

  const ReflectorOptions options_;
  Store store_;
  Reflector reflector_;
  mutable std::mutex mutex_;  // also held over a change of the store and its publication
  mutable std::condition_variable changed_;
  bool synced_ = false;  // guarded by mutex_, as are:
  bool stopped_ = false;
  std::vector<std::unique_ptr<Delivery>> deliveries_;
  std::jthread thread_;
};

}  // namespace sextant::kube::runtime
