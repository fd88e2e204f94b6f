// Groups whose bytes follow from their place in the log, so that a reader knows what must be there.
#pragma once

#include "storage/disk_host.h"
#include "tests/unit/storage/groups.h"

#include <filesystem>

namespace sextant::storage::testing {

inline protocol::Group NumberedGroup(Lsn end) {
  const std::uint64_t mixed = (end + 1) * 0x9E3779B97F4A7C15U;
  return MakeGroup(end, 1 + (mixed >> 40) % 5000, static_cast<std::uint8_t>(mixed >> 32));
}

inline DiskHostOptions CrashOptions(const std::filesystem::path& directory) {
  return {
      .store = {.directory = directory,
                .segment_size = 1U << 20,
                .index = {.directory = {}, .table_log_bytes = 300'000, .cache_bytes = 8U << 20}}};
}

}  // namespace sextant::storage::testing
