// Reads of pages, metadata and times: what a node answers and what a reader makes of the answers.
#include "tests/unit/protocol/cluster.h"

#include <gtest/gtest.h>

namespace sextant::protocol {
namespace {

using namespace std::chrono_literals;

// A branch with three groups a second apart: a file is made, named again, and the first name goes.
struct Files {
  Files() {
    Add(Create{1, "base", 6, 0100600, 26, 26, 0});
    Add(Link{1, "again", 6});
    Add(Unlink{1, "base"});
    cluster.Remind(writer);  // tells the VDL
    cluster.Pump();
  }
  void Add(const Record& record) {
    ends.push_back(cluster.AppendRecords(writer, {record}, 1'000'000 * (ends.size() + 1)));
    cluster.Pump();
  }

  template <class Answer, class Request>
  Answer Ask(std::size_t node, const Request& request) {
    cluster.inbox.clear();
    cluster.Deliver({{3, 1}, Cluster::Member(node), request});
    cluster.Pump();
    return std::get<Answer>(cluster.inbox.at(0).message);
  }
  MetadataRead Metadata(Position at, const MetadataQuery& query, std::size_t node = 0) {
    return Ask<MetadataRead>(node,
                             ReadMetadata{.request = 1, .branch = 1, .at = at, .query = query});
  }
  LsnFound Find(Position at, std::uint64_t time, BranchId branch = 1, std::size_t node = 0) {
    return Ask<LsnFound>(node, FindLsn{.request = 1, .branch = branch, .at = at, .time = time});
  }

