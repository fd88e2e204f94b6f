// Any bytes as a segment of a log. The first two choose what is known of it.
#include "storage/log/log_scan.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace storage = sextant::storage;
  if (size < 2) {
    return 0;
  }
  constexpr storage::Lsn kFirst = 1000;
  const storage::Lsn known = kFirst + data[0] * 256U + data[1];
  const storage::BytesView bytes(data + 2, size - 2);
  storage::Lsn at = kFirst;
  storage::Lsn groups_end = kFirst;
  const auto result =
      storage::ScanGroups(bytes, {.branch = 7, .first = kFirst, .from = kFirst, .known = known},
                          [&](const storage::Group& group) {
                            if (group.header().first < groups_end) {
                              std::abort();  // groups come in order and do not overlap
                            }
                            groups_end = group.end();
                            static_cast<void>(group.Records());
                            return true;
                          });
  for (const auto& range : result.damaged) {
    if (range.first < at || range.first >= range.end || range.end > known) {
      std::abort();
    }
    at = range.end;
  }
  if (result.end < kFirst || groups_end > kFirst + bytes.size() || result.end < groups_end) {
    std::abort();
  }
  return 0;
}
