// A storage node's state for people and for the operator, as JSON.
#pragma once

#include "storage/server/config.h"
#include "storage/server/disk_usage.h"
#include "storage/server/snapshot.h"

#include <nlohmann/json_fwd.hpp>

namespace sextant::storage::server {

// Every key is explained in docs/storage-server.md. Ages are milliseconds before `now`.
[[nodiscard]] nlohmann::ordered_json MakeStatus(const Snapshot& snapshot, const DiskUsage& usage,
                                                const Config& config, SteadyTime now);

// "ready", or why it is not: "disk_failed", "broken", "stopping", "stuck".
[[nodiscard]] std::string_view StateOf(const Snapshot& snapshot, SteadyTime now);

}  // namespace sextant::storage::server
