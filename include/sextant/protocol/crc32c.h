// CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected; RFC 3720 appendix B.4), by the processor's
// instruction where there is one (SSE4.2, ARMv8 CRC), else by tables.
#pragma once

#include "sextant/protocol/types.h"

#include <cstdint>

namespace sextant::protocol {

// The checksum of `bytes`, or of what `previous` is the checksum of followed by `bytes`.
[[nodiscard]] std::uint32_t Crc32c(BytesView bytes, std::uint32_t previous = 0);

// The same, each in its own way; for tests. ByInstruction only if HasCrc32cInstruction().
[[nodiscard]] bool HasCrc32cInstruction();
[[nodiscard]] std::uint32_t Crc32cByInstruction(BytesView bytes, std::uint32_t previous = 0);
[[nodiscard]] std::uint32_t Crc32cByTable(BytesView bytes, std::uint32_t previous = 0);

}  // namespace sextant::protocol
