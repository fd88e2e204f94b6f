// sextant-sim: runs seeds and reports those that break an invariant, each with the shortest trace
// found.
#include "tests/simulation/batch.h"

#include <charconv>
#include <chrono>
#include <cstring>
#include <format>
#include <iostream>
#include <optional>
#include <string_view>

namespace sextant::simulation {
namespace {

constexpr const char* kUsage =
    "usage: sextant-sim [--seeds N] [--start S|clock] [--seconds T] [--jobs J] [--until-failure]\n"
    "                   [--break quorum3|no-truncation|ack-before-sync]\n"
    "                   [--trace] [--trace-lines N]\n";

struct Options {
  Batch batch;
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

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

// Runs that begin a second apart share no seeds.
std::uint64_t SeedOfTheClock() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count()) *
         1'000'000;
}

// True when the option is known and its value makes sense.
bool Take(std::string_view name, std::string_view value, Options& options) {
  if (name == "--break") {
    const auto sabotage = ParseSabotage(value);
    options.batch.sabotage = sabotage.value_or(Sabotage::kNone);
    return sabotage.has_value();
  }
  const auto number = name == "--start" && value == "clock" ? SeedOfTheClock() : ParseNumber(value);
  if (!number) {
    return false;
  }
  if (name == "--seeds") {
    options.batch.seeds = *number;
  } else if (name == "--start") {
    options.batch.start = *number;
  } else if (name == "--seconds") {
    options.batch.time = std::chrono::seconds(*number);
  } else if (name == "--jobs") {
    options.batch.jobs = static_cast<unsigned>(*number);
  } else if (name == "--trace-lines") {
    options.trace_lines = *number;
  } else {
    return false;
  }
  return true;
}

std::optional<Options> Parse(int count, char** values) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    if (name == "--until-failure") {
      options.batch.until_failure = true;
    } else if (name == "--trace") {
      options.trace = true;
    } else if (i + 1 == count || !Take(name, values[++i], options)) {
      return std::nullopt;
    }
  }
  return options;
}

// True when it fails.
bool Print(const Scenario& scenario, std::uint64_t lines) {
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
  return outcome.failure.has_value();
}

int Main(int count, char** values) {
  const auto options = Parse(count, values);
  if (!options) {
    std::cerr << kUsage;
    return 2;
  }
  const Batch& batch = options->batch;
  std::cout << std::format("seeds from {} on, {} at a time\n", batch.start, batch.jobs)
            << std::flush;
  if (options->trace) {
    std::uint64_t failures = 0;
    for (std::uint64_t i = 0; i < batch.seeds; ++i) {
      const Scenario scenario = MakeScenario(batch.start + i, batch.sabotage);
      failures += Print(scenario, options->trace_lines) ? 1 : 0;
    }
    std::cout << std::format("{} seeds, {} failures\n", batch.seeds, failures);
    return failures == 0 ? 0 : 1;
  }
  const BatchResult result = RunBatch(batch);
  for (const std::uint64_t seed : result.failed) {
    Print(Shrink(MakeScenario(seed, batch.sabotage)), options->trace_lines);
  }
  std::cout << std::format("{} events, {} acknowledged groups, {} reads, {} takeovers\n",
                           result.events, result.acknowledged, result.reads, result.takeovers);
  std::cout << std::format("{} seeds, {} failures\n", result.run, result.failed.size());
  return result.failed.empty() ? 0 : 1;
}

}  // namespace
}  // namespace sextant::simulation

int main(int count, char** values) { return sextant::simulation::Main(count, values); }
