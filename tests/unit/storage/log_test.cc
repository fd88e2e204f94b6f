#include "storage/log/log.h"

#include "tests/unit/storage/groups.h"
#include "tests/unit/storage/memory_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace sextant::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kBranch;
using testing::MakeGroup;
using testing::MemoryFileSystem;

constexpr Lsn kStart = 500;
constexpr std::uint64_t kSegment = 16 * 1024;

// A log and what it must hold.
class LogTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    log_.reset();
    auto log = Log::Open(files_,
                         {.directory = "/log",
                          .branch = kBranch,
                          .start = kStart,
                          .segment_size = kSegment,
                          .buffer_size = 2048},
                         synced_);
    ASSERT_TRUE(log) << log.error().what;
    log_ = std::move(*log);
  }

  [[nodiscard]] Lsn End() const { return groups_.empty() ? kStart : groups_.back().end(); }

  Result<> Append(std::size_t size, protocol::Epoch epoch = 1) {
    const Group group = MakeGroup(End(), size, static_cast<std::uint8_t>(groups_.size()), epoch);
    auto appended = log_->Append(group);
    if (appended) {
      groups_.push_back(group);
    }
    return appended;
  }

  void Sync() {
    const auto synced = log_->Sync();
    ASSERT_TRUE(synced) << synced.error().what;
    synced_ = End();
  }

  std::vector<Group> ReadAll(Lsn from = kStart) {
    std::vector<Group> all;
    while (true) {
      auto slice = log_->Read(from, 10'000);
      EXPECT_TRUE(slice);
      EXPECT_FALSE(slice->damaged);
      if (slice->groups.empty()) {
        return all;
      }
      from = slice->groups.back().end();
      all.insert(all.end(), slice->groups.begin(), slice->groups.end());
    }
  }

  // The file that holds the group, and where in it.
  std::uint8_t& ByteOf(const Group& group, std::size_t offset) {
    std::filesystem::path holder;
    Lsn first = 0;
    for (const auto& file : files_.Files()) {
      const auto begins = Segment::FirstOf(file.filename().string());
      if (begins && *begins <= group.header().first) {
        holder = file;
        first = *begins;
      }
    }
    return files_.At(holder)[group.header().first - first + offset];
  }

  MemoryFileSystem files_;
  std::unique_ptr<Log> log_;
  std::vector<Group> groups_;
  Lsn synced_ = kStart;
};

TEST_F(LogTest, ReadsBackWhatWasAppendedNowAndAfterOpeningAgain) {
  for (std::size_t i = 0; i < 200; ++i) {
    ASSERT_TRUE(Append(1 + (i * 37) % 900));
  }
  Sync();
  EXPECT_EQ(ReadAll(), groups_);
  Open();
  EXPECT_EQ(log_->found().end, End());
  EXPECT_THAT(log_->found().damaged, IsEmpty());
  EXPECT_EQ(ReadAll(), groups_);
}

TEST_F(LogTest, ReadsFromAnyGroupAndFromWithinOne) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Append(500));
  }
  Sync();
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const Lsn begin = groups_[i].header().first;
    for (const Lsn from : {begin, begin + 1, groups_[i].end() - 1}) {
      const auto slice = log_->Read(from, 1);
      ASSERT_THAT(slice->groups, ElementsAre(groups_[i]));
    }
    const auto bytes = log_->ReadBytes(begin + 80, 20);
    ASSERT_TRUE(bytes);
    EXPECT_TRUE(std::ranges::equal(*bytes, groups_[i].bytes().subspan(80, 20)));
  }
}

TEST_F(LogTest, AGroupLargerThanASegmentHasOneOfItsOwn) {
  ASSERT_TRUE(Append(100));
  ASSERT_TRUE(Append(5 * kSegment));
  ASSERT_TRUE(Append(100));
  Sync();
  EXPECT_EQ(ReadAll(), groups_);
  Open();
  EXPECT_EQ(ReadAll(), groups_);
}

TEST_F(LogTest, RefusesAGroupThatDoesNotFollow) {
  ASSERT_TRUE(Append(100));
  EXPECT_EQ(log_->Append(MakeGroup(End() + 8, 10, 1)).error().kind, DiskError::Kind::kMisuse);
  EXPECT_EQ(log_->Append(MakeGroup(kStart, 10, 1)).error().kind, DiskError::Kind::kMisuse);
}

