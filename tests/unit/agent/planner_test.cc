#include "agent/planner.h"

#include <gtest/gtest.h>

namespace sextant::agent {
namespace {

constexpr Order kWriter{.id = 3, .role = Role::kWriter, .branch = 1, .epoch = 7};
constexpr Order kReader{.id = 3, .role = Role::kReader, .branch = 1};
constexpr Order kNothing{.id = 3, .role = Role::kNone};

VolumeView Detached() { return {.state = VolumeState::kDetached}; }

VolumeView MountedAs(const Order& order, bool has_engine = true) {
  return {.state = VolumeState::kAttached,
          .mode = order.role,
          .branch = order.branch,
          .epoch = order.epoch,
          .is_visible = true,
          .has_engine = has_engine};
}

EngineView Engine(EngineState state, const Order& order) {
  return {.state = state, .order = order};
}

struct Case {
  const char* name;
  Situation situation;
  Action action;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    EXPECT_EQ(ToString(Step(one.situation)), ToString(one.action)) << one.name;
  }
}

Situation With(Situation situation, void (*change)(Situation&)) {
  change(situation);
  return situation;
}

TEST(Planner, BringsAWriterUp) {
  const Situation mounted{.order = kWriter, .volume = MountedAs(kWriter)};
  Check({
      {"no daemon", {.order = kWriter}, Action::kWait},
      {"detached", {.order = kWriter, .volume = Detached()}, Action::kAttach},
      {"attaching", {.order = kWriter, .volume = {.state = VolumeState::kMoving}}, Action::kWait},
      {"a command is under way",
       With({.order = kWriter, .volume = Detached()}, [](auto& s) { s.volume.is_busy = true; }),
       Action::kWait},
      {"the pause is not over",
       With({.order = kWriter, .volume = Detached()}, [](auto& s) { s.may_retry = false; }),
       Action::kWait},
      {"restored, and the volume is not attached",
       With({.order = kWriter, .volume = Detached()}, [](auto& s) { s.may_attach = false; }),
       Action::kWait},
      {"restored, and it is", With(mounted, [](auto& s) { s.may_attach = false; }), Action::kStart},
      {"mounted", mounted, Action::kStart},
      {"the mount is not seen here", With(mounted, [](auto& s) { s.volume.is_visible = false; }),
       Action::kWait},
      {"an engine may have left what is not durable",
       With(mounted, [](auto& s) { s.volume.is_flushed = false; }), Action::kFlush},
      {"the flush has failed",
       With(mounted,
            [](auto& s) {
              s.volume.is_flushed = false;
              s.may_retry = false;
            }),
       Action::kWait},
      {"empty, and not flushed",
       With({.order = kWriter, .volume = MountedAs(kWriter, false)},
            [](auto& s) { s.volume.is_flushed = false; }),
       Action::kInitialize},
      {"its daemon has ended",
       {.order = kWriter, .volume = {.state = VolumeState::kGone}},
       Action::kWait},
      {"empty", {.order = kWriter, .volume = MountedAs(kWriter, false)}, Action::kInitialize},
      {"mounted in an older epoch", With(mounted, [](auto& s) { s.volume.epoch = 6; }),
       Action::kAttach},
      {"mounted as a reader", {.order = kWriter, .volume = MountedAs(kReader)}, Action::kAttach},
      {"fenced", With(mounted, [](auto& s) { s.volume.state = VolumeState::kFenced; }),
       Action::kWait},
      {"fenced in an older epoch",
       With(mounted,
            [](auto& s) {
              s.volume.state = VolumeState::kFenced;
              s.volume.epoch = 6;
            }),
       Action::kAttach},
      {"starting",
       {.order = kWriter,
        .engine = Engine(EngineState::kStarting, kWriter),
        .volume = MountedAs(kWriter)},
       Action::kWait},
      {"running",
       {.order = kWriter,
        .engine = Engine(EngineState::kRunning, kWriter),
        .volume = MountedAs(kWriter)},
       Action::kWait},
  });
}

TEST(Planner, BringsAReaderUp) {
  Check({
      {"detached", {.order = kReader, .volume = Detached()}, Action::kAttach},
      {"restored, which harms nobody",
       With({.order = kReader, .volume = Detached()}, [](auto& s) { s.may_attach = false; }),
       Action::kAttach},
      {"mounted", {.order = kReader, .volume = MountedAs(kReader)}, Action::kStart},
      {"not flushed, which is nothing to a private image",
       With({.order = kReader, .volume = MountedAs(kReader)},
            [](auto& s) { s.volume.is_flushed = false; }),
       Action::kStart},
      {"an image from before the engine was initialized",
       {.order = kReader, .volume = MountedAs(kReader, false)},
       Action::kDetach},
      {"an image that does not start",
       With({.order = kReader, .volume = MountedAs(kReader)},
            [](auto& s) { s.reader_is_bad = true; }),
       Action::kDetach},
  });
}

TEST(Planner, TakesANewerImageForAReaderThatCannotFollow) {
  const Situation lost{.order = kReader,
                       .engine = Engine(EngineState::kRunning, kReader),
                       .volume = MountedAs(kReader),
                       .reader_is_lost = true};
  Check({
      {"running", lost, Action::kStopImmediately},
      {"stopping", With(lost, [](auto& s) { s.engine.state = EngineState::kStopping; }),
       Action::kWait},
      {"stopped", With(lost, [](auto& s) { s.engine = {}; }), Action::kDetach},
      {"detached",
       With(lost,
            [](auto& s) {
              s.engine = {};
              s.volume = Detached();
            }),
       Action::kAttach},
      {"a writer follows nobody",
       {.order = kWriter,
        .engine = Engine(EngineState::kRunning, kWriter),
        .volume = MountedAs(kWriter),
        .reader_is_lost = true},
       Action::kWait},
  });
}

TEST(Planner, KillsWhatLostItsVolume) {
  const Situation running{.order = kWriter,
                          .engine = Engine(EngineState::kRunning, kWriter),
                          .volume = MountedAs(kWriter)};
  for (const VolumeState state :
       {VolumeState::kFenced, VolumeState::kDetached, VolumeState::kFailed, VolumeState::kGone}) {
    Situation now = running;
    now.volume.state = state;
    EXPECT_EQ(Step(now), Action::kKill) << static_cast<int>(state);
    now.engine.state = EngineState::kStopping;
    EXPECT_EQ(Step(now), Action::kKill) << static_cast<int>(state);
  }
  Check({
      {"a reader whose daemon has ended",
       {.order = kReader,
        .engine = Engine(EngineState::kRunning, kReader),
        .volume = {.state = VolumeState::kGone}},
       Action::kKill},
      {"its daemon does not answer", With(running, [](auto& s) { s.volume = {}; }), Action::kWait},
      {"mounted in another epoch", With(running, [](auto& s) { s.volume.epoch = 8; }),
       Action::kKill},
  });
}

TEST(Planner, StopsForAnotherOrder) {
  const auto now = [](EngineState state, const Order& is, const Order& wanted) {
    return Situation{.order = wanted, .engine = Engine(state, is), .volume = MountedAs(is)};
  };
  const Order next{.id = 4, .role = Role::kWriter, .branch = 1, .epoch = 8};
  const Order again{.id = 4, .role = Role::kWriter, .branch = 1, .epoch = 7};
  Check({
      {"writer, demoted", now(EngineState::kRunning, kWriter, kNothing), Action::kStopFast},
      {"writer, next epoch", now(EngineState::kRunning, kWriter, next), Action::kStopFast},
      {"writer, the same under another id", now(EngineState::kRunning, kWriter, again),
       Action::kWait},
      {"writer that starts", now(EngineState::kStarting, kWriter, kNothing),
       Action::kStopImmediately},
      {"initializing", now(EngineState::kInitializing, kWriter, kNothing), Action::kKill},
      {"reader, promoted", now(EngineState::kRunning, kReader, kWriter), Action::kStopImmediately},
      {"reader that starts, promoted", now(EngineState::kStarting, kReader, kWriter),
       Action::kStopImmediately},
      {"stopping", now(EngineState::kStopping, kWriter, kNothing), Action::kWait},
      {"stopping for too long",
       With(now(EngineState::kStopping, kWriter, kNothing),
            [](auto& s) { s.engine.stop_is_late = true; }),
       Action::kKill},
  });
}

TEST(Planner, LeavesNothingBehind) {
  Check({
      {"attached", {.order = kNothing, .volume = MountedAs(kWriter)}, Action::kDetach},
      {"fenced", {.order = kNothing, .volume = {.state = VolumeState::kFenced}}, Action::kDetach},
      {"detached", {.order = kNothing, .volume = Detached()}, Action::kWait},
      {"no daemon", {.order = kNothing}, Action::kWait},
  });
}

}  // namespace
}  // namespace sextant::agent
