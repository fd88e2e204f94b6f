// The index's pure parts: keys, version lists, retention, pages from layers.
#include "sextant/protocol/codec.h"
#include "sextant/protocol/record.h"
#include "storage/index/key.h"
#include "storage/index/page_builder.h"
#include "storage/index/retention.h"
#include "storage/index/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace sextant::storage {
namespace {

using ::testing::ElementsAre;

constexpr BranchId kBranch = 3;

TEST(IndexKey, ComesBackApart) {
  const std::string key = VersionKey(EntryPrefix(kBranch, 9, "base"), 1234, 77);
  EXPECT_EQ(BranchOf(key), kBranch);
  EXPECT_EQ(NameOf(key), "base");
  EXPECT_EQ(LsnOf(key), 1234);
  EXPECT_EQ(PositionOf(key), 77);
  EXPECT_EQ(PrefixOf(key), EntryPrefix(kBranch, 9, "base"));
  const std::string page = PageKey(kBranch, {5, 6}, 99, PageRow::kList);
  EXPECT_EQ(page.substr(0, kPagePrefixSize), PagePrefix(kBranch, {5, 6}));
  EXPECT_EQ(PageLsnOf(page), 99);
  EXPECT_EQ(PageRowOf(page), PageRow::kList);
}

TEST(IndexKey, NewerVersionsComeFirstAndASeekFindsTheNewestAtOrBelow) {
  const std::string prefix = AttributesPrefix(kBranch, 1);
  EXPECT_LT(VersionKey(prefix, 20, 15), VersionKey(prefix, 20, 10));
  EXPECT_LT(VersionKey(prefix, 20, 10), VersionKey(prefix, 10, 5));
  EXPECT_LT(VersionKey(prefix, 20), VersionKey(prefix, 20, 19));
  EXPECT_LT(VersionKey(prefix, 21, 0), VersionKey(prefix, 20));
  EXPECT_LT(PageKey(kBranch, {1, 1}, 20, PageRow::kImage),
            PageKey(kBranch, {1, 1}, 20, PageRow::kList));
  EXPECT_LT(PageKey(kBranch, {1, 1}, 21, PageRow::kList),
            PageKey(kBranch, {1, 1}, 20, PageRow::kImage));
}

TEST(IndexKey, NamesSortAsBytesWhateverTheyHold) {
  std::vector<std::string> names = {
      "", "a", std::string("a\0", 2), std::string("a\0b", 3), "a\x01", "ab", "b", "\xFF"};
  std::vector<std::string> keys;
  for (const std::string& name : names) {
    keys.push_back(VersionKey(EntryPrefix(kBranch, 1, name), 5, 4));
    EXPECT_EQ(NameOf(keys.back()), name);
    EXPECT_LT(keys.back(), Above(DirectoryPrefix(kBranch, 1)));
    EXPECT_LT(keys.back(), Above(EntryPrefix(kBranch, 1, name)));
  }
  EXPECT_TRUE(std::ranges::is_sorted(keys));
}

TEST(VersionList, ComesBackAsItWas) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Version> versions(random() % 20);
    Lsn lsn = random() >> (round % 40);
    for (Version& version : versions) {
      const auto size = static_cast<std::uint32_t>(random() % 100'000);
      lsn = std::max<Lsn>(lsn, size) + random() % 1000;
      version = {.lsn = lsn,
                 .group_size = size,
                 .offset = static_cast<std::uint32_t>(random()),
                 .length = static_cast<std::uint32_t>(random()),
                 .checksum = static_cast<std::uint32_t>(random()),
                 .kind = random() % 2 == 0 ? VersionKind::kImage : VersionKind::kPatch};
    }
    const std::string packed = PackVersions(versions);
    EXPECT_EQ(UnpackVersions(packed), versions);
    for (std::size_t i = 0; i < 20 && !packed.empty();
         ++i) {  // whatever else it is, it is no crash
      std::string broken = packed;
      broken[random() % broken.size()] = static_cast<char>(random());
      broken.resize(random() % (broken.size() + 1));
      static_cast<void>(UnpackVersions(broken));
    }
  }
}

