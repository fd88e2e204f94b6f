// What groups and frames have in common: a header with a magic number (at 0), a version (at 4), the
// size of the whole and a CRC32C of all but itself.
#pragma once

#include "sextant/protocol/record.h"

#include <expected>

namespace sextant::protocol {

struct Envelope {
  std::uint32_t magic;
  std::uint16_t version;
  std::size_t header_size;
  std::size_t size_offset;
  std::size_t checksum_offset;
  std::size_t maximum_size;

  // The size of what begins `bytes`, from its header, which is not verified.
  [[nodiscard]] std::expected<std::size_t, DecodeError> SizeOf(BytesView bytes) const;
  // `bytes` is exactly one, and its checksum is right.
  [[nodiscard]] std::expected<void, DecodeError> Verify(BytesView bytes) const;
  // Puts the checksum in.
  void Seal(Bytes& bytes) const;

 private:
  [[nodiscard]] std::uint32_t Checksum(BytesView bytes) const;
};

}  // namespace sextant::protocol
