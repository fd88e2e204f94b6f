// What a writer sends, and how much of it.
#include "tests/unit/protocol/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sextant::protocol {
namespace {

constexpr std::size_t kMessageBytes = WriterOptions().message_bytes;

std::size_t SizeOf(const Append& append) {
  std::size_t size = 0;
  for (const Group& group : append.groups) {
    size += group.bytes().size();
  }
  return size;
}

std::vector<Record> Pages(std::uint64_t count) {
  std::vector<Record> records;
  for (std::uint64_t page = 0; page < count; ++page) {
    records.emplace_back(PagePatch{{1, page}, {{0, Bytes(kPageSize)}}});
  }
  return records;
}

TEST(AppendTest, AMalformedRecordIsRefusedByTheWriterAndByTheNodes) {
  Cluster cluster;
  Writer& writer = Opened(cluster, 2);
  const Record nothing = PagePatch{{1, 0}, {}};
  Effects effects;
  EXPECT_EQ(writer.Append({&nothing, 1}, 1000, effects).error(), AppendError::kMalformed);

  // Another program's writer may not be so careful.
  const Lsn end = cluster.replica(0).end();
  const Group bad = Group::Make(
      {.branch = 1, .epoch = 1, .first = end, .previous_end = end, .time = 2000}, {&nothing, 1});
  cluster.sent.clear();
  cluster.Deliver({writer.client(), Cluster::Member(0),
                   Append{.branch = 1,
                          .epoch = 1,
                          .generation = 1,
                          .vdl = 0,
                          .sent = bad.end(),
                          .retain_from = 0,
                          .groups = {bad}}});
  EXPECT_EQ(cluster.replica(0).end(), end);
  ASSERT_EQ(cluster.sent.size(), 1U);
  EXPECT_FALSE(std::get<Appended>(cluster.sent[0].message).gap);

  cluster.Append(writer, 0, 3);
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), writer.end());
}

// Calls `see` with each Append on its way to node 0.
template <class See>
void WatchFirst(Cluster& cluster, See see) {
  cluster.hold = [see](const Letter& letter) mutable {
    const auto* append = std::get_if<Append>(&letter.message);
    return append != nullptr && letter.to == Cluster::Member(0) && see(*append);
  };
}

TEST(AppendTest, WhatPiledUpBehindTheWindowGoesInMessagesOfBoundedSize) {
  Cluster cluster;
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  std::size_t greatest = 0;
  WatchFirst(cluster, [&](const Append& append) {
    greatest = std::max(greatest, SizeOf(append));
    return false;
  });
  cluster.held_disks = {0, 1, 2, 3, 4, 5};
  while (writer.end() < 3 * WriterOptions().window_bytes) {
    cluster.AppendRecords(writer, Pages(30), 1);
  }
  cluster.Pump();
  EXPECT_LT(cluster.replica(0).end(), 2 * WriterOptions().window_bytes);
  cluster.held_disks.clear();
  for (std::size_t i = 0; i < 6; ++i) {
    while (cluster.StepDisk(i)) {
    }
  }
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), writer.end());
  EXPECT_GT(greatest, kMessageBytes / 2);
  EXPECT_LE(greatest, kMessageBytes);
}

TEST(AppendTest, AGroupAboveTheBoundGoesAlone) {
  Cluster cluster;
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  std::size_t greatest = 0;
  WatchFirst(cluster, [&](const Append& append) {
    greatest = std::max(greatest, append.groups.size());
    return false;
  });
  for (int i = 0; i < 3; ++i) {
    cluster.AppendRecords(writer, Pages(2 * kMessageBytes / kPageSize), 1);
  }
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), writer.end());
  EXPECT_EQ(greatest, 1U);
}

TEST(AppendTest, WhatALostMessageHeldIsSentOnceMore) {
  Cluster cluster;
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  std::size_t sent = 0;
  bool lost = false;
  WatchFirst(cluster, [&](const Append& append) {
    sent += append.groups.size();
    return !std::exchange(lost, true);
  });
  constexpr std::size_t kGroups = 20;
  for (std::size_t i = 0; i < kGroups; ++i) {
    cluster.Append(writer, i, i);
  }
  cluster.Pump();
  EXPECT_EQ(cluster.replica(0).scl(), writer.end());
  EXPECT_EQ(sent, 2 * kGroups);
}

TEST(AppendTest, WhatIsLostTwiceComesWithTheTimer) {
  Cluster cluster;
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  std::size_t to_lose = 0;
  WatchFirst(cluster, [&](const Append& append) {
    if (append.groups.empty() || to_lose == 0) {
      return false;
    }
    --to_lose;
    return true;
  });
  to_lose = 1;
  cluster.Append(writer, 1, 1);
  cluster.Pump();  // lost
  cluster.Append(writer, 2, 2);
  cluster.Append(writer, 3, 3);
  to_lose = 3;
  cluster.Pump();
  EXPECT_LT(cluster.replica(0).scl(), writer.end());
  to_lose = 0;
  cluster.Remind(writer);
  cluster.Pump();
  EXPECT_EQ(cluster.replica(0).scl(), writer.end());
}

TEST(AppendTest, AFullDiskIsKnownUntilTheMemberTakesGroupsAgain) {
  Cluster cluster;
  Writer& writer = cluster.Start(1);
  cluster.Pump();
  EXPECT_EQ(writer.full_members(), 0U);
  for (const std::size_t member : {0U, 3U}) {
    cluster.Deliver({Cluster::Member(member), writer.client(),
                     Refused{.branch = 1,
                             .epoch = 1,
                             .reason = Refusal::kFull,
                             .promised = 0,
                             .configuration = {}}});
  }
  EXPECT_EQ(writer.full_members(), 2U);
  EXPECT_EQ(writer.state(), WriterState::kOpen);
  cluster.Reach({0, 1, 2, 4, 5});
  cluster.Append(writer, 1, 1);
  cluster.Pump();
  EXPECT_EQ(writer.vdl(), writer.end());
  EXPECT_EQ(writer.full_members(), 1U);
}

}  // namespace
}  // namespace sextant::protocol
