#include "storage/disk_host.h"

#include "tests/integration/storage/host_driver.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/groups.h"
#include "tests/unit/storage/memory_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sextant::storage {
namespace {

using ::testing::ElementsAre;
using testing::Eventually;
using testing::HostDriver;
using ::testing::IsEmpty;
using testing::kBranch;
using testing::MakeGroup;
using testing::MemoryFileSystem;
using ::testing::SizeIs;

constexpr std::uint64_t kSegment = 64 * 1024;

// Our files are in memory, RocksDB's on a real disk.
class DiskHostTest : public ::testing::Test {
 protected:
  void SetUp() override {
    record_.branch = {.id = kBranch, .parent = 0, .fork = 0};
    Start();
    ASSERT_TRUE(driver_->Do<protocol::BranchPersisted>(protocol::PersistBranch{record_}));
  }

  void Start() {
    driver_.reset();
    driver_ = std::make_unique<HostDriver>(
        files_, DiskHostOptions{.store = {.directory = directory_.Path(),
                                          .segment_size = kSegment,
                                          .index = {.directory = {},
                                                    .table_log_bytes = 50'000,
                                                    .cache_bytes = 8U << 20}}});
    ASSERT_FALSE(driver_->open_error()) << driver_->open_error()->what;
  }

  [[nodiscard]] Lsn End() const { return groups_.empty() ? 0 : groups_.back().end(); }

  // A group that fills page 0 of inode 1 with a number, and then some.
  void Write(std::uint8_t fill, std::size_t size = 1000, protocol::Epoch epoch = 1) {
    groups_.push_back(MakeGroup(End(), size, fill, epoch));
    driver_->host().Submit(protocol::WriteLog{groups_.back()});
  }

  void Checkpoint() {
    record_.synced = record_.vdl = End();
    ASSERT_TRUE(driver_->Do<protocol::BranchPersisted>(protocol::PersistBranch{record_}));
  }

  std::optional<protocol::IndexRead> Read(Lsn lsn, std::uint64_t page = 0) {
    return driver_->Do<protocol::IndexRead>(protocol::ReadIndex{kBranch, {1, page}, lsn, 5});
  }

  void Damage(const Group& group) {
    for (const auto& file : files_.Files()) {
      const auto first = Segment::FirstOf(file.filename().string());
      if (first && *first <= group.header().first && group.end() <= *first + kSegment) {
        files_.At(file)[group.header().first - *first + 100] ^= 1;
      }
    }
  }

  sextant::testing::TemporaryDirectory directory_;
  MemoryFileSystem files_;
  protocol::BranchRecord record_;
  std::vector<Group> groups_;
  std::unique_ptr<HostDriver> driver_;
};

TEST_F(DiskHostTest, TheFirstStartNamesTheMemberAndLaterOnesKeepIt) {
  const protocol::MemberId member = driver_->host().found().record.member;
  EXPECT_NE(member, protocol::MemberId());
  Start();
  EXPECT_EQ(driver_->host().found().record.member, member);
}

TEST_F(DiskHostTest, RecordsComeBackAfterARestart) {
  protocol::NodeRecord node = driver_->host().found().record;
  node.configuration.generation = 9;
  ASSERT_TRUE(driver_->Do<protocol::NodePersisted>(protocol::PersistNode{node}));
  record_.promise.epoch = 4;
  Checkpoint();
  Start();
  EXPECT_EQ(driver_->host().found().record.configuration.generation, 9);
  ASSERT_THAT(driver_->host().found().branches, SizeIs(1));
  EXPECT_EQ(driver_->host().found().branches[0].record.promise.epoch, 4);
}

TEST_F(DiskHostTest, ARecordThatDoesNotDecodeStopsTheNode) {
  for (const auto& file : files_.Files()) {
    if (file.filename() == "record") {
      files_.At(file)[9] ^= 1;
    }
  }
  driver_.reset();
  HostDriver driver(files_, {.store = {.directory = directory_.Path()}});
  ASSERT_TRUE(driver.open_error());
  EXPECT_EQ(driver.open_error()->kind, DiskError::Kind::kDamaged);
}

TEST_F(DiskHostTest, GroupsAreReadBackAndSoAreTheirPagesAtEveryLsn) {
  for (std::uint8_t i = 1; i <= 200; ++i) {
    Write(i);
  }
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  Checkpoint();
  const auto read = driver_->Do<protocol::LogRead>(protocol::ReadLog{kBranch, 0, 1U << 20, 3});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->groups, groups_);
  EXPECT_EQ(read->token, 3);
  const auto check = [&] {
    for (std::size_t i = 0; i < groups_.size(); i += 13) {
      const auto page = Read(groups_[i].end());
      ASSERT_TRUE(page);
      EXPECT_FALSE(page->damaged);
      EXPECT_EQ(page->version, groups_[i].end());
      EXPECT_EQ(page->bytes[999], i + 1);
      EXPECT_EQ(page->bytes[1000], 0);
    }
  };
  check();
  EXPECT_TRUE(Eventually([&] { return driver_->host().index().status(kBranch).flushed > 0; }));
  check();
  Start();
  EXPECT_EQ(driver_->host().found().branches.at(0).end, End());
  check();
  const auto never = Read(End(), 77);
  ASSERT_TRUE(never);
  EXPECT_EQ(never->version, 0);
  EXPECT_EQ(never->bytes, Bytes(protocol::kPageSize));
}

