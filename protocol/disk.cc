#include "sextant/protocol/disk.h"

#include "sextant/protocol/codec.h"
#include "sextant/protocol/crc32c.h"

namespace sextant::protocol {
namespace {

constexpr std::uint32_t kNodeMagic = 0x4E585853;    // "SXXN"
constexpr std::uint32_t kBranchMagic = 0x42585853;  // "SXXB"
constexpr std::uint32_t kVersion = 1;

template <class T>
Bytes EncodeFile(std::uint32_t magic, const T& record) {
  Encoder out;
  out(magic, kVersion, record);
  out(Crc32c(out.bytes()));
  return out.Take();
}

template <class T>
std::expected<T, DecodeError> DecodeFile(std::uint32_t magic, BytesView bytes) {
  constexpr std::size_t kFrame = 12;
  if (bytes.size() < kFrame) {
    return std::unexpected(DecodeError::kTruncated);
  }
  const BytesView content = bytes.first(bytes.size() - 4);
  std::uint32_t checksum = 0;
  Decoder(bytes.last(4))(checksum);
  Decoder in(content);
  std::uint32_t found_magic = 0;
  std::uint32_t version = 0;
  in(found_magic, version);
  if (found_magic != magic) {
    return std::unexpected(DecodeError::kMagic);
  }
  if (checksum != Crc32c(content)) {
    return std::unexpected(DecodeError::kChecksum);
  }
  if (version != kVersion) {
    return std::unexpected(DecodeError::kVersion);
  }
  T record;
  in(record);
  if (!in.Done()) {
    return std::unexpected(DecodeError::kMalformed);
  }
  return record;
}

}  // namespace

Bytes EncodeNodeRecord(const NodeRecord& record) { return EncodeFile(kNodeMagic, record); }

std::expected<NodeRecord, DecodeError> DecodeNodeRecord(BytesView bytes) {
  return DecodeFile<NodeRecord>(kNodeMagic, bytes);
}

Bytes EncodeBranchRecord(const BranchRecord& record) { return EncodeFile(kBranchMagic, record); }

std::expected<BranchRecord, DecodeError> DecodeBranchRecord(BytesView bytes) {
  return DecodeFile<BranchRecord>(kBranchMagic, bytes);
}

}  // namespace sextant::protocol
