// A message between two parties as bytes on a connection.
#pragma once

#include "sextant/protocol/message.h"
#include "sextant/protocol/record.h"

#include <expected>

namespace sextant::protocol {

struct Frame {
  Uuid from;
  Uuid to;  // a node drops what is meant for the disk it had before
  Message message;
};

inline constexpr std::size_t kFrameHeaderSize = 52;
inline constexpr std::size_t kMaximumFrameSize = 32U << 20;

[[nodiscard]] Bytes EncodeFrame(const Frame& frame);
// The size of the frame that begins `bytes`, from its first kFrameHeaderSize bytes, which are not
// verified.
[[nodiscard]] std::expected<std::size_t, DecodeError> FrameSize(BytesView bytes);
// Takes exactly one frame.
[[nodiscard]] std::expected<Frame, DecodeError> DecodeFrame(BytesView bytes);

}  // namespace sextant::protocol