TEST(Retention, NeedsTheHorizonAndWhatIsAboveAndThePins) {
  const Retention retention{.horizon = 100, .pins = {20, 50}};
  EXPECT_TRUE(retention.NeedsAny(90, 101));
  EXPECT_TRUE(retention.NeedsAny(200, 201));
  EXPECT_FALSE(retention.NeedsAny(90, 100));
  EXPECT_TRUE(retention.NeedsAny(50, 51));
  EXPECT_FALSE(retention.NeedsAny(51, 100));
  EXPECT_FALSE(retention.NeedsAny(21, 50));
  EXPECT_TRUE(retention.NeedsAny(10, 60));
}

TEST(Retention, KeepsWhatIsNotHiddenByACompleteVersion) {
  RetentionSieve sieve({{kBranch, {.horizon = 100, .pins = {}}}});
  const auto key = [](Lsn lsn, PageRow row) { return PageKey(kBranch, {1, 1}, lsn, row); };
  const auto list = [](std::initializer_list<Lsn> lsns, VersionKind kind = VersionKind::kPatch) {
    std::vector<Version> versions;
    for (const Lsn lsn : lsns) {
      versions.push_back(
          {.lsn = lsn, .group_size = 1, .offset = 0, .length = 1, .checksum = 0, .kind = kind});
    }
    return PackVersions(versions);
  };
  EXPECT_FALSE(sieve.MayDrop(key(120, PageRow::kImage), ""));
  EXPECT_FALSE(sieve.MayDrop(key(85, PageRow::kList), list({85, 110})));  // the horizon sees 85
  EXPECT_FALSE(sieve.MayDrop(key(80, PageRow::kImage), ""));              // its base
  EXPECT_FALSE(
      sieve.MayDrop(key(70, PageRow::kList), list({70, 82})));  // newer than the image in part
  EXPECT_TRUE(sieve.MayDrop(key(60, PageRow::kList), list({60, 65})));
  EXPECT_TRUE(sieve.MayDrop(key(50, PageRow::kImage), ""));
  // Another page starts anew; an image in the log hides as well.
  const std::string other = PageKey(kBranch, {1, 2}, 40, PageRow::kList);
  EXPECT_FALSE(sieve.MayDrop(other, list({40, 45}, VersionKind::kImage)));
  EXPECT_TRUE(sieve.MayDrop(PageKey(kBranch, {1, 2}, 30, PageRow::kList), list({30, 35})));
  // A branch nobody spoke of keeps everything.
  EXPECT_FALSE(sieve.MayDrop(PageKey(9, {1, 2}, 30, PageRow::kImage), ""));
  EXPECT_FALSE(sieve.MayDrop(PageKey(9, {1, 2}, 20, PageRow::kImage), ""));
}

// Against the definition: whatever may still be read must come out the same after dropping.
TEST(Retention, NeverChangesWhatMayBeRead) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 3000; ++round) {
    Retention retention{.horizon = random() % 60, .pins = {random() % 60, random() % 60}};
    std::ranges::sort(retention.pins);
    RetentionSieve sieve({{kBranch, retention}});
    std::vector<Lsn> all;
    std::vector<Lsn> kept;
    for (Lsn lsn = 60; lsn > 0; lsn -= std::min<Lsn>(lsn, 1 + random() % 9)) {
      all.push_back(lsn);
      if (!sieve.MayDrop(VersionKey(AttributesPrefix(kBranch, 1), lsn, 0), "")) {
        kept.push_back(lsn);
      }
    }
    const auto seen = [](const std::vector<Lsn>& versions, Lsn at) {
      const auto found =
          std::ranges::find_if(versions, [at](Lsn version) { return version <= at; });
      return found == versions.end() ? 0 : *found;
    };
    for (Lsn at = 0; at <= 70; ++at) {
      if (at >= retention.horizon || std::ranges::binary_search(retention.pins, at)) {
        EXPECT_EQ(seen(kept, at), seen(all, at)) << at;
      }
    }
    // And nothing is kept below what the oldest reader sees.
    const Lsn oldest = std::min(retention.horizon, retention.pins.front());
    EXPECT_LE(std::ranges::count_if(kept, [&](Lsn lsn) { return lsn <= oldest; }), 1);
  }
}

