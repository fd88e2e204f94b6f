// sextant-storage on a real file system that is really full: a container's /dev/shm, which has
// 64 MiB, with a file beside the node's directory that takes what the test wants to be gone.
#include "tests/integration/storage/hand_writer.h"
#include "tests/integration/storage/small_disk.h"
#include "tests/integration/storage/storage_process.h"

#include <gtest/gtest.h>

namespace sextant::storage {
namespace {

using net::testing::Eventually;
using net::testing::Party;
using testing::HandWriter;
using testing::kBranch;
using testing::SmallDisk;
using testing::StorageProcess;

constexpr std::uint64_t kLeft = 12U << 20;     // for the node
constexpr std::uint64_t kGreatest = 1U << 30;  // more than this is not filled for a test
constexpr auto kAWhile = std::chrono::milliseconds(200);

TEST(ServerFull, RefusesGroupsServesReadsAndRecovers) {
  const SmallDisk disk;
  if (disk.free() > kGreatest) {
    GTEST_SKIP() << "/dev/shm has " << disk.free() << " bytes: run this in the toolchain container";
  }
  disk.Fill(kLeft);
  StorageProcess node({.data = disk.directory(), .more = "segment_size: 1MiB\n"});
  Party client(net::PartyKind::kClient, nullptr);
  client.Dial({node.address()});
  const auto connection = client.NextOpened();
  ASSERT_TRUE(connection) << node.Output();
  HandWriter writer(client, *connection, 1, testing::Deciding({node.member()}));
  ASSERT_TRUE(writer.Open());

  // Until the disk is full. Every group that is acknowledged is one that must stay.
  ASSERT_TRUE(writer.Append(protocol::kPageSize, 1));
  const protocol::Lsn first = writer.end();
  protocol::Lsn acknowledged = first;
  const std::string refused = "groups_refused_total{reason=\"disk_full\"}";
  const bool full = Eventually([&] {
    writer.Send({writer.Make(100'000, 2)});
    // No answer when it is held: taken just before the disk was seen to be full.
    if (const auto appended = client.NextMessage<protocol::Appended>(kAWhile)) {
      acknowledged = std::max(acknowledged, appended->scl);
    }
    return node.Metric(refused).value_or(0) > 0;
  });
  ASSERT_TRUE(full) << node.Status().dump(2);
  EXPECT_GT(acknowledged, 1U << 20);
  ASSERT_TRUE(Eventually([&] { return node.Status()["disk"]["full"] == true; }));
  EXPECT_EQ(node.Branch(kBranch)["takes_groups"], false);
  EXPECT_EQ(node.Branch(kBranch)["refuses_because"], "disk_full");
  EXPECT_EQ(node.Metric("disk_full"), 1);
  EXPECT_EQ(node.LogLines("disk full: groups are refused").size(), 1);
  EXPECT_EQ(node.Get("/readyz").status, 200) << "it still serves";

  writer.Send({writer.Make(100, 3)});
  const auto told = client.NextMessage<protocol::Refused>();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->reason, protocol::Refusal::kFull);
  EXPECT_EQ(told->epoch, 1);

  // A writer that is told of a gap would send the same again at once, for nothing.
  writer.Send({writer.Make(100, 3)});
  while (const auto appended = client.NextMessage<protocol::Appended>(kAWhile)) {
    EXPECT_FALSE(appended->gap);
    acknowledged = std::max(acknowledged, appended->scl);
  }

  auto page = writer.ReadPage({1, 0}, first);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, protocol::ReadStatus::kOk);
  EXPECT_EQ(page->bytes, protocol::Bytes(protocol::kPageSize, 1));

  disk.Empty();
  ASSERT_TRUE(Eventually([&] { return node.Status()["disk"]["full"] == false; })) << node.Output();
  protocol::Lsn end = 0;
  ASSERT_TRUE(Eventually([&] {
    writer.Send({});
    const auto appended = client.NextMessage<protocol::Appended>(kAWhile);
    end = appended ? appended->end : 0;
    return appended && appended->scl == appended->end;  // what was held is written
  }));
  EXPECT_GE(end, acknowledged);
  writer.Rewind(end);
  ASSERT_TRUE(writer.Append(protocol::kPageSize, 4)) << node.Output();
  page = writer.ReadPage({1, 0}, writer.end());
  ASSERT_TRUE(page);
  EXPECT_EQ(page->bytes, protocol::Bytes(protocol::kPageSize, 4));
  EXPECT_EQ(node.Metric("disk_full"), 0);
  EXPECT_EQ(node.LogLines("space again: groups are taken").size(), 1);
}

}  // namespace
}  // namespace sextant::storage
