// Many seeds, on several threads.
#pragma once

#include "tests/simulation/scenario.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace sextant::simulation {

struct Batch {
  std::uint64_t start = 1;
  std::uint64_t seeds = 1000;
  std::optional<std::chrono::seconds> time;  // no seed is begun after it
  Sabotage sabotage = Sabotage::kNone;
  unsigned jobs = 1;
  bool until_failure = false;
};

struct BatchResult {
  std::uint64_t run = 0;
  std::vector<std::uint64_t> failed;  // rising
  std::uint64_t events = 0;
  std::uint64_t acknowledged = 0;  // groups
  std::uint64_t reads = 0;
  std::uint64_t takeovers = 0;
};

[[nodiscard]] BatchResult RunBatch(const Batch& batch);

// Takes faults away, one after the other, as long as what is left still fails.
[[nodiscard]] Scenario Shrink(Scenario scenario);

}  // namespace sextant::simulation
