// CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected; RFC 3720 appendix B.4).
#pragma once

#include "sextant/protocol/types.h"

#include <cstdint>

namespace sextant::protocol {

// The checksum of `bytes`, or of what `previous` is the checksum of followed by `bytes`.
[[nodiscard]] std::uint32_t Crc32c(BytesView bytes, std::uint32_t previous = 0);

}  // namespace sextant::protocol
