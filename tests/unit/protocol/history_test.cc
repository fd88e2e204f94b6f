#include "sextant/protocol/history.h"

#include "sextant/protocol/configuration.h"

#include <gtest/gtest.h>

namespace sextant::protocol {
namespace {

const History kThree({{1, 0}, {3, 100}, {4, 250}});

TEST(HistoryTest, EpochOfAGroupIsTheOneThatWroteItsEnd) {
  EXPECT_EQ(kThree.EpochAt(0), 0U);
  EXPECT_EQ(kThree.EpochAt(1), 1U);
  EXPECT_EQ(kThree.EpochAt(100), 1U);
  EXPECT_EQ(kThree.EpochAt(101), 3U);
  EXPECT_EQ(kThree.EpochAt(250), 3U);
  EXPECT_EQ(kThree.EpochAt(9999), 4U);
}

TEST(HistoryTest, CutKeepsAnEpochThatBeginsAtTheEnd) {
  EXPECT_EQ(kThree.CutTo(99), History({{1, 0}}));
  EXPECT_EQ(kThree.CutTo(100), History({{1, 0}, {3, 100}}));
  EXPECT_EQ(kThree.CutTo(1000), kThree);
}

TEST(HistoryTest, AnEpochThatWroteNothingLeavesNoTrace) {
  EXPECT_EQ(kThree.ContinuedBy(7, 250), History({{1, 0}, {3, 100}, {7, 250}}));
  EXPECT_EQ(kThree.ContinuedBy(7, 300), History({{1, 0}, {3, 100}, {4, 250}, {7, 300}}));
  EXPECT_EQ(kThree.ContinuedBy(7, 0), History({{7, 0}}));
}

TEST(HistoryTest, MustRise) {
  EXPECT_TRUE(kThree.Valid());
  EXPECT_TRUE(History().Valid());
  EXPECT_FALSE(History({{0, 0}}).Valid());
  EXPECT_FALSE(History({{2, 0}, {2, 10}}).Valid());
  EXPECT_FALSE(History({{1, 10}, {2, 10}}).Valid());
}

TEST(DivergenceTest, EqualHistoriesShareTheShorterLog) {
  EXPECT_EQ(Divergence({kThree, 300}, {kThree, 270}, 0), 270U);
}

TEST(DivergenceTest, LogsPartWhereTheFirstOfThemChangedEpoch) {
  const History other({{1, 0}, {5, 80}});
  EXPECT_EQ(Divergence({kThree, 300}, {other, 400}, 0), 80U);
  EXPECT_EQ(Divergence({other, 400}, {kThree, 300}, 0), 80U);
  const History longer({{1, 0}, {5, 180}});
  EXPECT_EQ(Divergence({kThree, 300}, {longer, 400}, 0), 100U);
}

TEST(DivergenceTest, NothingInCommonIsTheBeginning) {
  EXPECT_EQ(Divergence({kThree, 300}, {History({{2, 0}}), 500}, 0), 0U);
  EXPECT_EQ(Divergence({kThree, 300}, {History(), 0}, 0), 0U);
  EXPECT_EQ(Divergence({History({{9, 640}}), 900}, {History(), 640}, 640), 640U);
}

// A log that a newer epoch overwrote in part has that epoch's number; only the whole history tells
// it is not its log.
TEST(DivergenceTest, HalfOverwrittenLog) {
  const History half({{1, 0}, {4, 60}});
  const History whole({{1, 0}, {2, 50}, {4, 90}});
  EXPECT_EQ(Divergence({whole, 120}, {half, 100}, 0), 50U);
}

TEST(DivergenceTest, AdoptedPartsNotFetchedYetDoNotCount) {
  EXPECT_EQ(Divergence({kThree, 120}, {kThree.ContinuedBy(5, 300), 110}, 0), 110U);
}

MemberId Member(std::uint64_t i) { return {1, i}; }

Configuration Members(std::initializer_list<std::uint64_t> members) {
  Configuration configuration{
      .generation = 1, .kind = ConfigurationKind::kStable, .members = {}, .next = {}};
  for (const std::uint64_t i : members) {
    configuration.members.push_back(Member(i));
  }
  return configuration;
}

TEST(ConfigurationTest, TheFourthGreatestIsDurable) {
  const Configuration six = Members({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(six.DurableLsn({{Member(1), 50}, {Member(2), 40}, {Member(3), 60}, {Member(4), 30}}),
            30U);
  EXPECT_EQ(six.DurableLsn({{Member(1), 50}, {Member(2), 40}, {Member(3), 60}, {Member(9), 30}}),
            0U);
}

TEST(ConfigurationTest, JointNeedsBothSets) {
  Configuration joint = Members({1, 2, 3, 4, 5, 6});
  joint.kind = ConfigurationKind::kJoint;
  joint.next = Members({1, 2, 3, 7, 8, 9}).members;
  const std::map<MemberId, Lsn> old_only{
      {Member(1), 9}, {Member(2), 9}, {Member(4), 9}, {Member(5), 9}};
  EXPECT_EQ(joint.DurableLsn(old_only), 0U);
  std::map<MemberId, Lsn> both = old_only;
  both[Member(7)] = 8;
  both[Member(8)] = 7;
  EXPECT_EQ(joint.DurableLsn(both), 7U);
  const auto old_three = [](const MemberId& member) { return member.low >= 4 && member.low <= 6; };
  EXPECT_FALSE(joint.CanTakeOver(old_three));
  EXPECT_TRUE(Members({1, 2, 3, 4, 5, 6}).CanTakeOver(old_three));
}

TEST(ConfigurationTest, RebuildWritesToTheNewAndAsksBoth) {
  Configuration rebuild = Members({1, 2, 3, 4, 5, 6});
  rebuild.kind = ConfigurationKind::kRebuild;
  rebuild.next = Members({1, 2, 3, 7, 8, 9}).members;
  EXPECT_EQ(rebuild.DurableLsn({{Member(1), 9}, {Member(7), 9}, {Member(8), 9}, {Member(9), 5}}),
            5U);
  // Three empty members can not elect a writer by themselves.
  EXPECT_FALSE(rebuild.CanTakeOver([](const MemberId& member) { return member.low >= 7; }));
  EXPECT_TRUE(rebuild.CanTakeOver([](const MemberId& member) { return member.low <= 3; }));
}

// Every takeover quorum meets every write quorum, for each pair of neighbouring configurations.
TEST(ConfigurationTest, QuorumsOfNeighboursIntersect) {
  const Configuration before = Members({1, 2, 3, 4, 5, 6});
  Configuration joint = before;
  joint.kind = ConfigurationKind::kJoint;
  joint.next = Members({1, 2, 3, 4, 5, 7}).members;
  const Configuration after = Members({1, 2, 3, 4, 5, 7});
  const auto intersect = [](const Configuration& takes, const Configuration& writes) {
    for (unsigned seals = 0; seals < 256; ++seals) {
      const auto sealed = [&](const MemberId& member) { return (seals >> member.low & 1) != 0; };
      const auto others = [&](const MemberId& member) { return !sealed(member); };
      if (takes.CanTakeOver(sealed) && writes.CanWrite(others)) {
        return false;
      }
    }
    return true;
  };
  for (const auto& [a, b] : {std::pair(before, before),
                             {before, joint},
                             {joint, joint},
                             {joint, after},
                             {after, after}}) {
    EXPECT_TRUE(intersect(a, b));
    EXPECT_TRUE(intersect(b, a));
  }
  EXPECT_FALSE(intersect(before, Members({1, 2, 3, 7, 8, 9})));  // without the step in between
}

}  // namespace
}  // namespace sextant::protocol
