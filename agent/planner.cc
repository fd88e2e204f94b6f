#include "agent/planner.h"

#include <array>

namespace sextant::agent {
namespace {

// Both ask for the same engine on the same mount; ids may differ.
bool SamePlace(const Order& one, const Order& other) {
  return one.role == other.role && one.branch == other.branch && one.epoch == other.epoch;
}

Action StepAlive(const Situation& now) {
  const EngineView& engine = now.engine;
  if (!WhyLost(engine, now.volume).empty()) {
    return Action::kKill;
  }
  if (engine.state == EngineState::kStopping) {
    return engine.stop_is_late ? Action::kKill : Action::kWait;
  }
  if (SamePlace(engine.order, now.order)) {
    const bool is_lost = now.reader_is_lost && engine.order.role == Role::kReader;
    return is_lost ? Action::kStopImmediately : Action::kWait;
  }
  if (engine.state == EngineState::kInitializing) {
    return Action::kKill;
  }
  // A reader has nothing of its own to keep, a writer that starts has shown nothing yet.
  return engine.order.role == Role::kWriter && engine.state == EngineState::kRunning
             ? Action::kStopFast
             : Action::kStopImmediately;
}

Action StepMounted(const Situation& now) {
  if (!now.may_retry || !now.volume.is_visible.value_or(false)) {
    return Action::kWait;
  }
  const bool is_reader = now.order.role == Role::kReader;
  if (is_reader && (now.reader_is_bad || now.reader_is_lost || !now.volume.has_engine)) {
    return Action::kDetach;  // a newer image may serve
  }
  if (!now.volume.has_engine) {
    return Action::kInitialize;
  }
  // What an engine wrote and did not sync before it ended, the next one finds and believes durable.
  return is_reader || now.volume.is_flushed ? Action::kStart : Action::kFlush;
}

Action StepStopped(const Situation& now) {
  const VolumeView& volume = now.volume;
  if (volume.is_busy || volume.state == VolumeState::kUnknown ||
      volume.state == VolumeState::kGone || volume.state == VolumeState::kMoving) {
    return Action::kWait;
  }
  if (now.order.role == Role::kNone) {
    return volume.state == VolumeState::kDetached || !now.may_retry ? Action::kWait
                                                                    : Action::kDetach;
  }
  if (Mounted(now.order, volume)) {
    return StepMounted(now);
  }
  const bool is_spent = now.order.role == Role::kWriter && volume.state == VolumeState::kFenced &&
                        volume.branch == now.order.branch && volume.epoch >= now.order.epoch;
  const bool is_stale = now.order.role == Role::kWriter && !now.may_attach;
  return is_spent || is_stale || !now.may_retry ? Action::kWait : Action::kAttach;
}

}  // namespace

std::string_view ToString(EngineState state) {
  constexpr std::array<std::string_view, 5> kNames = {"stopped", "initializing", "starting",
                                                      "running", "stopping"};
  return kNames.at(static_cast<std::size_t>(state));
}

std::string_view ToString(Action action) {
  constexpr std::array<std::string_view, 9> kNames = {
      "wait",  "attach",    "detach",           "initialize", "flush",
      "start", "stop fast", "stop immediately", "kill"};
  return kNames.at(static_cast<std::size_t>(action));
}

std::string_view WhyLost(const EngineView& engine, const VolumeView& volume) {
  switch (volume.state) {
    case VolumeState::kUnknown:  // its daemon may answer again; the storage nodes guard the data
    case VolumeState::kMoving:
      break;
    case VolumeState::kGone:
      return "the volume's process has ended";
    case VolumeState::kAttached:
      return Mounted(engine.order, volume) ? "" : "another mount took the place of the engine's";
    case VolumeState::kDetached:
      return "the volume is not mounted any more";
    case VolumeState::kFenced:
      return "a later epoch fenced the volume";
    case VolumeState::kFailed:
      return "the volume's mount failed";
  }
  return "";
}

bool Mounted(const Order& order, const VolumeView& volume) {
  return volume.state == VolumeState::kAttached && volume.mode == order.role &&
         volume.branch == order.branch &&
         (order.role != Role::kWriter || volume.epoch == order.epoch);
}

Action Step(const Situation& situation) {
  return situation.engine.state == EngineState::kStopped ? StepStopped(situation)
                                                         : StepAlive(situation);
}

}  // namespace sextant::agent
