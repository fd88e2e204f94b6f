#include "sextant/protocol/group.h"

#include "envelope.h"
#include "sextant/protocol/codec.h"

namespace sextant::protocol {
namespace {

constexpr std::size_t kCountOffset = 12;
constexpr std::size_t kFieldsOffset = 8;
constexpr std::size_t kSizeOffset = 64;
constexpr Envelope kGroupEnvelope{.magic = 0x47585853,  // "SXXG"
                                  .version = 1,
                                  .header_size = Group::kHeaderSize,
                                  .size_offset = kSizeOffset,
                                  .checksum_offset = 68,
                                  .maximum_size = Group::kMaximumSize};

}  // namespace

Group Group::Make(GroupHeader header, std::span<const Record> records) {
  Encoder body;
  for (const Record& record : records) {
    EncodeRecord(record, body);
  }
  header.end = header.first + kHeaderSize + body.size();

  Encoder out;
  out(kGroupEnvelope.magic, kGroupEnvelope.version, std::uint16_t{0}, header.protection_group,
      static_cast<std::uint32_t>(records.size()), header.branch, header.epoch, header.first,
      header.end, header.previous_end, header.time,
      static_cast<std::uint32_t>(kHeaderSize + body.size()), std::uint32_t{0});
  out.Raw(body.bytes());
  Bytes bytes = out.Take();
  kGroupEnvelope.Seal(bytes);
  return {header, std::make_shared<const Bytes>(std::move(bytes))};
}

std::expected<std::size_t, DecodeError> Group::SizeOf(BytesView bytes) {
  return kGroupEnvelope.SizeOf(bytes);
}

std::expected<Group, DecodeError> Group::Decode(BytesView bytes) {
  if (auto verified = kGroupEnvelope.Verify(bytes); !verified) {
    return std::unexpected(verified.error());
  }
  GroupHeader header;
  std::uint32_t records = 0;
  Decoder(bytes.subspan(kFieldsOffset, kSizeOffset - kFieldsOffset))(
      header.protection_group, records, header.branch, header.epoch, header.first, header.end,
      header.previous_end, header.time);
  if (header.branch == 0 || header.epoch == 0 || header.end < header.first ||
      header.end - header.first != bytes.size() || header.previous_end > header.first) {
    return std::unexpected(DecodeError::kMalformed);
  }
  return Group(header, std::make_shared<const Bytes>(bytes.begin(), bytes.end()));
}

std::expected<std::vector<Record>, DecodeError> Group::Records() const {
  std::uint32_t count = 0;
  Decoder(bytes().subspan(kCountOffset, 4))(count);
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

bool Group::RecordsAreWellFormed() const {
  std::uint32_t count = 0;
  Decoder(bytes().subspan(kCountOffset, 4))(count);
  Decoder body(bytes().subspan(kHeaderSize));
  std::uint32_t found = 0;
  for (; body.remaining() > 0; ++found) {
    if (!CheckRecord(body)) {
      return false;
    }
  }
  return found == count;
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
