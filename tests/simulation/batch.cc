#include "tests/simulation/batch.h"

#include <algorithm>
#include <mutex>
#include <thread>

namespace sextant::simulation {

BatchResult RunBatch(const Batch& batch) {
  const auto begin = std::chrono::steady_clock::now();
  BatchResult result;
  std::uint64_t next = 0;
  std::mutex mutex;  // guards both
  const auto work = [&] {
    while (true) {
      std::uint64_t seed = 0;
      {
        const std::scoped_lock lock(mutex);
        const bool late = batch.time && std::chrono::steady_clock::now() - begin >= *batch.time;
        const bool found = batch.until_failure && !result.failed.empty();
        if (next == batch.seeds || late || found) {
          return;
        }
        seed = batch.start + next++;
      }
      const Outcome outcome = Run(MakeScenario(seed, batch.sabotage), false);
      const std::scoped_lock lock(mutex);
      ++result.run;
      result.events += outcome.events;
      result.acknowledged += outcome.acknowledged;
      result.reads += outcome.reads;
      result.takeovers += outcome.takeovers;
      if (outcome.failure) {
        result.failed.push_back(seed);
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < std::max(1U, batch.jobs); ++i) {
      threads.emplace_back(work);
    }
  }
  std::ranges::sort(result.failed);
  return result;
}

Scenario Shrink(Scenario scenario) {
  std::uint64_t events = Run(scenario, false).events;
  const auto attempt = [&](const Scenario& candidate) {
    const Outcome outcome = Run(candidate, false);
    if (outcome.failure && outcome.events <= events) {
      events = outcome.events;
      scenario = candidate;
      return true;
    }
    return false;
  };
  for (bool shorter = true; shorter;) {
    shorter = false;
    for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
      Scenario candidate = scenario;
      candidate.faults.erase(candidate.faults.begin() + static_cast<std::ptrdiff_t>(i));
      shorter = attempt(candidate) || shorter;
    }
  }
  for (auto weather :
       {&Scenario::loss_per_mille, &Scenario::duplicates_per_mille, &Scenario::slow_per_mille}) {
    Scenario candidate = scenario;
    candidate.*weather = 0;
    attempt(candidate);
  }
  return scenario;
}

}  // namespace sextant::simulation
