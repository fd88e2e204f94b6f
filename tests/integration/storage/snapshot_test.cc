// Another member's index in the place of one's own, and a process that ends at any step of that.
#include "storage/disk_host.h"
#include "tests/integration/storage/host_driver.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/groups.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sextant::storage {
namespace {

using testing::Eventually;
using testing::HostDriver;
using testing::kBranch;
using testing::MakeGroup;

// The real one, until the process ends after so many changes.
class EndingFileSystem : public FileSystem {
 public:
  explicit EndingFileSystem(int changes) : left_(changes) {}

  Result<std::unique_ptr<File>> Open(const std::filesystem::path& path, OpenMode mode) override {
    return mode == OpenMode::kCreate && !Go() ? Ended() : real_->Open(path, mode);
  }
  Result<> Rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return Go() ? real_->Rename(from, to) : Ended();
  }
  Result<> Remove(const std::filesystem::path& path) override {
    return Go() ? real_->Remove(path) : Ended();
  }
  Result<> MakeDirectory(const std::filesystem::path& path) override {
    return Go() ? real_->MakeDirectory(path) : Ended();
  }
  Result<std::vector<std::string>> List(const std::filesystem::path& path) override {
    return real_->List(path);
  }
  Result<> SyncDirectory(const std::filesystem::path& path) override {
    return Go() ? real_->SyncDirectory(path) : Ended();
  }

 private:
  bool Go() { return left_ > 0 && left_-- > 0; }
  static std::unexpected<DiskError> Ended() {
    return std::unexpected(DiskError{DiskError::Kind::kFailed, "the process has ended"});
  }

  std::unique_ptr<FileSystem> real_ = MakePosixFileSystem();
  int left_;
};

class SnapshotTest : public ::testing::Test {
 protected:
  static DiskHostOptions Options(const std::filesystem::path& directory) {
    return {
        .store = {.directory = directory,
                  .segment_size = 64 * 1024,
                  .index = {.directory = {}, .table_log_bytes = 50'000, .cache_bytes = 8U << 20}},
        .trim_log_bytes = 50'000};
  }

  void SetUp() override {
    for (std::uint8_t i = 1; i <= 250; ++i) {
      groups_.push_back(MakeGroup(groups_.empty() ? 0 : groups_.back().end(), 1000, i));
    }
    HostDriver teller(*files_, Options(Home("teller")));
    Fill(teller, groups_.size());
    ASSERT_TRUE(
        Eventually([&] { return teller.host().index().status(kBranch).flushed > 150'000; }));
    const auto trimmed = teller.Do<protocol::LogTrimmed>(
        protocol::TrimLog{kBranch, groups_[160].end(), {groups_[20].end()}});
    ASSERT_TRUE(trimmed);
    auto manifest = teller.host().store().MakeSnapshot();
    ASSERT_TRUE(manifest) << manifest.error().what;
    manifest_ = std::move(*manifest);
    std::filesystem::rename(teller.host().store().outgoing(), Home("files"));
  }

  [[nodiscard]] std::filesystem::path Home(const std::string& name) const {
    return directory_.Path() / name;
  }

  // The first `count` groups, durable; with the horizon where the teller lets go.
  void Fill(HostDriver& driver, std::size_t count) {
    protocol::BranchRecord record;
    record.branch = {.id = kBranch, .parent = 0, .fork = 0};
    record.promise = {1, {2, 1}};
    record.history = protocol::History({{1, 0}});
    ASSERT_TRUE(driver.Do<protocol::BranchPersisted>(protocol::PersistBranch{record}));
    for (std::size_t i = 0; i < count; ++i) {
      driver.host().Submit(protocol::WriteLog{groups_[i]});
    }
    ASSERT_TRUE(driver.Do<protocol::LogSynced>(protocol::SyncLog{kBranch}));
    record.synced = record.vdl = groups_[count - 1].end();
    record.horizon = std::min(record.vdl, groups_[160].end());
    ASSERT_TRUE(driver.Do<protocol::BranchPersisted>(protocol::PersistBranch{record}));
  }

  // A member with the first `count` groups, and all that it fetched.
  void Bring(std::size_t count) {
    std::filesystem::remove_all(Home("taker"));
    HostDriver taker(*files_, Options(Home("taker")));
    if (count > 0) {
      Fill(taker, count);
    }
    std::filesystem::create_directories(taker.host().store().incoming());
    std::filesystem::copy(Home("files"), taker.host().store().incoming());
    ASSERT_TRUE(taker.host().store().KeepManifest(manifest_));
  }

  // What was brought is in its place, and all can be read that the log reaches.
  void Judge(std::size_t count) {
    HostDriver taker(*files_, Options(Home("taker")));
    ASSERT_FALSE(taker.open_error()) << taker.open_error()->what;
    const Lsn start = manifest_.branches.at(0).start;
    ASSERT_EQ(taker.host().found().branches.size(), 1U);
    const protocol::RecoveredBranch& found = taker.host().found().branches[0];
    const Lsn end = count == 0 ? start : std::max(start, groups_[count - 1].end());
    EXPECT_EQ(found.start, start);
    EXPECT_EQ(found.end, end);
    EXPECT_EQ(found.record.synced, end);
    EXPECT_TRUE(found.damaged.empty());
    EXPECT_EQ(taker.host().index().status(kBranch).flushed, manifest_.branches[0].indexed);
    EXPECT_FALSE(std::filesystem::exists(taker.host().store().incoming()));
    for (const std::size_t i : {std::size_t{20}, std::size_t{160}, std::size_t{249}}) {
      if (groups_[i].end() <= end || groups_[i].end() <= start) {
        const auto page = taker.Do<protocol::IndexRead>(
            protocol::ReadIndex{kBranch, {1, 0}, groups_[i].end(), 5});
        ASSERT_TRUE(page);
        EXPECT_FALSE(page->damaged);
        EXPECT_EQ(page->bytes[999], i + 1);
      }
    }
  }

  sextant::testing::TemporaryDirectory directory_;
  const std::unique_ptr<FileSystem> files_ = MakePosixFileSystem();
  std::vector<Group> groups_;
  protocol::SnapshotManifest manifest_;
};

TEST_F(SnapshotTest, AnEmptyMemberOneThatIsBehindAndOneThatIsAheadInstallIt) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{50}, std::size_t{250}}) {
    SCOPED_TRACE(count);
    Bring(count);
    Judge(count);
  }
}

TEST_F(SnapshotTest, AProcessThatEndsInTheMiddleIsFollowedByOneThatGoesOn) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{50}, std::size_t{250}}) {
    int changes = 0;
    for (bool ended = true; ended; ++changes) {
      SCOPED_TRACE(::testing::Message() << count << " groups, " << changes << " changes");
      Bring(count);
      EndingFileSystem ending(changes);
      {
        const auto opened = Store::Open(ending, Options(Home("taker")).store);
        ended = !opened.has_value();
      }
      Judge(count);
      ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(changes, 10);
  }
}

TEST_F(SnapshotTest, WhatIsNotHereAsAWholeIsThrownAway) {
  Bring(50);
  std::filesystem::remove(Home("taker") / "incoming" / "manifest");
  HostDriver taker(*files_, Options(Home("taker")));
  ASSERT_FALSE(taker.open_error());
  EXPECT_EQ(taker.host().found().branches.at(0).end, groups_[49].end());
  EXPECT_EQ(taker.host().found().branches.at(0).start, 0U);
  EXPECT_FALSE(std::filesystem::exists(taker.host().store().incoming()));
}

}  // namespace
}  // namespace sextant::storage
