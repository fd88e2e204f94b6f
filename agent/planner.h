// What to do next, from what is wanted and what is: pure.
#pragma once

#include "agent/order.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sextant::agent {

enum class EngineState : std::uint8_t {
  kStopped,
  kInitializing,
  kStarting,
  kRunning,
  kStopping,
};

[[nodiscard]] std::string_view ToString(EngineState state);

// The engine's process, and the order it was started for.
struct EngineView {
  EngineState state = EngineState::kStopped;
  Order order = {};
  bool stop_is_late = false;  // stopping for longer than a stop may take
};

enum class VolumeState : std::uint8_t {
  kUnknown,  // its daemon does not answer
  kGone,     // its daemon's process has ended, and the mount with it
  kDetached,
  kMoving,  // attaching or detaching
  kAttached,
  kFenced,
  kFailed,
};

// The volume as its daemon last told.
struct VolumeView {
  VolumeState state = VolumeState::kUnknown;
  Role mode = Role::kNone;
  std::uint64_t branch = 0;
  std::uint64_t epoch = 0;
  bool is_busy = false;                 // a command of ours is under way
  std::optional<bool> is_visible = {};  // the mount is seen here
  bool has_engine = false;              // an initialized engine's directory is there
  bool is_flushed = true;               // nothing of an engine that ended waits to become durable
};

struct Situation {
  Order order = {};
  EngineView engine = {};
  VolumeView volume = {};
  bool may_retry = true;        // the pause after the last failure is over
  bool reader_is_bad = false;   // it failed again and again on its image
  bool reader_is_lost = false;  // it runs, and can never follow the writer from this image
  // After a restart of the agent a writer's order counts only if the volume is still attached by
  // it; a new one must come otherwise.
  bool may_attach = true;
};

enum class Action : std::uint8_t {
  kWait,
  kAttach,
  kDetach,
  kInitialize,
  kFlush,
  kStart,
  kStopFast,
  kStopImmediately,
  kKill,
};

[[nodiscard]] std::string_view ToString(Action action);

// Why the engine that lives must be killed: its mount is gone, or may no longer be written. Empty:
// it need not.
[[nodiscard]] std::string_view WhyLost(const EngineView& engine, const VolumeView& volume);

// The volume is mounted as the order wants it.
[[nodiscard]] bool Mounted(const Order& order, const VolumeView& volume);

[[nodiscard]] Action Step(const Situation& situation);

}  // namespace sextant::agent
