#include "net/receive_buffer.h"

#include <algorithm>

namespace sextant::net {
namespace {

constexpr std::size_t kFirst = 16U << 10;  // one TLS record
constexpr std::size_t kKept = 256U << 10;  // by a connection that is idle
constexpr std::size_t kLeastSpace = 4U << 10;
constexpr std::size_t kGreatest = protocol::kMaximumFrameSize + kFirst;

}  // namespace

std::span<std::uint8_t> ReceiveBuffer::Space() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (bytes_.size() > kKept) {
      bytes_ = {};
    }
  }
  if (bytes_.size() - end_ < kLeastSpace && begin_ > 0) {
    std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(begin_),
              bytes_.begin() + static_cast<std::ptrdiff_t>(end_), bytes_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (bytes_.size() - end_ < kLeastSpace) {
    bytes_.resize(std::clamp(2 * bytes_.size(), kFirst, kGreatest));
  }
  return std::span(bytes_).subspan(end_);
}

std::optional<protocol::BytesView> ReceiveBuffer::Take(std::size_t size) {
  if (end_ - begin_ < size) {
    return std::nullopt;
  }
  const auto taken = protocol::BytesView(bytes_).subspan(begin_, size);
  begin_ += size;
  return taken;
}

std::expected<std::optional<protocol::BytesView>, protocol::DecodeError>
ReceiveBuffer::TakeFrame() {
  const auto arrived = protocol::BytesView(bytes_).subspan(begin_, end_ - begin_);
  if (arrived.size() < protocol::kFrameHeaderSize) {
    return std::nullopt;
  }
  const auto size = protocol::FrameSize(arrived);
  if (!size) {
    return std::unexpected(size.error());
  }
  return Take(*size);
}

}  // namespace sextant::net
