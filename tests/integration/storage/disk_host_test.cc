#include "storage/disk_host.h"

#include "tests/integration/storage/host_driver.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/groups.h"
#include "tests/unit/storage/memory_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <format>

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
                                                    .cache_bytes = 8U << 20}},
                                .trim_log_bytes = 50'000});
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

TEST_F(DiskHostTest, WhatIsLetGoLeavesTheLogAndIsToldByTheIndex) {
  for (std::uint8_t i = 1; i <= 250; ++i) {
    Write(i);
  }
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  Checkpoint();
  ASSERT_TRUE(
      Eventually([&] { return driver_->host().index().status(kBranch).flushed > 150'000; }));
  const Lsn kept = groups_[20].end();
  const Lsn below = groups_[160].end();
  const auto trimmed = driver_->Do<protocol::LogTrimmed>(protocol::TrimLog{kBranch, below, {kept}});
  ASSERT_TRUE(trimmed);
  EXPECT_GT(trimmed->start, 100'000);
  EXPECT_LE(trimmed->start, below);
  const auto check = [&] {
    const auto log = driver_->Do<protocol::LogRead>(protocol::ReadLog{kBranch, 0, 4U << 20, 3});
    ASSERT_TRUE(log);
    EXPECT_EQ(log->groups.front().header().previous_end, trimmed->start);
    EXPECT_EQ(log->groups.back(), groups_.back());
    EXPECT_FALSE(log->damaged);
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      if (groups_[i].end() >= below || groups_[i].end() == kept) {
        const auto page = Read(groups_[i].end());
        ASSERT_TRUE(page);
        EXPECT_FALSE(page->damaged) << i;
        EXPECT_EQ(page->bytes[999], i + 1);
      }
    }
  };
  check();
  Start();
  const protocol::RecoveredBranch& found = driver_->host().found().branches.at(0);
  EXPECT_EQ(found.start, trimmed->start);
  EXPECT_EQ(found.end, End());
  EXPECT_THAT(found.damaged, IsEmpty());
  check();
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

TEST_F(DiskHostTest, ALostFileIsRepairedGroupByGroup) {
  for (std::uint8_t i = 1; i <= 200; ++i) {
    Write(i);
  }
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  Checkpoint();
  std::vector<Lsn> segments;
  for (const auto& file : files_.Files()) {
    if (const auto first = Segment::FirstOf(file.filename().string())) {
      segments.push_back(*first);
    }
  }
  std::ranges::sort(segments);
  ASSERT_GT(segments.size(), 2U);
  const LsnRange lost{segments[1], segments[2]};
  driver_.reset();
  for (const auto& file : files_.Files()) {
    if (file.filename().string() == Segment::Name(lost.first)) {
      ASSERT_TRUE(files_.Remove(file));
    }
  }
  Start();
  ASSERT_THAT(driver_->host().found().branches.at(0).damaged, ElementsAre(lost));
  const auto read = driver_->Do<protocol::LogRead>(protocol::ReadLog{kBranch, 0, 1U << 20, 3});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->damaged, lost);
  for (const Group& group : groups_) {
    if (group.header().first >= lost.first && group.end() <= lost.end) {
      ASSERT_TRUE(driver_->Do<protocol::LogRepaired>(protocol::RepairLog{group}));
    }
  }
  EXPECT_EQ(driver_->Do<protocol::LogRead>(protocol::ReadLog{kBranch, 0, 1U << 20, 3})->groups,
            groups_);
  Start();
  EXPECT_THAT(driver_->host().found().branches.at(0).damaged, IsEmpty());
  EXPECT_EQ(driver_->Do<protocol::LogRead>(protocol::ReadLog{kBranch, 0, 1U << 20, 3})->groups,
            groups_);
}

TEST_F(DiskHostTest, ABranchWhoseLogComesBeforeItsParentsIsReadAsItIs) {
  constexpr BranchId kChild = kBranch + 1;
  const std::vector<protocol::Record> made{protocol::Create{1, "base", 6, 0100600, 26, 27, 0}};
  groups_.push_back(MakeGroup(0, made));
  const Lsn fork = End();
  protocol::BranchRecord child;
  child.branch = {.id = kChild, .parent = kBranch, .fork = fork};
  ASSERT_TRUE(driver_->Do<protocol::BranchPersisted>(protocol::PersistBranch{child}));
  const std::vector<protocol::Record> changed{protocol::SetAttributes{6, 0100640, {}, {}, {}, {}}};
  const Group last = MakeGroup(fork, changed, 1, 0, kChild);
  driver_->host().Submit(protocol::WriteLog{last});
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kChild}));
  driver_->host().Submit(protocol::QueryIndex{kChild, protocol::GetAttributes{6}, last.end(), 7});

  driver_->host().Submit(protocol::WriteLog{groups_.back()});
  driver_->host().Submit(protocol::SyncLog{kBranch});
  record_.synced = record_.vdl = fork;
  driver_->host().Submit(protocol::PersistBranch{record_});
  const auto queried = driver_->Next<protocol::IndexQueried>();
  ASSERT_TRUE(queried && !queried->damaged);
  const auto& attributes = std::get<std::optional<Attributes>>(queried->answer);
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->mode, 0100640);
  EXPECT_EQ(attributes->gid, 27);
}

