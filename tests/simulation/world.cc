#include "tests/simulation/world.h"

namespace sextant::simulation {
namespace {

using namespace std::chrono_literals;

constexpr Time kPeaceLimit = 30s;

}  // namespace

std::string Name(const Uuid& id) {
  constexpr std::array<char, 5> kLetters{'?', 'm', 'w', 'r', 'p'};
  return std::format("{}{}", kLetters.at(id.high), id.low);
}

World::World(const Scenario& scenario, bool trace)
    : scenario_(scenario), tracing_(trace), random_(scenario.seed * 2 + 1) {
  const std::uint8_t write = scenario.sabotage == Sabotage::kQuorumOfThree ? 3 : 4;
  configuration_ = {.generation = 1,
                    .kind = ConfigurationKind::kStable,
                    .members = {},
                    .next = {},
                    .write_quorum = write,
                    .takeover_quorum = 3};
  for (std::size_t i = 0; i < kNodes; ++i) {
    configuration_.members.push_back(Replace(i));
  }
  for (std::size_t i = 0; i < kHosts; ++i) {
    hosts_.push_back({.reader = protocol::Reader({}, {}),
                      .reads = {},
                      .pins = {},
                      .paused_until = Time{0},
                      .clock_offset = 0,
                      .armed = Time{-1}});
  }
  lines_[1].branch = {.id = 1, .parent = 0, .fork = 0};
  oracle_.AddBranch(lines_[1].branch);
}

Outcome World::Run() {
  try {
    TakeOver(1, 0);
    At(20ms, [this] { Watch(); });
    for (const Fault& fault : scenario_.faults) {
      At(fault.at, [this, fault] { Inject(fault); });
    }
    At(scenario_.duration, [this] { MakePeace(); });
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      ++outcome_.events;
      event.run();
      if (peace_ && Converged()) {
        break;
      }
      if (peace_ && now_ > peace_since_ + kPeaceLimit) {
        throw Violation("after the faults stopped, " + waiting_for_);
      }
    }
  } catch (const Violation& violation) {
    outcome_.failure = violation.what();
    Trace("VIOLATION: {}", violation.what());
  }
  for (const auto& [branch, line] : lines_) {
    outcome_.acknowledged += oracle_.ends(branch).size();
  }
  return std::move(outcome_);
}

Outcome Run(const Scenario& scenario, bool trace) { return World(scenario, trace).Run(); }

}  // namespace sextant::simulation
