#include "sextant/protocol/frame.h"

#include "envelope.h"
#include "sextant/protocol/codec.h"

namespace sextant::protocol {
namespace {

constexpr std::size_t kKindOffset = 6;
constexpr std::size_t kSenderOffset = 16;
constexpr std::size_t kChecksumOffset = kFrameHeaderSize - 4;
constexpr Envelope kFrameEnvelope{.magic = 0x46585853,  // "SXXF"
                                  .version = 1,
                                  .header_size = kFrameHeaderSize,
                                  .size_offset = 8,
                                  .checksum_offset = kChecksumOffset,
                                  .maximum_size = kMaximumFrameSize};

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
  out(kFrameEnvelope.magic, kFrameEnvelope.version,
      static_cast<std::uint16_t>(frame.message.index()),
      static_cast<std::uint32_t>(kFrameHeaderSize + body.size()), std::uint32_t{0}, frame.from,
      frame.to, std::uint32_t{0});
  out.Raw(body.bytes());
  Bytes bytes = out.Take();
  kFrameEnvelope.Seal(bytes);
  return bytes;
}

std::expected<std::size_t, DecodeError> FrameSize(BytesView bytes) {
  return kFrameEnvelope.SizeOf(bytes);
}

std::expected<Frame, DecodeError> DecodeFrame(BytesView bytes) {
  if (auto verified = kFrameEnvelope.Verify(bytes); !verified) {
    return std::unexpected(verified.error());
  }
  Frame frame;
  std::uint16_t kind = 0;
  Decoder(bytes.subspan(kKindOffset, 2))(kind);
  Decoder(bytes.subspan(kSenderOffset, kChecksumOffset - kSenderOffset))(frame.from, frame.to);
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
