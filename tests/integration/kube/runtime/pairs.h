// The sample that the soak test runs: pairs of ConfigMaps, a source that users change and a copy
// that a controller keeps in step with it, and a user who makes random changes to both.
#pragma once

#include "sextant/kube/client.h"
#include "sextant/kube/runtime/controller.h"
#include "sextant/kube/runtime/informer.h"
#include "tests/integration/kube/runtime/latency_log.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

namespace sextant::testing {

// Every source has a copy with the same data, owned by it; no copy is without a source.
class PairController {
 public:
  PairController(const kube::Client& client, const std::string& ns, const kube::Clock& clock,
                 LatencyLog& log);

  // Starts everything and waits for the informers. Throws std::runtime_error.
  void Start();
  void Stop();

  [[nodiscard]] const kube::runtime::Store& Sources() const { return sources_.Objects(); }
  [[nodiscard]] const kube::runtime::Store& Copies() const { return copies_.Objects(); }

 private:
  [[nodiscard]] kube::runtime::ReconcileResult Reconcile(const kube::runtime::Key& key,
                                                         const std::stop_token& stop);

  const kube::Client& client_;
  const std::string ns_;
  LatencyLog& log_;
  kube::runtime::Informer sources_;
  kube::runtime::Informer copies_;
  kube::runtime::Controller controller_;
};

// Changes pairs at random, each in one of these ways: sets the source's value, deletes the source,
// spoils the copy, deletes the copy. A change that fails is tried again until the server has taken
// it. One thread's.
class PairUser {
 public:
  PairUser(const kube::Client& client, std::string ns, std::vector<std::string> pairs,
           unsigned seed, LatencyLog& log);

  // Makes the sources, then `count` changes, one every `interval` at most; `done` counts them.
  void MakeAll();
  void MakeChanges(int count, std::chrono::microseconds interval, std::atomic<int>& done);

  // What the sources must hold in the end; one that is not there has no value.
  [[nodiscard]] const std::map<std::string, std::string>& Expected() const { return expected_; }

 private:
  void SetSource(const std::string& pair);
  void Change(const std::string& pair, unsigned kind);
  template <typename Call>
  void UntilTaken(Call call);

  const kube::Client& client_;
  const std::string ns_;
  const std::vector<std::string> pairs_;
  std::minstd_rand random_;
  LatencyLog& log_;
  std::map<std::string, std::int64_t> numbers_;  // of the last change, by pair
  std::map<std::string, std::string> expected_;
};

}  // namespace sextant::testing
