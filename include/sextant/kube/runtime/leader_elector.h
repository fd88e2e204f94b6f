#pragma once

#include "sextant/kube/client.h"
#include "sextant/kube/runtime/clock.h"
#include "sextant/kube/runtime/lease.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>

namespace sextant::kube::runtime {

class LeaderMetrics;

struct LeaderElectorOptions {
  std::string ns;
  std::string name;  // of the Lease
  std::string
      identity;  // different for every process there ever is: a pod's name and a random part
  LeaseTimings timings = {};
};

// Lets one of several processes lead. Leadership is a term: once lost it does not come back to this
// object, and the process is best ended and started again.
//
// A Lease is no fence: between a look at IsLeading() and the arrival of what was decided on its
// ground any time may pass. Where two leaders would do harm, the receiver has to tell them apart:
// by the resourceVersion of what is written, or by an epoch.
class LeaderElector {
 public:
  struct Callbacks {
    std::function<void()> on_started;  // once, when this process begins to lead
    std::function<void()> on_lost;     // at most once; not after Stop()
  };

  // `client`, `clock` and `metrics`, which may be null, must outlive it. Both callbacks come from
  // the elector's thread, which renews nothing while they run.
  LeaderElector(const Client& client, LeaderElectorOptions options, Callbacks callbacks,
                const Clock& clock, LeaderMetrics* metrics = nullptr);
  ~LeaderElector();
  LeaderElector(const LeaderElector&) = delete;
  LeaderElector& operator=(const LeaderElector&) = delete;

  // Begins to campaign. Error: kConfig for timings that are not safe.
  [[nodiscard]] Result<void> Start();

  // Ends the campaign, or gives the leadership up so that another need not wait for its end. Stop
  // what acts on it first.
  void Stop();

  // Whether this process may act. True until `renew_deadline` after the beginning of the last
  // renewal that succeeded, however long the process was not running since. From any thread.
  [[nodiscard]] bool IsLeading() const;

  // How many times the leadership had changed hands when this process began to lead: a number that
  // no other term has.
  [[nodiscard]] std::int64_t Term() const { return term_; }

 private:
  enum class Attempt { kWon, kHeldByOther, kFailed };

  void Run(const std::stop_token& stop);
  [[nodiscard]] bool Campaign(const std::stop_token& stop);
  void Lead(const std::stop_token& stop);
  void Release();
  [[nodiscard]] Attempt TryOnce(Deadline deadline, const std::stop_token& stop);
  [[nodiscard]] Attempt Write(Deadline deadline, const std::stop_token& stop);
  [[nodiscard]] bool Read(Deadline deadline, const std::stop_token& stop);
  [[nodiscard]] TimePoint NextTry();

  const Client& client_;
  const LeaderElectorOptions options_;
  const Callbacks callbacks_;
  const Clock& clock_;
  LeaderMetrics* const metrics_;
  const ObjectRef lease_ref_;
  LeaseCandidate candidate_;  // of the elector's thread, as is:
  Json lease_;                // as last read or written, with its resourceVersion; null: none
  std::minstd_rand random_{std::random_device{}()};
  std::atomic<TimePoint> leading_until_{TimePoint{}};
  std::atomic<std::int64_t> term_{0};
  std::jthread thread_;
};

}  // namespace sextant::kube::runtime
