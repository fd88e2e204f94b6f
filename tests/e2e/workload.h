// The ledger's clients in a pod beside a cluster: on the control plane's node, which no test takes
// away.
#pragma once

#include "tests/e2e/cluster.h"
#include "tests/e2e/kubectl.h"
#include "tests/e2e/ledger/checker.h"
#include "tests/e2e/ledger/history.h"

#include <cstdint>
#include <string>

namespace sextant::testing {

class Workload {
 public:
  // Starts it and waits until it writes.
  Workload(const Kubectl& kubectl, const Cluster& cluster);
  ~Workload();
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  // Waits until so many more writes are acknowledged than there are now.
  void AwaitWrites(int count, std::chrono::seconds limit) const;

  void AwaitReads(int count, std::chrono::seconds limit) const;
  // Waits until no write has been acknowledged for five seconds.
  void AwaitNoWrites(std::chrono::seconds limit) const;

  // Ends the clients, lets them read all rows, and judges.
  [[nodiscard]] ledger::Verdict Finish() const;

 private:
  [[nodiscard]] ledger::History Recent() const;
  [[nodiscard]] std::int64_t Newest() const;  // the greatest acknowledged sequence of client 0

  const Kubectl& kubectl_;
  std::string pod_;
};

}  // namespace sextant::testing