TEST_F(LogTest, FilesKeepTheirSizesWhileGroupsAreWritten) {
  ASSERT_TRUE(Append(10));
  const std::uint64_t used = files_.used();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Append(900));
    Sync();
    EXPECT_EQ(files_.used(), used);
  }
}

TEST_F(LogTest, ShortWritesAreContinued) {
  files_.set_short_writes(13);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(Append(300));
  }
  Sync();
  EXPECT_EQ(ReadAll(), groups_);
}

TEST_F(LogTest, AFailedSyncIsToldAndNotTriedAgain) {
  ASSERT_TRUE(Append(300));
  const int before = files_.syncs();
  files_.set_sync_fails(true);
  const auto synced = log_->Sync();
  ASSERT_FALSE(synced);
  EXPECT_EQ(synced.error().kind, DiskError::Kind::kFailed);
  EXPECT_EQ(files_.syncs(), before + 1);
}

TEST_F(LogTest, AFullDiskRefusesGroupsKeepsReadingAndRecovers) {
  ASSERT_TRUE(Append(100));
  Sync();
  files_.set_capacity(files_.used());
  Result<> appended;
  while ((appended = Append(1000))) {
  }
  EXPECT_EQ(appended.error().kind, DiskError::Kind::kFull);
  EXPECT_EQ(Append(1000).error().kind, DiskError::Kind::kFull);
  Sync();
  EXPECT_EQ(ReadAll(), groups_);
  EXPECT_EQ(log_->Prepare().error().kind, DiskError::Kind::kFull);
  EXPECT_LT(log_->room(), 1000);

  files_.set_capacity(UINT64_MAX);
  ASSERT_TRUE(Append(1000));
  Sync();
  EXPECT_EQ(ReadAll(), groups_);
  ASSERT_TRUE(log_->Prepare());
  EXPECT_GE(log_->room(), kSegment);
}

TEST_F(LogTest, TruncationLeavesNoOldGroupBehindNewOnesOfTheSameSize) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Append(400));
  }
  Sync();
  constexpr std::size_t kKept = 10;
  const Lsn from = groups_[kKept - 1].end();
  ASSERT_TRUE(log_->Truncate(from));
  groups_.resize(kKept);
  synced_ = from;
  EXPECT_EQ(log_->end(), from);
  EXPECT_EQ(ReadAll(), groups_);
  // As long as the one that was there: what followed it would follow this one too.
  ASSERT_TRUE(Append(400, 2));
  Sync();
  Open();
  EXPECT_EQ(ReadAll(), groups_);
}

TEST_F(LogTest, TruncationToTheStartLeavesAnEmptyLog) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Append(400));
  }
  Sync();
  ASSERT_TRUE(log_->Truncate(kStart));
  groups_.clear();
  synced_ = kStart;
  Open();
  EXPECT_EQ(log_->found().end, kStart);
  ASSERT_TRUE(Append(400, 2));
  Sync();
  EXPECT_EQ(ReadAll(), groups_);
}

TEST_F(LogTest, DamageIsFoundByReadingAndOpeningAndRepairedInPlace) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Append(400));
  }
  Sync();
  for (const std::size_t bad : {0U, 50U, 99U}) {
    for (const std::size_t offset : {0U, 30U, 64U, 200U}) {
      ByteOf(groups_[bad], offset) ^= 4;
      const auto slice = log_->Read(groups_[bad].header().first, 10'000);
      ASSERT_TRUE(slice);
      EXPECT_EQ(slice->damaged, groups_[bad].range());
      EXPECT_THAT(slice->groups, IsEmpty());
      Open();
      EXPECT_THAT(log_->found().damaged, ElementsAre(groups_[bad].range()));
      EXPECT_EQ(log_->found().end, End());
      ASSERT_TRUE(log_->Repair(groups_[bad]));
      EXPECT_EQ(ReadAll(), groups_);
    }
  }
  Open();
  EXPECT_THAT(log_->found().damaged, IsEmpty());
}

TEST_F(LogTest, AReadStopsBeforeDamage) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(Append(400));
  }
  Sync();
  ByteOf(groups_[5], 100) ^= 4;
  const auto slice = log_->Read(kStart, 100'000);
  EXPECT_EQ(slice->groups, std::vector(groups_.begin(), groups_.begin() + 5));
  EXPECT_EQ(slice->damaged, groups_[5].range());
}

