// MariaDB 11.8 as Debian builds it.
#pragma once

#include "agent/engine.h"

namespace sextant::agent::mariadb {

[[nodiscard]] Result<std::unique_ptr<Engine>> MakeAdapter(const Config& config);
// Talks through the socket in the run directory.
[[nodiscard]] std::unique_ptr<EngineClient> MakeClient(const Config& config);

}  // namespace sextant::agent::mariadb
