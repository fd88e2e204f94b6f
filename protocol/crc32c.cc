#include "sextant/protocol/crc32c.h"

#include <array>

namespace sextant::protocol {
namespace {

constexpr std::size_t kSlices = 8;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

// tables[k][b] is the effect of byte b followed by k zero bytes ("slicing by eight").
constexpr Tables MakeTables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0);
    }
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < kSlices; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

}  // namespace

std::uint32_t Crc32cByTable(BytesView bytes, std::uint32_t previous) {
  std::uint32_t crc = ~previous;
  std::size_t i = 0;
  for (; i + kSlices <= bytes.size(); i += kSlices) {
    std::uint32_t next = 0;
    for (std::size_t k = 0; k < kSlices; ++k) {
      const std::uint32_t mixed = k < 4 ? (crc >> (8 * k)) & 0xFF : 0;
      next ^= kTables[kSlices - 1 - k][mixed ^ bytes[i + k]];
    }
    crc = next;
  }
  for (; i < bytes.size(); ++i) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ bytes[i]) & 0xFF];
  }
  return ~crc;
}

std::uint32_t Crc32c(BytesView bytes, std::uint32_t previous) {
  static const bool kHasInstruction = HasCrc32cInstruction();
  return kHasInstruction ? Crc32cByInstruction(bytes, previous) : Crc32cByTable(bytes, previous);
}

}  // namespace sextant::protocol