TEST_F(DiskHostTest, ACutLogForgetsInTheIndexToo) {
  Write(1);
  Write(2);
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  EXPECT_EQ(Read(End())->bytes[0], 2);
  groups_.pop_back();
  ASSERT_TRUE(driver_->Do<protocol::LogTruncated>(protocol::TruncateLog{kBranch, End()}));
  Write(3, 1000, 2);
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  const auto page = Read(End());
  ASSERT_TRUE(page);
  EXPECT_EQ(page->bytes[0], 3);
  EXPECT_EQ(page->version, End());
}

TEST_F(DiskHostTest, DamageIsNamedToReadersAndGoneAfterRepair) {
  Write(1);
  Write(2, 9000);
  Write(3);
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  Checkpoint();
  ASSERT_TRUE(driver_->host().WaitForIndex(kBranch, End()));
  const Group& bad = groups_[1];
  for (const bool restart : {false, true}) {
    Damage(bad);
    if (restart) {
      Start();
      EXPECT_THAT(driver_->host().found().branches.at(0).damaged, ElementsAre(bad.range()));
    }
    const auto page = Read(End());
    ASSERT_TRUE(page);
    ASSERT_TRUE(page->damaged);
    EXPECT_EQ(page->damaged->branch, kBranch);
    EXPECT_EQ(page->damaged->range, bad.range());
    EXPECT_EQ(driver_->Do<protocol::LogRead>(protocol::ReadLog{kBranch, 0, 1U << 20, 3})->damaged,
              bad.range());
    ASSERT_EQ(driver_->Do<protocol::LogRepaired>(protocol::RepairLog{bad})->range, bad.range());
    const auto again = Read(End());
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->damaged);
    EXPECT_EQ(again->bytes[0], 3);
    EXPECT_EQ(again->bytes[5000], 2);
  }
}

TEST_F(DiskHostTest, AFullDiskHoldsGroupsServesReadsAndGoesOnWhenThereIsSpace) {
  Write(1);
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  files_.set_capacity(files_.used());
  for (std::uint8_t i = 2; i < 250; ++i) {
    Write(i);
  }
  driver_->host().Submit(protocol::SyncLog{kBranch});
  EXPECT_TRUE(Eventually([&] { return driver_->host().full(); }));
  EXPECT_FALSE(driver_->host().AcceptsGroups(kBranch));
  EXPECT_EQ(Read(groups_[0].end())->bytes[0], 1);
  EXPECT_EQ(driver_->Do<protocol::LogRead>(protocol::ReadLog{kBranch, 0, 100, 3})->groups[0],
            groups_[0]);
  ASSERT_TRUE(driver_->Do<protocol::LogRepaired>(protocol::RepairLog{groups_[0]}));
  EXPECT_FALSE(driver_->Next<protocol::LogSynced>(std::chrono::milliseconds(200)));
  EXPECT_THAT(driver_->errors(), IsEmpty());

  files_.set_capacity(UINT64_MAX);
  ASSERT_TRUE(driver_->Next<protocol::LogSynced>());
  EXPECT_EQ(Read(End())->bytes[0], 249);
  EXPECT_TRUE(Eventually([&] { return driver_->host().AcceptsGroups(kBranch); }));
  EXPECT_EQ(driver_->Do<protocol::LogRead>(protocol::ReadLog{kBranch, 0, 1U << 20, 3})->groups,
            groups_);
}

TEST_F(DiskHostTest, AFailedSyncIsToldOnceAndNothingIsAcknowledged) {
  Write(1);
  files_.set_sync_fails(true);
  EXPECT_FALSE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  files_.set_sync_fails(false);
  driver_->host().Submit(protocol::SyncLog{kBranch});
  EXPECT_FALSE(driver_->Next<protocol::LogSynced>(std::chrono::milliseconds(100)));
  ASSERT_THAT(driver_->errors(), SizeIs(1));
  EXPECT_EQ(driver_->errors()[0].kind, DiskError::Kind::kFailed);
}

TEST_F(DiskHostTest, GroupsThatWaitTogetherShareASync) {
  Write(1);
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  const int before = files_.syncs();
  for (std::uint8_t i = 0; i < 20; ++i) {
    Write(i, 10);
  }
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  EXPECT_LE(files_.syncs(), before + 2);  // ours, and perhaps a spare segment's
}

}  // namespace
}  // namespace sextant::storage
