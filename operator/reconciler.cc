#include "operator/reconciler.h"

#include <nlohmann/json.hpp>

namespace sextant::op {
namespace {

using namespace std::chrono_literals;

constexpr auto kNumbersEvery = 10s;

}  // namespace

Reconciler::Reconciler(const Watches& watches, Fleet& fleet, Applied& applied,
                       const Executor& executor, Images images, const kube::Clock& clock,
                       const daemon::Log& log, std::function<bool()> may_act)
    : watches_(watches),
      fleet_(fleet),
      applied_(applied),
      executor_(executor),
      images_(std::move(images)),
      clock_(clock),
      log_(log),
      may_act_(std::move(may_act)) {}

kube::runtime::ReconcileResult Reconciler::operator()(const Key& key, const std::stop_token& stop) {
  if (!may_act_()) {
    return kube::runtime::RequeueAfter(1s);
  }
  const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(clock_.WallNow());
  auto sight = Observe(key, watches_, fleet_, applied_, images_, now);
  Memory memory;
  {
    const std::scoped_lock lock(mutex_);
    if (!sight) {
      memories_.erase(key);
      return kube::runtime::Done();
    }
    memory = memories_[key];  // nobody else has this key
  }
  sight->observed.errors = memory.errors;
  const Plan plan = MakePlan(sight->observed, now);
  fleet_.Often(key, plan.in_transition);
  const bool write_numbers = clock_.Now() - memory.numbers_written > kNumbersEvery;
  const Executor::Outcome outcome = executor_.Execute(*sight, plan, write_numbers, stop);
  if (outcome.wrote_status) {
    memory.numbers_written = clock_.Now();
  }
  Report(key, outcome, memory);
  memory.errors = outcome.errors;
  const std::scoped_lock lock(mutex_);
  memories_[key] = std::move(memory);
  if (!outcome.errors.empty()) {
    return kube::runtime::RequeueAfter(1s);
  }
  if (plan.look_again == Milliseconds(0)) {
    return kube::runtime::Done();
  }
  return kube::runtime::RequeueAfter(plan.look_again);
}

void Reconciler::Report(const Key& key, const Executor::Outcome& outcome, Memory& memory) const {
  if (!outcome.errors.empty() && outcome.errors != memory.errors) {
    log_.Warning("not everything could be done",
                 {{"cluster", key.ToString()}, {"errors", outcome.errors}});
  }
  if (!outcome.done.empty()) {
    log_.Info("done", {{"cluster", key.ToString()}, {"actions", outcome.done}});
  }
}

}  // namespace sextant::op
