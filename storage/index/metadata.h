// How the index stores what it knows of files beside their pages.
#pragma once

#include "sextant/protocol/metadata.h"

#include <optional>
#include <string>
#include <string_view>

namespace sextant::storage {

using protocol::Attributes;
using protocol::DirectoryEntry;
using protocol::ZeroRange;

[[nodiscard]] std::string PackAttributes(const Attributes& attributes);
[[nodiscard]] std::optional<Attributes> UnpackAttributes(std::string_view bytes);
[[nodiscard]] std::string PackZeros(const ZeroRange& range);
[[nodiscard]] std::optional<ZeroRange> UnpackZeros(std::string_view bytes);
// An entry's inode, or 0 for a name that was removed.
[[nodiscard]] std::string PackInode(std::uint64_t inode);
[[nodiscard]] std::uint64_t UnpackInode(std::string_view bytes);

}  // namespace sextant::storage
