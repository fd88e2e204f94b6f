// A snapshot as JSON and as metrics; docs/agent.md says what each field means.
#pragma once

#include "agent/config.h"
#include "agent/snapshot.h"

namespace sextant::agent {

[[nodiscard]] nlohmann::ordered_json MakeStatus(const Snapshot& snapshot, const Config& config,
                                                std::chrono::steady_clock::time_point now);
[[nodiscard]] std::string MakeMetrics(const Snapshot& snapshot, const Config& config,
                                      std::chrono::steady_clock::time_point now);

}  // namespace sextant::agent