TEST_F(DiskHostTest, QuestionsAboutFilesAndTimesWaitForTheIndex) {
  const auto append = [&](const std::vector<protocol::Record>& records, std::uint64_t time) {
    groups_.push_back(Group::Make({.protection_group = 0,
                                   .branch = kBranch,
                                   .epoch = 1,
                                   .first = End(),
                                   .end = 0,
                                   .previous_end = End(),
                                   .time = time},
                                  records));
    driver_->host().Submit(protocol::WriteLog{groups_.back()});
  };
  append({protocol::Create{1, "base", 6, 0100600, 26, 26, 0}}, 1'000'000);
  append({protocol::Truncate{6, 8192}, protocol::SetAttributes{6, 0100640, {}, {}, {}, {}}},
         1'500'000);
  append({protocol::Unlink{1, "base"}}, 2'000'000);
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  const auto ask = [&](const protocol::MetadataQuery& query, std::size_t group) {
    const auto queried = driver_->Do<protocol::IndexQueried>(
        protocol::QueryIndex{kBranch, query, groups_.at(group).end(), 7});
    EXPECT_EQ(queried->token, 7);
    EXPECT_FALSE(queried->damaged);
    return queried->answer;
  };
  const auto name = ask(protocol::LookUpName{1, "base"}, 1);
  ASSERT_TRUE(std::get<std::optional<DirectoryEntry>>(name));
  EXPECT_EQ(std::get<std::optional<DirectoryEntry>>(name)->attributes->size, 8192);
  EXPECT_EQ(ask(protocol::LookUpName{1, "base"}, 2),
            protocol::MetadataAnswer(std::optional<DirectoryEntry>()));
  const auto find = [&](std::uint64_t time, std::size_t up_to) {
    const auto searched = driver_->Do<protocol::IndexSearched>(
        protocol::SearchIndex{kBranch, time, groups_.at(up_to).end(), 8});
    EXPECT_EQ(searched->token, 8);
    return searched->lsn;
  };
  EXPECT_EQ(find(999'999, 2), 0);
  EXPECT_EQ(find(1'499'999, 2), groups_[0].end());
  EXPECT_EQ(find(1'999'999, 2), groups_[1].end());
  EXPECT_EQ(find(9'000'000, 2), groups_[2].end());
  EXPECT_EQ(find(9'000'000, 1), groups_[1].end());

  Checkpoint();
  driver_.reset();
  Damage(groups_[1]);
  Start();  // what was in the index's memory is read from the log again
  const auto queried = driver_->Do<protocol::IndexQueried>(
      protocol::QueryIndex{kBranch, protocol::GetAttributes{6}, End(), 7});
  ASSERT_TRUE(queried && queried->damaged);
  EXPECT_EQ(queried->damaged->range, groups_[1].range());
  const auto searched =
      driver_->Do<protocol::IndexSearched>(protocol::SearchIndex{kBranch, 1'999'999, End(), 8});
  ASSERT_TRUE(searched && searched->damaged);
  EXPECT_EQ(searched->damaged->range, groups_[1].range());
}

TEST_F(DiskHostTest, AListingIsBounded) {
  std::vector<protocol::Record> records;
  for (std::uint64_t i = 0; i < 8; ++i) {
    const std::string target(200'000, 'x');
    records.emplace_back(protocol::Symlink{1, std::format("link{}", i), 10 + i, target, 26, 26});
  }
  groups_.push_back(Group::Make({.protection_group = 0,
                                 .branch = kBranch,
                                 .epoch = 1,
                                 .first = 0,
                                 .end = 0,
                                 .previous_end = 0,
                                 .time = 1'000'000},
                                records));
  driver_->host().Submit(protocol::WriteLog{groups_.back()});
  ASSERT_TRUE(driver_->Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
  std::size_t seen = 0;
  for (std::string after;;) {
    const auto queried = driver_->Do<protocol::IndexQueried>(
        protocol::QueryIndex{kBranch, protocol::ListDirectory{1, after, 100}, End(), 7});
    ASSERT_TRUE(queried);
    const auto& listing = std::get<protocol::DirectoryListing>(queried->answer);
    std::size_t bytes = 0;
    for (const DirectoryEntry& entry : listing.entries) {
      bytes += EncodedSize(entry);
    }
    EXPECT_LE(bytes, protocol::kMaximumListBytes);
    ASSERT_FALSE(listing.entries.empty());
    seen += listing.entries.size();
    after = listing.entries.back().name;
    if (!listing.more) {
      break;
    }
  }
  EXPECT_EQ(seen, 8U);
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
