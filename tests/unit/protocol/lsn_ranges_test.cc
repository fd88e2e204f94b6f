#include "sextant/protocol/lsn_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::protocol {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

LsnRanges Set(const std::vector<LsnRange>& ranges) {
  LsnRanges set;
  for (const LsnRange& range : ranges) {
    set.Add(range);
  }
  return set;
}

TEST(LsnRangesTest, AddsWhatIsNotThere) {
  EXPECT_THAT(Set({{10, 20}, {0, 5}}).ranges(), ElementsAre(LsnRange{0, 5}, LsnRange{10, 20}));
  EXPECT_THAT(Set({{10, 20}, {10, 20}}).ranges(), ElementsAre(LsnRange{10, 20}));
  EXPECT_THAT(Set({{10, 20}, {12, 15}}).ranges(), ElementsAre(LsnRange{10, 20}));
  EXPECT_THAT(Set({{10, 20}, {15, 25}}).ranges(), ElementsAre(LsnRange{10, 20}, LsnRange{20, 25}));
  EXPECT_THAT(Set({{10, 20}, {30, 40}, {0, 50}}).ranges(),
              ElementsAre(LsnRange{0, 10}, LsnRange{10, 20}, LsnRange{20, 30}, LsnRange{30, 40},
                          LsnRange{40, 50}));
  EXPECT_THAT(Set({{10, 10}, {20, 10}}).ranges(), IsEmpty());
}

TEST(LsnRangesTest, RemovesPieceByPiece) {
  LsnRanges set = Set({{0, 100}});
  set.Remove({40, 50});
  EXPECT_THAT(set.ranges(), ElementsAre(LsnRange{0, 40}, LsnRange{50, 100}));
  set.Remove({30, 60});
  EXPECT_THAT(set.ranges(), ElementsAre(LsnRange{0, 30}, LsnRange{60, 100}));
  set.Remove({100, 200});
  set.Remove({0, 30});
  EXPECT_THAT(set.ranges(), ElementsAre(LsnRange{60, 100}));
  set.Remove({0, 1000});
  EXPECT_TRUE(set.empty());
}

TEST(LsnRangesTest, CoversAcrossNeighbours) {
  const LsnRanges set = Set({{10, 20}, {20, 30}, {40, 50}});
  EXPECT_TRUE(set.Covers({10, 30}));
  EXPECT_TRUE(set.Covers({15, 25}));
  EXPECT_FALSE(set.Covers({25, 45}));
  EXPECT_FALSE(set.Covers({5, 15}));
  EXPECT_FALSE(set.Covers({12, 12}));
}

TEST(LsnRangesTest, GoesRound) {
  const LsnRanges set = Set({{10, 20}, {40, 50}});
  EXPECT_EQ(set.NextFrom(0), (LsnRange{10, 20}));
  EXPECT_EQ(set.NextFrom(11), (LsnRange{40, 50}));
  EXPECT_EQ(set.NextFrom(41), (LsnRange{10, 20}));
}

}  // namespace
}  // namespace sextant::protocol
