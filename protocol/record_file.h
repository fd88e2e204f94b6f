// A value as a file: magic, version, the fields, CRC32C.
#pragma once

#include "sextant/protocol/codec.h"
#include "sextant/protocol/crc32c.h"
#include "sextant/protocol/group.h"

#include <expected>

namespace sextant::protocol {

template <class T>
Bytes EncodeFile(std::uint32_t magic, std::uint32_t version, const T& record) {
  Encoder out;
  out(magic, version, record);
  out(Crc32c(out.bytes()));
  return out.Take();
}

template <class T>
std::expected<T, DecodeError> DecodeFile(std::uint32_t magic, std::uint32_t version,
                                         BytesView bytes) {
  constexpr std::size_t kFrame = 12;
  if (bytes.size() < kFrame) {
    return std::unexpected(DecodeError::kTruncated);
  }
  const BytesView content = bytes.first(bytes.size() - 4);
  std::uint32_t checksum = 0;
  Decoder(bytes.last(4))(checksum);
  Decoder in(content);
  std::uint32_t found_magic = 0;
  std::uint32_t found_version = 0;
  in(found_magic, found_version);
  if (found_magic != magic) {
    return std::unexpected(DecodeError::kMagic);
  }
  if (checksum != Crc32c(content)) {
    return std::unexpected(DecodeError::kChecksum);
  }
  if (found_version != version) {
    return std::unexpected(DecodeError::kVersion);
  }
  T record;
  in(record);
  if (!in.Done()) {
    return std::unexpected(DecodeError::kMalformed);
  }
  return record;
}

}  // namespace sextant::protocol
