// What arrived on a connection and was not taken yet. Grows with what arrives, never with what a
// header promises; at most the largest frame and one read.
#pragma once

#include "sextant/protocol/frame.h"

#include <expected>
#include <optional>
#include <span>
#include <vector>

namespace sextant::net {

// Views stay good until the next Space(). Not thread-safe.
class ReceiveBuffer {
 public:
  // Where to read to; never empty.
  [[nodiscard]] std::span<std::uint8_t> Space();
  // So many bytes of it were filled.
  void Filled(std::size_t size) { end_ += size; }

  // Takes `size` bytes, or none when there are not as many yet.
  [[nodiscard]] std::optional<protocol::BytesView> Take(std::size_t size);
  // Takes a whole frame, or none when more must arrive.
  [[nodiscard]] std::expected<std::optional<protocol::BytesView>, protocol::DecodeError>
  TakeFrame();

  [[nodiscard]] std::size_t capacity() const { return bytes_.size(); }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t begin_ = 0;  // of what is in it
  std::size_t end_ = 0;
};

}  // namespace sextant::net
