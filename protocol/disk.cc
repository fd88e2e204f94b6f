#include "sextant/protocol/disk.h"

#include "record_file.h"

namespace sextant::protocol {
namespace {

constexpr std::uint32_t kNodeMagic = 0x4E585853;    // "SXXN"
constexpr std::uint32_t kBranchMagic = 0x42585853;  // "SXXB"
constexpr std::uint32_t kNodeVersion = 1;
constexpr std::uint32_t kBranchVersion = 2;

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