Layer PatchLayer(Lsn lsn, Lsn position, VersionKind kind = VersionKind::kPatch) {
  return {.lsn = lsn,
          .position = position,
          .version = Version{.lsn = lsn,
                             .group_size = static_cast<std::uint32_t>(lsn),
                             .offset = static_cast<std::uint32_t>(position),
                             .length = 1,
                             .checksum = 0,
                             .kind = kind},
          .zeros = {},
          .image = {}};
}

std::vector<Lsn> Positions(const std::vector<Layer>& layers) {
  std::vector<Lsn> positions;
  for (const Layer& layer : layers) {
    positions.push_back(layer.position);
  }
  return positions;
}

TEST(PageLayers, BeginAtTheNewestBaseAndComeOnce) {
  const PageId page{1, 2};
  const Layer image{
      .lsn = 30, .position = 30, .version = {}, .zeros = {}, .image = Bytes(protocol::kPageSize)};
  EXPECT_THAT(Positions(LayersThatMatter(
                  {PatchLayer(40, 35), PatchLayer(40, 35), image, PatchLayer(20, 15)}, page)),
              ElementsAre(30, 35));
  EXPECT_THAT(Positions(LayersThatMatter({PatchLayer(30, 25), image}, page)), ElementsAre(30));
  EXPECT_THAT(Positions(LayersThatMatter(
                  {PatchLayer(50, 44), PatchLayer(50, 42, VersionKind::kImage), image}, page)),
              ElementsAre(42, 44));
}

TEST(PageLayers, ZeroedRangesCountWhereTheyTouchThePage) {
  const PageId page{1, 2};
  const std::uint64_t begin = 2 * protocol::kPageSize;
  const auto zeros = [](Lsn lsn, std::uint64_t first, std::uint64_t end) {
    return Layer{.lsn = lsn,
                 .position = lsn - 1,
                 .version = {},
                 .zeros = ZeroRange{first, end},
                 .image = {}};
  };
  EXPECT_TRUE(IsBase(zeros(9, begin, UINT64_MAX), page));
  EXPECT_FALSE(IsBase(zeros(9, begin + 1, UINT64_MAX), page));
  EXPECT_THAT(Positions(LayersThatMatter(
                  {zeros(10, 0, begin), zeros(20, begin + protocol::kPageSize, UINT64_MAX),
                   zeros(30, begin + 5, begin + 6)},
                  page)),
              ElementsAre(29));
  Bytes bytes(protocol::kPageSize, 7);
  ApplyZeros({begin + 5, begin + 6}, page, bytes);
  EXPECT_EQ(std::ranges::count(bytes, 0), 1);
  EXPECT_EQ(bytes[5], 0);
}

TEST(PageLayers, OnlyARecordOfThePageIsApplied) {
  const auto encoded = [](const protocol::Record& record) {
    protocol::Encoder out;
    protocol::EncodeRecord(record, out);
    return out.Take();
  };
  const PageId page{1, 2};
  Bytes bytes(protocol::kPageSize);
  EXPECT_TRUE(ApplyRecord(encoded(protocol::PagePatch{page, {{3, {1, 2}}}}), page, bytes));
  EXPECT_EQ(bytes[3], 1);
  EXPECT_EQ(bytes[4], 2);
  EXPECT_FALSE(ApplyRecord(encoded(protocol::PagePatch{{1, 3}, {{3, {9}}}}), page, bytes));
  EXPECT_FALSE(ApplyRecord(encoded(protocol::Truncate{1, 0}), page, bytes));
  EXPECT_FALSE(ApplyRecord(Bytes(3), page, bytes));
  EXPECT_TRUE(
      ApplyRecord(encoded(protocol::PageImage{page, Bytes(protocol::kPageSize, 5)}), page, bytes));
  EXPECT_EQ(std::ranges::count(bytes, 5), protocol::kPageSize);
}

}  // namespace
}  // namespace sextant::storage
