// Keys of the index. A table's letter, then names and numbers big-endian, so that keys sort as the
// things they name; LSNs are inverted, so that the newest version comes first and one seek finds
// the newest at or below an LSN.
//
//   a  branch inode ~lsn ~position                attributes of an inode
//   d  branch directory name ~lsn ~position       an entry of a directory
//   f  branch                                     up to where the index holds the log
//   p  branch inode page ~lsn kind                versions of a page: a list (its oldest LSN), or
//   an image t  branch time                                the first group of a second z  branch
//   inode ~lsn ~position                a range of a file that became zeros
#pragma once

#include "sextant/protocol/types.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sextant::storage {

using protocol::BranchId;
using protocol::Lsn;
using protocol::PageId;

enum class PageRow : std::uint8_t {
  kImage = 0,
  kList = 1
};  // an image of an LSN comes before the list that begins there

inline constexpr std::size_t kPagePrefixSize = 25;

[[nodiscard]] std::string AttributesPrefix(BranchId branch, std::uint64_t inode);
[[nodiscard]] std::string DirectoryPrefix(BranchId branch, std::uint64_t directory);
[[nodiscard]] std::string EntryPrefix(BranchId branch, std::uint64_t directory,
                                      std::string_view name);
[[nodiscard]] std::string ZerosPrefix(BranchId branch, std::uint64_t inode);
[[nodiscard]] std::string PagePrefix(BranchId branch, PageId page);
[[nodiscard]] std::string FlushedKey(BranchId branch);
[[nodiscard]] std::string TimeKey(BranchId branch, std::uint64_t time);

// `prefix` with a version; without a position it sorts before all of that LSN.
[[nodiscard]] std::string VersionKey(std::string prefix, Lsn lsn, Lsn position = ~Lsn{0});
[[nodiscard]] std::string PageKey(BranchId branch, PageId page, Lsn lsn, PageRow row);

// The parts of a VersionKey. Undefined for keys of other tables.
[[nodiscard]] std::string_view PrefixOf(std::string_view version_key);
[[nodiscard]] Lsn LsnOf(std::string_view version_key);
[[nodiscard]] Lsn PositionOf(std::string_view version_key);
// The parts of a PageKey.
[[nodiscard]] PageId PageOf(std::string_view page_key);
[[nodiscard]] Lsn PageLsnOf(std::string_view page_key);
[[nodiscard]] PageRow PageRowOf(std::string_view page_key);
// Of any key.
[[nodiscard]] BranchId BranchOf(std::string_view key);
// The name in the key of a directory's entry.
[[nodiscard]] std::string NameOf(std::string_view entry_key);

[[nodiscard]] std::uint64_t BigEndianAt(std::string_view bytes, std::size_t offset);
void AppendBigEndian(std::string& out, std::uint64_t value);

// The least string above all that begin with `prefix`.
[[nodiscard]] std::string Above(std::string prefix);

}  // namespace sextant::storage
