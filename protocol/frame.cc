#include "sextant/protocol/frame.h"

#include "sextant/protocol/codec.h"
#include "sextant/protocol/crc32c.h"

namespace sextant::protocol {
namespace {

constexpr std::uint32_t kMagic = 0x46585853;  // "SXXF"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kSizeOffset = 8;
constexpr std::size_t kChecksumOffset = kFrameHeaderSize - 4;
constexpr std::size_t kKindOffset = 6;

std::uint32_t Checksum(BytesView bytes) {
  return Crc32c(bytes.subspan(kFrameHeaderSize), Crc32c(bytes.first(kChecksumOffset)));
}

template <std::size_t... Is>
bool DecodeMessage(std::uint16_t kind, Decoder& body, Message& message,
                   std::index_sequence<Is...>) {
  ((Is == kind ? body(message.emplace<Is>()) : void()), ...);
  return body.Done();
}

}  // namespace

Bytes EncodeFrame(const Frame& frame) {
  Encoder body;
  std::visit([&](const auto& message) { body(message); }, frame.message);
  Encoder out;
  out(kMagic, kVersion, static_cast<std::uint16_t>(frame.message.index()),
      static_cast<std::uint32_t>(kFrameHeaderSize + body.size()), std::uint32_t{0}, frame.from,
      frame.to, std::uint32_t{0});
  out.Raw(body.bytes());
  Bytes bytes = out.Take();
  std::uint32_t checksum = Checksum(bytes);
  for (std::size_t i = kChecksumOffset; i < kFrameHeaderSize; ++i, checksum >>= 8) {
    bytes[i] = static_cast<std::uint8_t>(checksum & 0xFF);
  }
  return bytes;
}

std::expected<std::size_t, DecodeError> FrameSize(BytesView bytes) {
  if (bytes.size() < kFrameHeaderSize) {
    return std::unexpected(DecodeError::kTruncated);
  }
  std::uint32_t magic = 0;
  std::uint16_t version = 0;
  Decoder(bytes.first(kKindOffset))(magic, version);
  if (magic != kMagic) {
    return std::unexpected(DecodeError::kMagic);
  }
  if (version != kVersion) {
    return std::unexpected(DecodeError::kVersion);
  }
  std::uint32_t size = 0;
  Decoder(bytes.subspan(kSizeOffset, 4))(size);
  if (size > kMaximumFrameSize) {
    return std::unexpected(DecodeError::kTooLarge);
  }
  if (size < kFrameHeaderSize) {
    return std::unexpected(DecodeError::kMalformed);
  }
  return size;
}

std::expected<Frame, DecodeError> DecodeFrame(BytesView bytes) {
  const auto size = FrameSize(bytes);
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
  Frame frame;
  std::uint16_t kind = 0;
  Decoder(bytes.subspan(kKindOffset, 2))(kind);
  Decoder(bytes.subspan(kSizeOffset + 8, 32))(frame.from, frame.to);
  if (kind >= std::variant_size_v<Message>) {
    return std::unexpected(DecodeError::kVersion);
  }
  Decoder body(bytes.subspan(kFrameHeaderSize));
  if (!DecodeMessage(kind, body, frame.message,
                     std::make_index_sequence<std::variant_size_v<Message>>())) {
    return std::unexpected(DecodeError::kMalformed);
  }
  return frame;
}

}  // namespace sextant::protocol
