#include "volume/page.h"

#include "volume/page_cache.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sextant::volume {
namespace {

constexpr protocol::PageId kPage{7, 3};

TEST(PageRecordTest, APatchHoldsTheBytesThatChanged) {
  Page base = {};
  Page bytes = base;
  bytes[100] = 1;
  bytes[8191] = 2;
  const auto record = PageRecord(kPage, &base, bytes);
  const auto& patch = std::get<protocol::PagePatch>(record);
  ASSERT_EQ(patch.pieces.size(), 2U);
  EXPECT_EQ(patch.pieces[0].offset, 96);
  EXPECT_EQ(patch.pieces[0].bytes.size(), 8U);
  EXPECT_EQ(patch.pieces[1].offset, 8184);
}

TEST(PageRecordTest, AShortGapIsPartOfAPiece) {
  Page base = {};
  Page bytes = base;
  bytes[0] = bytes[16] = 1;  // eight equal bytes between
  EXPECT_EQ(std::get<protocol::PagePatch>(PageRecord(kPage, &base, bytes)).pieces.size(), 1U);
  bytes[16] = 0;
  bytes[64] = 1;
  EXPECT_EQ(std::get<protocol::PagePatch>(PageRecord(kPage, &base, bytes)).pieces.size(), 2U);
}

TEST(PageRecordTest, WhatChangedMuchOrIsNotKnownIsAnImage) {
  Page base = {};
  Page bytes;
  bytes.fill(9);
  EXPECT_TRUE(std::holds_alternative<protocol::PageImage>(PageRecord(kPage, &base, bytes)));
  EXPECT_TRUE(std::holds_alternative<protocol::PageImage>(PageRecord(kPage, nullptr, base)));
}

TEST(PageCacheTest, OnlyWhatIsDurableIsLetGo) {
  protocol::Lsn durable = 0;
  PageCache cache(0, [&] { return durable; });  // one page a shard
  for (std::uint64_t index = 0; index < 1000; ++index) {
    cache.Put({1, index}, ZeroPage(), 10);
  }
  for (std::uint64_t index = 0; index < 1000; ++index) {
    EXPECT_NE(cache.Get({1, index}), nullptr);
  }
  durable = 10;
  for (std::uint64_t index = 1000; index < 2000; ++index) {
    cache.Put({1, index}, ZeroPage(), 10);
  }
  std::size_t left = 0;
  for (std::uint64_t index = 0; index < 2000; ++index) {
    left += cache.Get({1, index}) ? 1 : 0;
  }
  EXPECT_LE(left, 16U);
}

TEST(PageCacheTest, ARangeOfOneFileIsErased) {
  PageCache cache(64U << 20, [] { return protocol::Lsn{0}; });
  for (std::uint64_t index = 0; index < 10; ++index) {
    cache.Put({1, index}, ZeroPage(), 1);
    cache.Put({2, index}, ZeroPage(), 1);
  }
  cache.Erase(1, 3, 5);
  cache.Erase(1, 7, 1ULL << 50);
  for (std::uint64_t index = 0; index < 10; ++index) {
    EXPECT_EQ(cache.Get({1, index}) == nullptr, index == 3 || index == 4 || index >= 7);
    EXPECT_NE(cache.Get({2, index}), nullptr);
  }
}

}  // namespace
}  // namespace sextant::volume
