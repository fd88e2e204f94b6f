// What may leave the log, and what a member becomes that takes another one's index.
#include "sextant/protocol/snapshot.h"

#include "tests/unit/protocol/cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::protocol {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// --- Trimming. ---

// All lets go what is below `from`, and every member has heard it and every other.
void LetGo(Cluster& cluster, Writer& writer, Lsn from) {
  writer.RetainFrom(from);
  cluster.Remind(writer);
  cluster.Pump();
  for (int i = 0; i < 30; ++i) {
    cluster.Tick(100ms);
  }
}

TEST(TrimTest, WhatIsLetGoLeavesTheLogOfAllAndIsStillTold) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 10);
  const Lsn from = cluster.disk(0).log(1).at(6).end();
  LetGo(cluster, writer, from);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(cluster.replica(i).start(), from);
    EXPECT_EQ(cluster.disk(i).log(1).front().group.header().previous_end, from);
    EXPECT_EQ(ValueOf(cluster.Read(i, 1, 0, {0, from})), 6U);
  }
  cluster.Restart(0);
  EXPECT_EQ(cluster.replica(0).start(), from);
  EXPECT_EQ(cluster.replica(0).scl(), writer.vdl());
}

TEST(TrimTest, APinBelowIsKeptByTheIndex) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 10);
  const Lsn kept = cluster.disk(0).log(1).at(3).end();
  for (std::size_t i = 0; i < 6; ++i) {
    cluster.Deliver({{3, 1}, Cluster::Member(i), SetPin{1, {4, 1}, kept, Time{0}}});
  }
  LetGo(cluster, writer, writer.vdl());
  EXPECT_EQ(cluster.replica(0).start(), writer.vdl());
  EXPECT_THAT(cluster.disk(0).log(1), IsEmpty());
  EXPECT_EQ(ValueOf(cluster.Read(0, 1, 0, {0, kept})), 3U);
}

TEST(TrimTest, AMemberThatIsBehindHoldsBackUntilItIsNotHeardForLong) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 4);
  const Lsn behind = writer.vdl();
  for (int i = 0; i < 10; ++i) {
    cluster.Tick(100ms);  // all have heard of it
  }
  cluster.Reach({0, 1, 2, 3, 4});
  for (int i = 0; i < 6; ++i) {
    cluster.Append(writer, 0, 10);
    cluster.Pump();
  }
  LetGo(cluster, writer, writer.vdl());
  EXPECT_EQ(cluster.replica(0).start(), behind);
  cluster.now += 10min;
  for (int i = 0; i < 20; ++i) {
    cluster.Tick(100ms);
  }
  EXPECT_EQ(cluster.replica(0).start(), writer.vdl());
}

// --- A snapshot, from the first question to the last group. ---

class FetchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    writer = &Opened(cluster, 10);
    from = cluster.disk(0).log(1).at(6).end();
    LetGo(cluster, *writer, from);
  }
  void Catch(std::size_t index) {
    cluster.Remind(*writer);  // tells the VDL
    for (int i = 0; i < 30; ++i) {
      cluster.Tick(100ms);
    }
    EXPECT_EQ(cluster.replica(index).scl(), writer->vdl());
    EXPECT_EQ(ValueOf(cluster.Read(index, 1, 0, {0, writer->vdl()})), 10U);
  }
  Cluster cluster;
  Writer* writer = nullptr;
  Lsn from = 0;
};

TEST_F(FetchTest, AnEmptyMemberIsFilledByAnIndexAndThenByGroups) {
  const MemberId fresh = cluster.Replace(5);
  cluster.hold = [fresh](const Letter& letter) {  // a writer that has forgotten the beginning
    return letter.to == fresh && std::holds_alternative<Append>(letter.message);
  };
  cluster.configuration() = Joint(cluster.configuration(), Cluster::Member(5), fresh);
  cluster.Configure(*writer, cluster.configuration());
  cluster.Pump();
  for (int i = 0; i < 10 && !cluster.wanted.contains(5); ++i) {
    cluster.Tick(100ms);
  }
  ASSERT_TRUE(cluster.wanted.contains(5));
  ASSERT_TRUE(cluster.Install(5));
  cluster.hold = {};
  EXPECT_EQ(cluster.replica(5).start(), from);
  EXPECT_GE(cluster.replica(5).record().promise.epoch, 1U) << "what the index holds is owned to";
  Catch(5);
  EXPECT_EQ(cluster.Read(5, 1, 0, {0, from - 1}).status, ReadStatus::kCollected);
}

TEST_F(FetchTest, DamageThatNoPeerCanMendIsMendedByAnIndex) {
  simulation::Random random(1);
  cluster.disk(0).Flip(1, cluster.disk(0).log(1).front().end(), random);
  for (std::size_t i = 1; i < 6; ++i) {  // the others let go more, and the damaged one cannot
    cluster.held_disks = {0};
  }
  LetGo(cluster, *writer, writer->vdl());
  cluster.held_disks.clear();
  while (cluster.StepDisk(0)) {
  }
  for (int i = 0; i < 80 && !cluster.wanted.contains(0); ++i) {
    cluster.Tick(100ms);
  }
  ASSERT_TRUE(cluster.wanted.contains(0));
  ASSERT_TRUE(cluster.Install(0));
  EXPECT_FALSE(cluster.disk(0).damaged());
  Catch(0);
}

// --- What a branch becomes. ---

