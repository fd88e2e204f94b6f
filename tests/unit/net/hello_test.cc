#include "sextant/net/hello.h"

#include <gtest/gtest.h>

namespace sextant::net {
namespace {

using protocol::Bytes;
using protocol::DecodeError;

constexpr Hello kHello{.kind = PartyKind::kNode,
                       .uuid = {.high = 0x0102030405060708, .low = 0x1112131415161718}};

TEST(Hello, HasTheseBytes) {
  const Bytes expected = {'S',  'X',  'X',  'H',  1,    0,    0,    0,    0x08, 0x07, 0x06, 0x05,
                          0x04, 0x03, 0x02, 0x01, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11};
  const Bytes bytes = EncodeHello(kHello);
  ASSERT_EQ(bytes.size(), kHelloSize);
  EXPECT_EQ(Bytes(bytes.begin(), bytes.end() - 4), expected);
  EXPECT_EQ(DecodeHello(bytes), kHello);
}

TEST(Hello, RefusesEveryFlippedBit) {
  const Bytes good = EncodeHello(kHello);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_FALSE(DecodeHello(bad)) << "bit " << bit;
  }
}

TEST(Hello, SaysWhatIsWrong) {
  Bytes bytes = EncodeHello(kHello);
  EXPECT_EQ(DecodeHello(protocol::BytesView(bytes).first(kHelloSize - 1)).error(),
            DecodeError::kTruncated);
  bytes[4] = 2;
  EXPECT_EQ(DecodeHello(bytes).error(), DecodeError::kVersion);
  bytes[0] = 'X';
  bytes[1] = 'Y';
  EXPECT_EQ(DecodeHello(bytes).error(), DecodeError::kMagic);
  EXPECT_EQ(DecodeHello(EncodeHello({.kind = PartyKind::kClient, .uuid = {}})).error(),
            DecodeError::kMalformed);
}

TEST(Uuid, IsMadeAtRandomAndWrittenInHex) {
  EXPECT_NE(MakeUuid(), MakeUuid());
  EXPECT_EQ(ToString(kHello.uuid), "01020304050607081112131415161718");
}

}  // namespace
}  // namespace sextant::net
