// Pages as the file system holds them, and how one becomes a record.
#pragma once

#include "sextant/protocol/record.h"

#include <array>
#include <cstdint>
#include <memory>

namespace sextant::volume {

using protocol::kPageSize;
using Page = std::array<std::uint8_t, kPageSize>;
using PagePtr = std::shared_ptr<Page>;
using ConstPagePtr = std::shared_ptr<const Page>;

// What engines write as one: an aligned unit of 8 or 16 KiB. Pages of a unit never part in the log.
inline constexpr std::uint64_t kUnitSize = 16384;
inline constexpr std::uint64_t kPagesPerUnit = kUnitSize / kPageSize;

// The record that turns `base` into `bytes`: a patch where that is clearly smaller, else an image.
// `base` null: what the volume has is not known here, so an image.
[[nodiscard]] protocol::Record PageRecord(const protocol::PageId& page, const Page* base,
                                          const Page& bytes);

// What a record of a page takes in a group, about.
[[nodiscard]] std::size_t RecordSize(const protocol::Record& record);

// All zeros, shared by everybody.
[[nodiscard]] const ConstPagePtr& ZeroPage();

}  // namespace sextant::volume