  Cluster cluster;
  Writer& writer = [this]() -> Writer& {
    Writer& started = cluster.Start(1);
    cluster.Pump();
    return started;
  }();
  std::vector<Lsn> ends;
};

TEST(MetadataTest, AFileIsWhatItWasAtThatLsn) {
  Files files;
  const auto attributes = [&](std::size_t group) {
    const auto read = files.Metadata({0, files.ends.at(group)}, GetAttributes{6});
    EXPECT_EQ(read.status, ReadStatus::kOk);
    return std::get<std::optional<Attributes>>(read.answer);
  };
  ASSERT_TRUE(attributes(0));
  EXPECT_EQ(attributes(0)->links, 1U);
  EXPECT_EQ(attributes(0)->mode, 0100600U);
  EXPECT_EQ(attributes(0)->modified, 1'000'000U);
  EXPECT_EQ(attributes(1)->links, 2U);
  EXPECT_EQ(attributes(2)->links, 1U);
  const auto before = files.Metadata({0, files.writer.begin()}, GetAttributes{6});
  EXPECT_EQ(before.status, ReadStatus::kOk);
  EXPECT_EQ(before.answer, MetadataAnswer(std::optional<Attributes>()));
}

TEST(MetadataTest, NamesAreFoundAndListedWithTheirAttributes) {
  Files files;
  const auto name = [&](std::size_t group, const std::string& of) {
    const auto read = files.Metadata({0, files.ends.at(group)}, LookUpName{1, of});
    return std::get<std::optional<DirectoryEntry>>(read.answer);
  };
  ASSERT_TRUE(name(0, "base"));
  EXPECT_EQ(name(0, "base")->inode, 6U);
  EXPECT_EQ(name(0, "base")->attributes->links, 1U);
  EXPECT_FALSE(name(0, "again"));
  EXPECT_FALSE(name(2, "base"));
  const auto list = [&](const std::string& after, std::uint32_t limit) {
    const auto read = files.Metadata({0, files.ends.at(1)}, ListDirectory{1, after, limit});
    return std::get<DirectoryListing>(read.answer);
  };
  const DirectoryListing first = list("", 1);
  ASSERT_EQ(first.entries.size(), 1U);
  EXPECT_EQ(first.entries[0].name, "again");
  EXPECT_EQ(first.entries[0].attributes->links, 2U);
  EXPECT_TRUE(first.more);
  const DirectoryListing rest = list("again", 5);
  ASSERT_EQ(rest.entries.size(), 1U);
  EXPECT_EQ(rest.entries[0].name, "base");
  EXPECT_FALSE(rest.more);
  EXPECT_EQ(list("", 0).entries.size(), 1U);  // no limit that gets nowhere
}

TEST(MetadataTest, WhoIsBehindOrDamagedSaysSo) {
  Files files;
  const Position ahead{0, files.writer.end() + 1};
  EXPECT_EQ(files.Metadata(ahead, GetAttributes{6}).status, ReadStatus::kBehind);
  EXPECT_EQ(files.Find(ahead, 0).status, ReadStatus::kBehind);
  simulation::Random random(1);
  files.cluster.disk(0).Flip(1, files.ends[1], random);
  const auto read = files.Metadata({0, files.ends[2]}, GetAttributes{6});
  EXPECT_EQ(read.status, ReadStatus::kDamaged);
  EXPECT_EQ(read.answer, MetadataAnswer());
  EXPECT_EQ(files.cluster.replica(0).damaged().size(), 1U);
  files.cluster.Tick(1s);  // repair has begun
  EXPECT_EQ(files.Metadata({0, files.ends[2]}, GetAttributes{6}).status, ReadStatus::kOk);
}

TEST(FindLsnTest, TheLastGroupBeforeATime) {
  Files files;
  const Position at{1, files.writer.end()};
  EXPECT_EQ(files.Find(at, 999'999).found, (Position{1, files.cluster.disk(0).log(1).at(0).end()}));
  EXPECT_EQ(files.Find(at, 1'000'000).found, (Position{1, files.ends[0]}));
  EXPECT_EQ(files.Find(at, 2'999'999).found, (Position{1, files.ends[1]}));
  EXPECT_EQ(files.Find(at, ~std::uint64_t{0}).found, (Position{1, files.ends[2]}));
  // The same question to a node that has more of the log has the same answer.
  const Position earlier{1, files.ends[1]};
  EXPECT_EQ(files.Find(earlier, ~std::uint64_t{0}).found, earlier);
}

TEST(FindLsnTest, ANodeThatLagsDoesNotAnswer) {
  Files files;
  files.cluster.Reach({0, 1, 2, 3, 4});
  files.Add(Unlink{1, "again"});
  files.cluster.ReachAll();
  const Position at{1, files.ends.back()};
  EXPECT_EQ(files.Find(at, 4'000'000, 1, 5).status, ReadStatus::kBehind);
  EXPECT_EQ(files.Find(at, 4'000'000, 1, 0).found, at);
}

TEST(FindLsnTest, AnAncestorsPastHasNoEpochHere) {
  Files files;
  Writer& child = files.cluster.Start(1, {.id = 2, .parent = 1, .fork = files.ends[1]});
  files.cluster.Pump();
  const Lsn end = files.cluster.AppendRecords(child, {Unlink{1, "again"}}, 9'000'000);
  files.cluster.Pump();
  files.cluster.Remind(child);
  files.cluster.Pump();
  EXPECT_EQ(files.Find({1, end}, 9'000'000, 2).found, (Position{1, end}));
  EXPECT_EQ(files.Find({1, end}, 0, 2).found,
            (Position{1, files.cluster.disk(0).log(2).at(0).end()}));
  EXPECT_EQ(files.Find({0, files.ends[1]}, 1'500'000, 2).found, (Position{0, files.ends[0]}));
}

TEST(FindLsnTest, ATimeBelowTheHorizonIsCollected) {
  Files files;
  files.writer.RetainFrom(files.writer.vdl());
  files.cluster.Remind(files.writer);
  files.cluster.Pump();
  for (int i = 0; i < 4; ++i) {
    files.cluster.Tick(100ms);
  }
  const Position at{0, files.writer.vdl()};
  EXPECT_EQ(files.Find(at, 1'000'000).status, ReadStatus::kCollected);
  EXPECT_EQ(files.Find(at, 3'000'000).status, ReadStatus::kOk);
}

PageRead Answer(std::uint64_t request, ReadStatus status) {
  PageRead answer;
  answer.request = request;
  answer.status = status;
  return answer;
}

const ReadPage kRead{.request = 0, .branch = 1, .page = {1, 1}, .at = {0, 100}};

TEST(ReaderTest, HedgesAndGoesOnToWhoCan) {
  const std::vector<MemberPlace> places{{{1, 1}, 0}, {{1, 2}, 1}, {{1, 3}, 1}};
  Reader reader({.hedge_after = 5ms, .longest_hedge = 250ms, .retry_after = 50ms}, places);
  Effects effects;
  const auto request = reader.Read(kRead, 0ms, effects);
  ASSERT_EQ(effects.messages.size(), 1U);
  EXPECT_EQ(effects.messages[0].to, (MemberId{1, 1}));  // the same zone
  EXPECT_TRUE(reader.OnTimer(4ms).messages.empty());
  const Effects hedge = reader.OnTimer(5ms);
  ASSERT_EQ(hedge.messages.size(), 1U);
  EXPECT_EQ(hedge.messages[0].to, (MemberId{1, 2}));
  const Effects next = reader.Receive({1, 2}, Answer(request, ReadStatus::kBehind), 6ms);
  ASSERT_EQ(next.messages.size(), 1U);
  EXPECT_EQ(next.messages[0].to, (MemberId{1, 3}));
  // A page whose checksum is wrong is no answer.
  PageRead bad = Answer(request, ReadStatus::kOk);
  bad.bytes = {1, 2};
  bad.scl = 100;
  static_cast<void>(reader.Receive({1, 3}, bad, 7ms));
  EXPECT_TRUE(reader.TakeResults().empty());
  PageRead good = Answer(request, ReadStatus::kOk);
  good.version = 90;
  static_cast<void>(reader.Receive({1, 1}, good, 8ms));
  const auto results = reader.TakeResults();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(std::get<PageVersion>(*results[0].value).version, 90U);
  EXPECT_EQ(reader.next_timer(), Time::max());
  // Who is known to be behind is asked last.
  Effects again;
  reader.SetMembers({{{1, 2}, 0}, {{1, 3}, 1}});
  reader.Read(kRead, 9ms, again);
  EXPECT_EQ(again.messages[0].to, (MemberId{1, 3}));
}

// When all are busy, asking more of them would make every one of them slower.
TEST(ReaderTest, HedgesLaterWhenAnswersTakeLonger) {
  Reader reader({.hedge_after = 5ms, .longest_hedge = 100ms, .retry_after = 50ms},
                {{{1, 1}, 0}, {{1, 2}, 1}});
  Time now = 0ms;
  const auto hedged_after = [&](Time answered) {
    Effects effects;
    const auto request = reader.Read(kRead, now, effects);
    const Time hedged = reader.next_timer() - now;
    now += answered;
    PageRead answer = Answer(request, ReadStatus::kOk);
    answer.scl = 100;
    static_cast<void>(reader.Receive({1, 1}, answer, now));
    EXPECT_EQ(reader.TakeResults().size(), 1U);
    return hedged;
  };
  EXPECT_EQ(hedged_after(1ms), 5ms);
  EXPECT_EQ(hedged_after(1ms), 5ms);
  for (int i = 0; i < 50; ++i) {
    hedged_after(i % 2 == 0 ? 20ms : 30ms);
  }
  EXPECT_GT(hedged_after(20ms), 30ms);
  EXPECT_LT(hedged_after(20ms), 60ms);
  for (int i = 0; i < 50; ++i) {
    hedged_after(1000ms);
  }
  EXPECT_EQ(hedged_after(1ms), 100ms);
  for (int i = 0; i < 100; ++i) {
    hedged_after(1ms);
  }
  EXPECT_EQ(hedged_after(1ms), 5ms);
}

// Asking a slow member again and again would make it slower still.
TEST(ReaderTest, ASlowMemberIsAskedMoreAndMoreRarely) {
  Reader reader(
      {.hedge_after = 5ms, .longest_hedge = 250ms, .retry_after = 50ms, .longest_retry = 400ms},
      {{{1, 1}, 0}});
  Effects effects;
  reader.Read(kRead, 0ms, effects);
  std::vector<Time> asked;
  for (Time now = reader.next_timer(); now < 2s; now = reader.next_timer()) {
    if (!reader.OnTimer(now).messages.empty()) {
      asked.push_back(now);
    }
  }
  EXPECT_EQ(asked, (std::vector<Time>{55ms, 160ms, 365ms, 770ms, 1175ms, 1580ms, 1985ms}));
}

TEST(ReaderTest, GoneForGoodWhenNobodyKeepsIt) {
  Reader reader({}, {{{1, 1}, 0}, {{1, 2}, 0}});
  Effects effects;
  const auto request = reader.Read(kRead, 0ms, effects);
  static_cast<void>(reader.Receive({1, 1}, Answer(request, ReadStatus::kCollected), 1ms));
  EXPECT_TRUE(reader.TakeResults().empty());
  static_cast<void>(reader.Receive({1, 2}, Answer(request, ReadStatus::kCollected), 1ms));
  const auto results = reader.TakeResults();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].value.error(), ReadError::kCollected);
}

TEST(ReaderTest, EveryKindOfReadGoesTheSameWay) {
  Reader reader({.hedge_after = 5ms, .longest_hedge = 250ms, .retry_after = 50ms},
                {{{1, 1}, 0}, {{1, 2}, 1}});
  Effects effects;
  const auto metadata = reader.Read(
      ReadMetadata{.request = 0, .branch = 1, .at = {0, 100}, .query = GetAttributes{6}}, 0ms,
      effects);
  const auto found =
      reader.Read(FindLsn{.request = 0, .branch = 1, .at = {0, 100}, .time = 7}, 0ms, effects);
  ASSERT_EQ(effects.messages.size(), 2U);
  EXPECT_EQ(std::get<ReadMetadata>(effects.messages[0].message).request, metadata);
  EXPECT_EQ(std::get<FindLsn>(effects.messages[1].message).request, found);
  EXPECT_EQ(reader.OnTimer(5ms).messages.size(), 2U);  // both are hedged
  // An answer to another question, of another kind, and beyond what was asked are none.
  static_cast<void>(reader.Receive(
      {1, 1}, MetadataRead{metadata, ReadStatus::kOk, DirectoryListing{}, 100}, 6ms));
  static_cast<void>(reader.Receive({1, 1}, LsnFound{metadata, ReadStatus::kOk, {1, 50}, 100}, 6ms));
  static_cast<void>(reader.Receive({1, 1}, LsnFound{found, ReadStatus::kOk, {1, 101}, 100}, 6ms));
  EXPECT_TRUE(reader.TakeResults().empty());
  const Attributes attributes{.mode = 0100600, .target = {}};
  static_cast<void>(reader.Receive(
      {1, 2}, MetadataRead{metadata, ReadStatus::kOk, std::optional(attributes), 100}, 7ms));
  static_cast<void>(reader.Receive({1, 2}, LsnFound{found, ReadStatus::kOk, {1, 50}, 100}, 7ms));
  const auto results = reader.TakeResults();
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(std::get<MetadataAnswer>(*results[0].value), MetadataAnswer(std::optional(attributes)));
  EXPECT_EQ(std::get<Position>(*results[1].value), (Position{1, 50}));
  EXPECT_EQ(reader.next_timer(), Time::max());
}

}  // namespace
}  // namespace sextant::protocol
