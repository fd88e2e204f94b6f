#include "sextant/protocol/disk.h"

#include "sextant/protocol/codec.h"
#include "sextant/protocol/crc32c.h"

namespace sextant::protocol {
namespace {

constexpr std::uint32_t kNodeMagic = 0x4E585853;    // "SXXN"
constexpr std::uint32_t kBranchMagic = 0x42585853;  // "SXXB"
constexpr std::uint32_t kNodeVersion = 1;
constexpr std::uint32_t kBranchVersion = 2;

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

}  // namespace

Bytes EncodeNodeRecord(const NodeRecord& record) {
  return EncodeFile(kNodeMagic, kNodeVersion, record);
}

std::expected<NodeRecord, DecodeError> DecodeNodeRecord(BytesView bytes) {
  return DecodeFile<NodeRecord>(kNodeMagic, kNodeVersion, bytes);
}

Bytes EncodeBranchRecord(const BranchRecord& record) {
  return EncodeFile(kBranchMagic, kBranchVersion, record);
}

std::expected<BranchRecord, DecodeError> DecodeBranchRecord(BytesView bytes) {
  return DecodeFile<BranchRecord>(kBranchMagic, kBranchVersion, bytes);
}

}  // namespace sextant::protocol
