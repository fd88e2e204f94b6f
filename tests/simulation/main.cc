// sextant-sim: runs seeds and reports those that break an invariant, each with the shortest trace
// found.
#include "tests/simulation/scenario.h"

#include <charconv>
#include <cstring>
#include <format>
#include <iostream>
#include <optional>
#include <string_view>

namespace sextant::simulation {
namespace {

constexpr const char* kUsage =
    "usage: sextant-sim [--seeds N] [--start S] [--break quorum3|no-truncation|ack-before-sync]\n"
    "                   [--until-failure] [--trace] [--trace-lines N]\n";

struct Options {
  std::uint64_t seeds = 1000;
  std::uint64_t start = 1;
  Sabotage sabotage = Sabotage::kNone;
  bool until_failure = false;
  bool trace = false;
  std::uint64_t trace_lines = 400;
};

std::optional<Sabotage> ParseSabotage(std::string_view name) {
  if (name == "quorum3") {
    return Sabotage::kQuorumOfThree;
  }
  if (name == "no-truncation") {
    return Sabotage::kNoTruncation;
  }
  if (name == "ack-before-sync") {
    return Sabotage::kAcknowledgeBeforeSync;
  }
  return std::nullopt;
}

std::optional<Options> Parse(int count, char** values) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    if (name == "--until-failure") {
      options.until_failure = true;
      continue;
    }
    if (name == "--trace") {
      options.trace = true;
      continue;
    }
    if (++i == count) {
      return std::nullopt;
    }
    const std::string_view value = values[i];
    if (name == "--break") {
      const auto sabotage = ParseSabotage(value);
      if (!sabotage) {
        return std::nullopt;
      }
      options.sabotage = *sabotage;
      continue;
    }
    std::uint64_t* number = name == "--seeds"         ? &options.seeds
                            : name == "--start"       ? &options.start
                            : name == "--trace-lines" ? &options.trace_lines
                                                      : nullptr;
    if (number == nullptr ||
        std::from_chars(value.data(), value.data() + value.size(), *number).ptr !=
            value.data() + value.size()) {
      return std::nullopt;
    }
  }
  return options;
}

// Takes faults away, one after the other, as long as what is left still fails.
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

void Print(const Scenario& scenario, std::uint64_t lines) {
  const Outcome outcome = Run(scenario, true);
  std::cout << std::format("seed {}: {}\n", scenario.seed, outcome.failure.value_or("no failure"));
  for (const Fault& fault : scenario.faults) {
    std::cout << std::format("  at {} us: {}\n", fault.at.count(), ToString(fault));
  }
  const std::size_t skipped = outcome.trace.size() > lines ? outcome.trace.size() - lines : 0;
  if (skipped > 0) {
    std::cout << std::format("  … {} lines before\n", skipped);
  }
  for (std::size_t i = skipped; i < outcome.trace.size(); ++i) {
    std::cout << "  " << outcome.trace[i] << '\n';
  }
}

int Main(int count, char** values) {
  const auto options = Parse(count, values);
  if (!options) {
    std::cerr << kUsage;
    return 2;
  }
  std::uint64_t run = 0;
  std::uint64_t failures = 0;
  Outcome total;
  for (std::uint64_t seed = options->start; run < options->seeds; ++seed) {
    const Scenario scenario = MakeScenario(seed, options->sabotage);
    const Outcome outcome = Run(scenario, false);
    ++run;
    total.events += outcome.events;
    total.acknowledged += outcome.acknowledged;
    total.reads += outcome.reads;
    total.takeovers += outcome.takeovers;
    if (outcome.failure) {
      ++failures;
      Print(Shrink(scenario), options->trace_lines);
      if (options->until_failure) {
        break;
      }
    } else if (options->trace) {
      Print(scenario, options->trace_lines);
    }
  }
  std::cout << std::format("{} events, {} acknowledged groups, {} reads, {} takeovers\n",
                           total.events, total.acknowledged, total.reads, total.takeovers);
  std::cout << std::format("{} seeds, {} failures\n", run, failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace sextant::simulation

int main(int count, char** values) { return sextant::simulation::Main(count, values); }
