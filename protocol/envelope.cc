#include "envelope.h"

#include "sextant/protocol/codec.h"
#include "sextant/protocol/crc32c.h"

namespace sextant::protocol {

std::uint32_t Envelope::Checksum(BytesView bytes) const {
  return Crc32c(bytes.subspan(checksum_offset + sizeof(std::uint32_t)),
                Crc32c(bytes.first(checksum_offset)));
}

std::expected<std::size_t, DecodeError> Envelope::SizeOf(BytesView bytes) const {
  if (bytes.size() < header_size) {
    return std::unexpected(DecodeError::kTruncated);
  }
  std::uint32_t found_magic = 0;
  std::uint16_t found_version = 0;
  std::uint32_t size = 0;
  Decoder(bytes.first(6))(found_magic, found_version);
  Decoder(bytes.subspan(size_offset, sizeof(size)))(size);
  if (found_magic != magic) {
    return std::unexpected(DecodeError::kMagic);
  }
  if (found_version != version) {
    return std::unexpected(DecodeError::kVersion);
  }
  if (size > maximum_size) {
    return std::unexpected(DecodeError::kTooLarge);
  }
  if (size < header_size) {
    return std::unexpected(DecodeError::kMalformed);
  }
  return size;
}

std::expected<void, DecodeError> Envelope::Verify(BytesView bytes) const {
  const auto size = SizeOf(bytes);
  if (!size) {
    return std::unexpected(size.error());
  }
  if (bytes.size() != *size) {
    return std::unexpected(bytes.size() < *size ? DecodeError::kTruncated
                                                : DecodeError::kMalformed);
  }
  std::uint32_t checksum = 0;
  Decoder(bytes.subspan(checksum_offset, sizeof(checksum)))(checksum);
  if (checksum != Checksum(bytes)) {
    return std::unexpected(DecodeError::kChecksum);
  }
  return {};
}

void Envelope::Seal(Bytes& bytes) const {
  std::uint32_t checksum = Checksum(bytes);
  for (std::size_t i = 0; i < sizeof(checksum); ++i, checksum >>= 8) {
    bytes[checksum_offset + i] = static_cast<std::uint8_t>(checksum & 0xFF);
  }
}

}  // namespace sextant::protocol
