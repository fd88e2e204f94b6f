#include "net/receive_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sextant::net {
namespace {

using protocol::Bytes;
using protocol::BytesView;
using protocol::DecodeError;

Bytes PageFrame(std::size_t size, std::uint64_t request) {
  protocol::PageRead page;
  page.request = request;
  page.bytes = Bytes(size, static_cast<std::uint8_t>(request));
  return protocol::EncodeFrame({.from = {1, 1}, .to = {2, 2}, .message = page});
}

// As a socket would: as much as fits, again and again. `taken` sees the buffer after each piece.
void Arrive(ReceiveBuffer& buffer, BytesView bytes, std::size_t piece,
            const std::function<void()>& taken) {
  while (!bytes.empty()) {
    const auto space = buffer.Space();
    const auto part = bytes.first(std::min({piece, space.size(), bytes.size()}));
    std::ranges::copy(part, space.begin());
    buffer.Filled(part.size());
    bytes = bytes.subspan(part.size());
    taken();
  }
}

TEST(ReceiveBuffer, PutsFramesTogetherHoweverTheyArrive) {
  Bytes stream;
  std::vector<std::size_t> sizes;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const Bytes frame = PageFrame(i * i * 20, i);
    stream.insert(stream.end(), frame.begin(), frame.end());
    sizes.push_back(frame.size());
  }
  for (const std::size_t piece : {1U, 7U, 52U, 4096U, 1U << 20}) {
    ReceiveBuffer buffer;
    std::uint64_t next = 0;
    Arrive(buffer, stream, piece, [&] {
      while (true) {
        const auto bytes = buffer.TakeFrame();
        ASSERT_TRUE(bytes);
        if (!*bytes) {
          return;
        }
        ASSERT_EQ((*bytes)->size(), sizes[next]);
        const auto frame = protocol::DecodeFrame(**bytes);
        ASSERT_TRUE(frame);
        EXPECT_EQ(std::get<protocol::PageRead>(frame->message).request, next++);
      }
    });
    EXPECT_EQ(next, sizes.size()) << "pieces of " << piece;
  }
}

TEST(ReceiveBuffer, GrowsWithWhatArrivesAndNotWithWhatIsPromised) {
  const Bytes frame = PageFrame(30U << 20, 1);
  ReceiveBuffer buffer;
  const auto no_frame = [&] {
    const auto bytes = buffer.TakeFrame();
    ASSERT_TRUE(bytes);
    EXPECT_FALSE(*bytes);
  };
  Arrive(buffer, BytesView(frame).first(protocol::kFrameHeaderSize), 4096, no_frame);
  EXPECT_LE(buffer.capacity(), 16U << 10);
  Arrive(buffer, BytesView(frame).subspan(protocol::kFrameHeaderSize, 1U << 20), 4096, no_frame);
  EXPECT_LE(buffer.capacity(), 4U << 20);
}

TEST(ReceiveBuffer, GivesItsMemoryBack) {
  const Bytes frame = PageFrame(protocol::kMaximumFrameSize - 1000, 1);
  ReceiveBuffer buffer;
  std::size_t frames = 0;
  Arrive(buffer, frame, 1U << 20, [&] { frames += buffer.TakeFrame()->has_value() ? 1 : 0; });
  EXPECT_EQ(frames, 1);
  EXPECT_LE(buffer.capacity(), protocol::kMaximumFrameSize + (16U << 10));
  static_cast<void>(buffer.Space());
  EXPECT_LE(buffer.capacity(), 16U << 10);
}

TEST(ReceiveBuffer, RefusesAFrameAtItsHeader) {
  Bytes frame = PageFrame(100, 1);
  for (std::size_t i = 8; i < 12; ++i) {
    frame[i] = 0xFF;  // its size
  }
  ReceiveBuffer buffer;
  std::optional<DecodeError> error;
  Arrive(buffer, frame, 4096, [&] {
    if (const auto bytes = buffer.TakeFrame(); !bytes) {
      error = bytes.error();
    }
  });
  EXPECT_EQ(error, DecodeError::kTooLarge);
}

}  // namespace
}  // namespace sextant::net