class InstallationTest : public ::testing::Test {
 protected:
  static RecoveredBranch Own(History history, Lsn end) {
    RecoveredBranch own;
    own.record.branch = {.id = 1, .parent = 0, .fork = 0};
    own.record.history = std::move(history);
    own.record.promise = {own.record.history.last_epoch(), {2, 1}};
    own.record.synced = own.end = end;
    return own;
  }
  static BranchSnapshot Told(History history, Lsn start, Lsn indexed) {
    BranchSnapshot told;
    told.start = start;
    told.indexed = indexed;
    told.record.branch = {.id = 1, .parent = 0, .fork = 0};
    told.record.history = std::move(history);
    told.record.horizon = start;
    told.record.retain_from = start;
    return told;
  }
  static std::expected<InstalledBranch, std::string> Plan(const RecoveredBranch& own,
                                                          const BranchSnapshot& told) {
    auto plan = PlanInstallation({.record = {}, .branches = {own}}, {told});
    if (!plan) {
      return std::unexpected(plan.error());
    }
    return plan->at(1);
  }
};

TEST_F(InstallationTest, ALogThatEndsBelowBeginsAtTheStart) {
  const auto made = Plan(Own(History({{1, 0}}), 300), Told(History({{1, 0}, {5, 700}}), 500, 1000));
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->start, 500U);
  EXPECT_EQ(made->record.synced, 500U);
  EXPECT_EQ(made->record.vdl, 500U);
  EXPECT_EQ(made->record.horizon, 500U);
  EXPECT_EQ(made->record.history, History({{1, 0}, {5, 700}}));
  EXPECT_EQ(made->record.promise, (Promise{5, {}})) << "no older writer may append below 1000";
}

TEST_F(InstallationTest, ALogThatReachesAboveKeepsWhatItAcknowledged) {
  RecoveredBranch own = Own(History({{1, 0}, {5, 700}}), 1200);
  own.record.vdl = 1100;
  const auto made = Plan(own, Told(History({{1, 0}, {5, 700}}), 500, 1000));
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->start, 500U) << "what is below is in the index, and may be bad here";
  EXPECT_EQ(made->record.synced, 1200U);
  EXPECT_EQ(made->record.vdl, 1100U);
  EXPECT_EQ(made->record.promise, own.record.promise);
}

TEST_F(InstallationTest, ANewerEpochThatWasAdoptedStays) {
  const RecoveredBranch own = Own(History({{1, 0}, {5, 700}, {7, 1500}}), 300);
  const auto made = Plan(own, Told(History({{1, 0}, {5, 700}}), 500, 1000));
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->record.history, own.record.history);
  EXPECT_EQ(made->record.promise, own.record.promise);
}

TEST_F(InstallationTest, AnEndThatATakeoverHasYetToCutIsNotWrittenOver) {
  const auto made =
      Plan(Own(History({{1, 0}, {3, 200}}), 300), Told(History({{1, 0}, {5, 250}}), 400, 1000));
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), HasSubstr("a takeover has yet to cut"));
  RecoveredBranch cutting = Own(History({{1, 0}}), 300);
  cutting.record.intent = TruncationIntent{History({{1, 0}}), 200};
  EXPECT_FALSE(Plan(cutting, Told(History({{1, 0}}), 400, 1000)));
}

TEST_F(InstallationTest, AnIndexThatEndsBeforeTheLogBeginsIsOfNoUse) {
  RecoveredBranch own = Own(History({{1, 0}}), 900);
  own.start = 600;
  EXPECT_FALSE(Plan(own, Told(History({{1, 0}}), 400, 500)));
  EXPECT_FALSE(PlanInstallation({.record = {}, .branches = {own}}, {})) << "or does not know it";
}

TEST_F(InstallationTest, PinsAndForksAreWhatTheIndexKeeps) {
  RecoveredBranch own = Own(History({{1, 0}}), 300);
  own.record.pins = {{{4, 1}, {.lsn = 100}},
                     {{4, 2}, {.lsn = 200}},
                     {{4, 3}, {.lsn = 200, .lease = Pin::kDropped}}};
  own.record.forks = {{7, 50}, {8, 60}};
  BranchSnapshot told = Told(History({{1, 0}}), 400, 1000);
  told.record.pins = {{{4, 2}, {.lsn = 200}},
                      {{4, 3}, {.lsn = 200}},
                      {{4, 5}, {.lsn = 350}},
                      {{4, 6}, {.lsn = 700, .lease = 1s}}};
  told.record.forks = {{8, 60}, {9, 70}};
  const auto made = Plan(own, told);
  ASSERT_TRUE(made) << made.error();
  const std::map<Uuid, Pin> pins = {{{4, 2}, {.lsn = 200}},
                                    {{4, 3}, {.lsn = 200, .lease = Pin::kDropped}},
                                    {{4, 5}, {.lsn = 350}}};
  EXPECT_EQ(made->record.pins, pins);
  EXPECT_EQ(made->record.forks, (std::map<BranchId, Lsn>{{8, 60}, {9, 70}}));
}

TEST_F(InstallationTest, AReadersLeaseBelowTheHorizonIsWaitedFor) {
  RecoveredBranch own = Own(History({{1, 0}}), 300);
  own.record.pins = {{{4, 1}, {.lsn = 100, .lease = 1s}}};
  EXPECT_FALSE(Plan(own, Told(History({{1, 0}}), 400, 1000)));
}

}  // namespace
}  // namespace sextant::protocol
