// How many bytes a message will be on the wire, without encoding it: a send queue is bounded in
// bytes, and encoding is for later.
#pragma once

#include "sextant/protocol/frame.h"

namespace sextant::net {

[[nodiscard]] std::size_t EncodedFrameSize(const protocol::Message& message);

}  // namespace sextant::net
