// What an agent shows of itself.
#pragma once

#include "agent/planner.h"
#include "agent/prober.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace sextant::agent {

// What it works on.
struct Progress {
  std::string step;
  std::chrono::steady_clock::time_point since;
  std::string error;  // of the last failure on the way
};

struct Snapshot {
  std::chrono::steady_clock::time_point taken_at = std::chrono::steady_clock::now();
  std::optional<Order> order;
  EngineView engine;
  bool engine_failed = false;  // stopped against the order
  Probe probe;
  std::optional<std::chrono::system_clock::time_point> started_at;
  std::uint64_t restarts = 0;  // the engine ended although the order was unchanged
  std::uint64_t kills = 0;     // because its volume was lost
  std::uint64_t rebases = 0;   // a reader could not follow any more and took a newer image
  std::string engine_error;
  nlohmann::json volume;  // as its daemon told it; null: it does not answer
  std::string volume_error;
  Progress progress;
};

// The engine accepts queries in the role that it was ordered.
[[nodiscard]] bool Accepts(const Snapshot& snapshot, std::chrono::steady_clock::time_point now);

}  // namespace sextant::agent
