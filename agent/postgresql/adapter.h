// PostgreSQL 17 as Debian builds it.
#pragma once

#include "agent/engine.h"

namespace sextant::agent::postgresql {

[[nodiscard]] Result<std::unique_ptr<Engine>> MakeAdapter(const Config& config);
// The key of what clients are shown, from its Secret to where only the engine can read it.
[[nodiscard]] Result<> CopyKey(const Config& config);
// Talks through the socket in the run directory.
[[nodiscard]] std::unique_ptr<EngineClient> MakeClient(const Config& config);

}  // namespace sextant::agent::postgresql
