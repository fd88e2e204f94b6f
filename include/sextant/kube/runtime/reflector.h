#pragma once

#include "sextant/kube/client.h"
#include "sextant/kube/runtime/clock.h"
#include "sextant/kube/runtime/store.h"
#include "sextant/kube/runtime/watcher.h"

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <vector>

namespace sextant::kube::runtime {

class WatchMetrics;

// Receives a list and its changes, on the reflector's thread. Must not throw.
class ReflectorTarget {
 public:
  virtual ~ReflectorTarget() = default;

  // Of a list that is being read, page by page; nothing changes yet.
  [[nodiscard]] virtual Store::Prepared Prepare(const PackedObject& object) = 0;
  virtual void Replace(std::vector<Store::Prepared> list) = 0;

  virtual void Put(const PackedObject& object) = 0;
  virtual void Remove(const PackedObject& last_state) = 0;
};

struct ReflectorOptions {
  GroupVersionResource resource;
  Selection selection = {};
  // Objects a list page; 0: all in one, which the API server answers from its memory. Either way
  // this process holds one of them at a time, if the server sends them one by one, as it does since
  // Kubernetes 1.33; one before that sends a page as a whole.
  std::int64_t page_size = 0;
  // How long a watch may be silent. The API server sends a bookmark about every minute.
  std::chrono::milliseconds silence = std::chrono::minutes(3);
  // How long the API server may take until it begins to answer, and be silent within a list.
  std::chrono::milliseconds answer_timeout = std::chrono::seconds(15);
  WatcherOptions watcher = {};
};

// Does what a Watcher says: lists and watches one kind of object, and hands what it reads to the
// target, until it is stopped.
class Reflector {
 public:
  // All of these must outlive it; `metrics` may be null.
  Reflector(const Client& client, const ReflectorOptions& options, ReflectorTarget& target,
            const Clock& clock, WatchMetrics* metrics);

  // Blocks the calling thread until the token asks to stop.
  void Run(const std::stop_token& stop);

 private:
  void BeginList();
  void FailList(const Error& error);
  void ReadPage(const Watcher::List& list, const std::stop_token& stop);
  void ReadEvents(const Watcher::Watch& watch, const std::stop_token& stop);
  [[nodiscard]] bool TakeEvent(std::string_view line);

  const Client& client_;
  const ReflectorOptions& options_;
  ReflectorTarget& target_;
  const Clock& clock_;
  WatchMetrics* const metrics_;
  Watcher watcher_;
  std::vector<Store::Prepared> list_;  // the pages so far
  bool list_seen_ = false;
  bool watch_seen_ = false;
};

}  // namespace sextant::kube::runtime
