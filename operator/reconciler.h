// Observe, plan, execute: one cluster at a time, again and again.
#pragma once

#include "daemon/log.h"
#include "operator/execute/executor.h"
#include "operator/observe/observer.h"
#include "sextant/kube/runtime/controller.h"

#include <functional>
#include <map>
#include <mutex>

namespace sextant::op {

class Reconciler {
 public:
  // All must outlive it. `may_act`: false once another operator may lead.
  Reconciler(const Watches& watches, Fleet& fleet, Applied& applied, const Executor& executor,
             Images images, const kube::Clock& clock, const daemon::Log& log,
             std::function<bool()> may_act);

  // Any thread, for different keys.
  [[nodiscard]] kube::runtime::ReconcileResult operator()(const Key& key,
                                                          const std::stop_token& stop);

 private:
  // What is not worth to be kept in the API server.
  struct Memory {
    std::chrono::steady_clock::time_point numbers_written;
    std::vector<std::string> errors;
    std::string last_logged;
  };

  void Report(const Key& key, const Executor::Outcome& outcome, Memory& memory) const;

  const Watches& watches_;
  Fleet& fleet_;
  Applied& applied_;
  const Executor& executor_;
  const Images images_;
  const kube::Clock& clock_;
  const daemon::Log& log_;
  const std::function<bool()> may_act_;
  std::mutex mutex_;
  std::map<Key, Memory> memories_;  // guarded by mutex_
};

}  // namespace sextant::op
