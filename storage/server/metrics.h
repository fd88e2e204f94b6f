// A storage node's state in Prometheus' text format. docs/storage-server.md says what each metric
// means.
#pragma once

#include "storage/server/disk_usage.h"
#include "storage/server/snapshot.h"

namespace sextant::storage::server {

[[nodiscard]] std::string MakeMetrics(const Snapshot& snapshot, const DiskUsage& usage,
                                      const net::Traffic& traffic, SteadyTime now);

}  // namespace sextant::storage::server
