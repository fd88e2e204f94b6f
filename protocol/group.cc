#include "sextant/protocol/group.h"

#include "sextant/protocol/codec.h"
#include "sextant/protocol/crc32c.h"

namespace sextant::protocol {
namespace {

constexpr std::uint32_t kMagic = 0x47585853;  // "SXXG"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kSizeOffset = 64;
constexpr std::size_t kChecksumOffset = 68;

// Of everything but the checksum itself.
std::uint32_t Checksum(BytesView bytes) {
  return Crc32c(bytes.subspan(Group::kHeaderSize), Crc32c(bytes.first(kChecksumOffset)));
}

}  // namespace

Group Group::Make(GroupHeader header, std::span<const Record> records) {
  Encoder body;
  for (const Record& record : records) {
    EncodeRecord(record, body);
  }
  header.end = header.first + kHeaderSize + body.size();

  Encoder out;
  out(kMagic, kVersion, std::uint16_t{0}, header.protection_group,
      static_cast<std::uint32_t>(records.size()), header.branch, header.epoch, header.first,
      header.end, header.previous_end, header.time,
      static_cast<std::uint32_t>(kHeaderSize + body.size()), std::uint32_t{0});
  out.Raw(body.bytes());
  Bytes bytes = out.Take();

  std::uint32_t checksum = Checksum(bytes);
  for (std::size_t i = kChecksumOffset; i < kHeaderSize; ++i, checksum >>= 8) {
    bytes[i] = static_cast<std::uint8_t>(checksum & 0xFF);
  }
  return {header, std::make_shared<const Bytes>(std::move(bytes))};
}

std::expected<std::size_t, DecodeError> Group::SizeOf(BytesView bytes) {
  if (bytes.size() < kHeaderSize) {
    return std::unexpected(DecodeError::kTruncated);
  }
  Decoder front(bytes.first(8));
  std::uint32_t magic = 0;
  std::uint16_t version = 0;
  front(magic, version);
  if (magic != kMagic) {
    return std::unexpected(DecodeError::kMagic);
  }
  if (version != kVersion) {
    return std::unexpected(DecodeError::kVersion);
  }
  std::uint32_t size = 0;
  Decoder(bytes.subspan(kSizeOffset, 4))(size);
  if (size > kMaximumSize) {
    return std::unexpected(DecodeError::kTooLarge);
  }
  if (size < kHeaderSize) {
    return std::unexpected(DecodeError::kMalformed);
  }
  return size;
}

std::expected<Group, DecodeError> Group::Decode(BytesView bytes) {
  const auto size = SizeOf(bytes);
  if (!size) {
    return std::unexpected(size.error());
  }
  if (bytes.size() != *size) {
    return std::unexpected(bytes.size() < *size ? DecodeError::kTruncated
                                                : DecodeError::kMalformed);
  }
  std::uint32_t checksum = 0;
  Decoder(bytes.subspan(kChecksumOffset, 4))(checksum);
  if (checksum != Checksum(bytes)) {
    return std::unexpected(DecodeError::kChecksum);
  }
  GroupHeader header;
  std::uint32_t records = 0;
  Decoder(bytes.subspan(8, kSizeOffset - 8))(header.protection_group, records, header.branch,
                                             header.epoch, header.first, header.end,
                                             header.previous_end, header.time);
  if (header.branch == 0 || header.epoch == 0 || header.end < header.first ||
      header.end - header.first != *size || header.previous_end > header.first) {
    return std::unexpected(DecodeError::kMalformed);
  }
  return Group(header, std::make_shared<const Bytes>(bytes.begin(), bytes.end()));
}

std::expected<std::vector<Record>, DecodeError> Group::Records() const {
  std::uint32_t count = 0;
  Decoder(bytes().subspan(12, 4))(count);
  Decoder body(bytes().subspan(kHeaderSize));
  std::vector<Record> records;
  while (body.remaining() > 0) {
    auto record = DecodeRecord(body);
    if (!record) {
      return std::unexpected(record.error());
    }
    records.push_back(std::move(*record));
  }
  if (records.size() != count) {
    return std::unexpected(DecodeError::kMalformed);
  }
  return records;
}

void Group::Describe(Decoder& archive) {
  Bytes bytes;
  archive(bytes);
  auto group = Decode(bytes);
  if (group) {
    *this = std::move(*group);
  } else {
    archive.Fail();
  }
}

}  // namespace sextant::protocol
