// Where in the log a version of a page is, and lists of them as the index stores them.
#pragma once

#include "sextant/protocol/types.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::storage {

using protocol::Lsn;

enum class VersionKind : std::uint8_t { kImage, kPatch };

// One record of a group. The bytes stay in the log; the checksum is theirs, because a read of one
// record does not see the rest of its group.
struct Version {
  Lsn lsn = 0;  // the end of its group
  std::uint32_t group_size = 0;
  std::uint32_t offset = 0;  // of the record in its group
  std::uint32_t length = 0;
  std::uint32_t checksum = 0;
  VersionKind kind = VersionKind::kPatch;

  [[nodiscard]] Lsn position() const { return lsn - group_size + offset; }
  [[nodiscard]] protocol::LsnRange group() const { return {lsn - group_size, lsn}; }
  bool operator==(const Version&) const = default;
};

// Versions in rising order as bytes: variable-length numbers, LSNs as differences.
[[nodiscard]] std::string PackVersions(std::span<const Version> versions);
// None when the bytes are not such a list.
[[nodiscard]] std::optional<std::vector<Version>> UnpackVersions(std::string_view bytes);

}  // namespace sextant::storage
