// What can befall a database cluster: each is caused under load, with the operator alive and with
// the operator killed at the same moment.
#pragma once

#include "tests/e2e/cluster.h"
#include "tests/e2e/nodes.h"

#include <cstdint>
#include <functional>
#include <list>
#include <ostream>
#include <string>
#include <vector>

namespace sextant::testing {

// What a fault needs to be put right again.
struct Scene {
  const Kubectl& kubectl;
  const Cluster& cluster;
  std::string victim = {};  // the writer's pod before the fault
  std::list<NodeOutage> outages = {};
  std::string lost_pod = {};     // a storage pod that loses its disk
  std::string lost_member = {};  // and who that was
};

enum class Writer : std::uint8_t {
  kStays,  // the same instance, in the same epoch
  kMoves,
  kMayMove,
};

struct Fault {
  std::string name;      // as a test's name
  double limit_seconds;  // of the longest time without an acknowledged write
  Writer writer = Writer::kStays;
  bool of_reads = false;  // without an answered read instead
  bool in_ci = false;     // the others take SEXTANT_E2E=full
  std::function<void(Scene&)> begin;
  std::function<void(Scene&)> heal = [](Scene&) {};
};

inline void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

[[nodiscard]] std::vector<Fault> PostgresqlFaults();
[[nodiscard]] std::vector<Fault> MariadbFaults();

// Both of its replicas, at once.
void KillTheOperator(const Kubectl& kubectl);

}  // namespace sextant::testing