TEST_F(LogTest, AFileThatIsGoneIsDamageAndCanBeRepaired) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(Append(400));
  }
  Sync();
  std::vector<std::filesystem::path> segments;
  for (const auto& file : files_.Files()) {
    if (Segment::FirstOf(file.filename().string())) {
      segments.push_back(file);
    }
  }
  ASSERT_GE(segments.size(), 4);
  for (const std::size_t gone : {std::size_t{0}, std::size_t{2}, segments.size() - 1}) {
    ASSERT_TRUE(files_.Remove(segments[gone]));
    Open();
    ASSERT_EQ(log_->found().damaged.size(), 1);
    const LsnRange damaged = log_->found().damaged.front();
    EXPECT_EQ(damaged.first, *Segment::FirstOf(segments[gone].filename().string()));
    EXPECT_EQ(log_->found().end, End());
    const auto slice = log_->Read(damaged.first, 1000);
    EXPECT_EQ(slice->damaged, damaged);
    for (const Group& group : groups_) {
      if (group.header().first >= damaged.first && group.end() <= damaged.end) {
        ASSERT_TRUE(log_->Repair(group));
      }
    }
    EXPECT_EQ(ReadAll(), groups_);
    Open();
    EXPECT_THAT(log_->found().damaged, IsEmpty());
  }
}

TEST_F(LogTest, TheFrontCanBeDroppedAndItsFilesUsedAgain) {
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(Append(400));
  }
  Sync();
  const Lsn wanted = groups_[120].end();
  const std::uint64_t used = files_.used();
  ASSERT_TRUE(log_->DropBelow(wanted));
  EXPECT_LT(files_.used(), used);
  EXPECT_EQ(log_->start(), wanted) << "in the middle of a segment";
  std::erase_if(groups_, [&](const Group& group) { return group.end() <= wanted; });
  EXPECT_EQ(ReadAll(), groups_);
  EXPECT_TRUE(log_->Repair(MakeGroup(kStart, 10, 1))) << "a repair that comes late is of no matter";
  // Into a file that holds old groups.
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(Append(300));
    Sync();
    if (i % 10 == 0) {
      Open();
      EXPECT_EQ(log_->found().end, End());
      EXPECT_EQ(ReadAll(), groups_);
    }
  }
}

// Random work, and a power cut in the middle of it: what was synced is there, what is there was
// written, in order.
TEST(LogCrash, KeepsAPrefixThatHasAllThatWasSynced) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    MemoryFileSystem files;
    std::vector<Group> groups;
    Lsn synced = kStart;
    protocol::Epoch epoch = 1;
    for (int life = 0; life < 4; ++life) {
      auto log = Log::Open(files,
                           {.directory = "/log",
                            .branch = kBranch,
                            .start = kStart,
                            .segment_size = kSegment,
                            .buffer_size = 3000},
                           synced);
      ASSERT_TRUE(log) << log.error().what;
      ASSERT_THAT((*log)->found().damaged, IsEmpty());
      std::erase_if(groups, [&](const Group& group) { return group.end() > (*log)->found().end; });
      const Lsn found_end = groups.empty() ? kStart : groups.back().end();
      ASSERT_EQ((*log)->found().end, found_end);
      ASSERT_GE(found_end, synced);
      const auto slice = (*log)->Read(kStart, UINT32_MAX);
      ASSERT_TRUE(slice);
      ASSERT_EQ(slice->groups, groups);

      ASSERT_TRUE((*log)->Sync());
      synced = found_end;
      ++epoch;
      const std::size_t steps = random() % 60;
      for (std::size_t step = 0; step < steps; ++step) {
        const auto choice = random() % 20;
        const Lsn end = groups.empty() ? kStart : groups.back().end();
        if (choice < 14) {
          // Few sizes, so that groups of different epochs often fit into each other's places.
          const std::size_t size = choice < 10 ? 600 : random() % 4000 + 1;
          groups.push_back(MakeGroup(end, size, static_cast<std::uint8_t>(random()), epoch));
          ASSERT_TRUE((*log)->Append(groups.back()));
        } else if (choice < 19) {
          ASSERT_TRUE((*log)->Sync());
          synced = end;
        } else if (!groups.empty()) {
          const std::size_t kept = random() % groups.size();
          const Lsn from = kept == 0 ? kStart : groups[kept - 1].end();
          ASSERT_TRUE((*log)->Truncate(from));
          groups.resize(kept);
          synced = std::min(synced, from);
          ++epoch;
        }
      }
      log->reset();
      files.Crash(random);
    }
  }
}

}  // namespace
}  // namespace sextant::storage
