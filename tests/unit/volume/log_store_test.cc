// What goes into groups, and when nothing may.
#include "volume/log_store.h"

#include "tests/unit/volume/memory_volume.h"
#include "volume/file_system.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <sys/stat.h>

namespace sextant::volume {
namespace {

using namespace std::chrono_literals;
using testing::MemoryVolume;

// Never by age: only what a test asks for is shipped.
constexpr LogStoreOptions kOnRequest{
    .cache_memory = 1U << 20, .dirty_bytes = 64U << 20, .dirty_age = 24h};

class LogStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Begin(kOnRequest); }

  void Begin(const LogStoreOptions& options) {
    store_ = std::make_shared<LogStore>(options, volume_);
    files_ = std::make_unique<FileSystem>(volume_, store_);
    ASSERT_TRUE(files_->EnsureRoot({}).has_value());
  }
  std::uint64_t Make(const std::string& name) {
    const auto made = files_->Create(protocol::kRootInode, name, S_IFREG | 0600, {}, 0);
    EXPECT_TRUE(made.has_value());
    EXPECT_TRUE(files_->Open(made->inode).has_value());
    return made->inode;
  }
  int Write(std::uint64_t file, std::uint64_t offset, std::size_t size, std::uint8_t byte) {
    const auto written = files_->Write(file, offset, std::vector<std::uint8_t>(size, byte));
    return written ? 0 : written.error();
  }
  int Sync(std::uint64_t file) {
    std::promise<int> error;
    files_->Sync(file, [&](int number) { error.set_value(number); });
    return error.get_future().get();
  }
  // The pages that the log has of a file, group by group.
  std::vector<std::vector<std::uint64_t>> Shipped(std::uint64_t file) {
    std::vector<std::vector<std::uint64_t>> shipped;
    for (const auto& group : volume_->groups()) {
      std::vector<std::uint64_t> pages;
      for (const auto& record : group) {
        const auto* image = std::get_if<protocol::PageImage>(&record);
        const auto* patch = std::get_if<protocol::PagePatch>(&record);
        const protocol::PageId page = image != nullptr   ? image->page
                                      : patch != nullptr ? patch->page
                                                         : protocol::PageId{};
        if (page.inode == file) {
          pages.push_back(page.index);
        }
      }
      if (!pages.empty()) {
        shipped.push_back(pages);
      }
    }
    return shipped;
  }

  std::shared_ptr<MemoryVolume> volume_ = std::make_shared<MemoryVolume>();
  std::shared_ptr<LogStore> store_;
  std::unique_ptr<FileSystem> files_;
};

TEST_F(LogStoreTest, ASyncIsOneGroupWithAllMetadataAndThatFilesPages) {
  const auto a = Make("a");
  const auto b = Make("b");
  Write(a, 0, 20'000, 1);
  Write(b, 0, 20'000, 2);
  EXPECT_EQ(Sync(a), 0);
  ASSERT_EQ(volume_->groups().size(), 1U);
  EXPECT_EQ(Shipped(a), (std::vector<std::vector<std::uint64_t>>{{0, 1, 2}}));
  EXPECT_TRUE(Shipped(b).empty());
}

TEST_F(LogStoreTest, APageThatIsWrittenAsItWasIsNotShipped) {
  const auto a = Make("a");
  Write(a, 0, 8192, 1);
  EXPECT_EQ(Sync(a), 0);
  Write(a, 0, 8192, 1);
  EXPECT_EQ(Sync(a), 0);
  EXPECT_EQ(Shipped(a).size(), 1U);
}

TEST_F(LogStoreTest, ALargeFileGoesInSeveralGroupsThatNeverPartAnEnginePage) {
  const auto a = Make("a");
  std::vector<std::uint8_t> bytes(5U << 20);
  std::ranges::generate(bytes, [n = 0U]() mutable { return static_cast<std::uint8_t>(++n * 37); });
  ASSERT_TRUE(files_->Write(a, 8192, bytes).has_value());
  EXPECT_EQ(Sync(a), 0);
  const auto shipped = Shipped(a);
  EXPECT_GE(shipped.size(), 5U);
  for (const auto& group : shipped) {
    EXPECT_LE(group.size() * kPageSize, (1U << 20) + kUnitSize);
    EXPECT_EQ(group.front() % kPagesPerUnit, group.front() == 1 ? 1U : 0U);
  }
}

TEST_F(LogStoreTest, TheUnitThatTheLastWriteEndedInWaits) {
  const auto a = Make("a");
  Write(a, 0, 3 * kUnitSize, 1);
  Write(a, kUnitSize, 4096, 2);  // the first part of a page, maybe
  ASSERT_TRUE(store_->Flush(client::kNoDeadline, true).has_value());
  EXPECT_EQ(Shipped(a), (std::vector<std::vector<std::uint64_t>>{{0, 1, 4, 5}}));
  Write(a, kUnitSize + 4096, 4096, 2);
  Write(a, 0, kUnitSize, 3);
  ASSERT_TRUE(store_->Flush(client::kNoDeadline, true).has_value());
  EXPECT_EQ(Shipped(a).back(), (std::vector<std::uint64_t>{0, 1, 2, 3}));
  Write(a, 0, 100, 4);
  EXPECT_TRUE(files_->Open(a).has_value());
  files_->Release(a);  // another one has it open still
  ASSERT_TRUE(store_->Flush(client::kNoDeadline, true).has_value());
  EXPECT_EQ(Shipped(a).size(), 2U);
  files_->Release(a);
  ASSERT_TRUE(store_->Flush(client::kNoDeadline, true).has_value());
  EXPECT_EQ(Shipped(a).size(), 3U);
}

TEST_F(LogStoreTest, AFlushOfAnIdleMountLeavesNothingOut) {
  const auto a = Make("a");
  Write(a, 0, kUnitSize + 4096, 1);  // whoever wrote has died; the kernel has not closed the file
  ASSERT_TRUE(store_->Flush(client::kNoDeadline, false).has_value());
  EXPECT_EQ(Shipped(a), (std::vector<std::vector<std::uint64_t>>{{0, 1, 2}}));
  EXPECT_EQ(store_->dirty_bytes(), 0U);
  EXPECT_EQ(volume_->undurable(), 0U);
}

TEST_F(LogStoreTest, ASyncOfAFileWithNothingDirtyAsksNobody) {
  const auto a = Make("a");
  const auto b = Make("b");
  Write(a, 0, 8192, 1);
  EXPECT_EQ(Sync(a), 0);
  EXPECT_EQ(Sync(b), 0);
  const auto groups = volume_->groups().size();
  volume_->SetQuorum(false);
  Write(b, 0, 100, 1);
  std::promise<int> error;
  auto told = error.get_future();
  files_->Sync(b, [&](int number) { error.set_value(number); });
  EXPECT_EQ(Sync(a), 0) << "it need not wait for another file's pages";
  EXPECT_EQ(told.wait_for(0s), std::future_status::timeout);
  EXPECT_EQ(volume_->groups().size(), groups + 1);
  volume_->SetQuorum(true);
  EXPECT_EQ(told.get(), 0);
}

TEST_F(LogStoreTest, AFlushWaitsForWhatOthersShipped) {
  const auto a = Make("a");
  EXPECT_EQ(Sync(a), 0);
  volume_->SetQuorum(false);
  Write(a, 0, kUnitSize, 1);
  std::promise<int> error;
  files_->Sync(a, [&](int number) { error.set_value(number); });
  EXPECT_EQ(store_->dirty_bytes(), 0U);
  EXPECT_FALSE(store_->Flush(std::chrono::steady_clock::now(), false).has_value());
  volume_->SetQuorum(true);
  EXPECT_EQ(error.get_future().get(), 0);
}

TEST_F(LogStoreTest, ManyChangesOfMetadataGoInBoundedGroups) {
  for (int file = 0; file < 10'000; ++file) {
    files_->Release(Make(std::to_string(file)));
  }
  ASSERT_TRUE(store_->Flush(client::kNoDeadline, true).has_value());
  for (const auto& group : volume_->groups()) {
    EXPECT_LE(group.size(), 2500U);
  }
}

TEST_F(LogStoreTest, ASyncWithoutAQuorumWaitsAndAFlushHasADeadline) {
  const auto a = Make("a");
  volume_->SetQuorum(false);
  Write(a, 0, 100, 1);
  std::promise<int> error;
  auto told = error.get_future();
  files_->Sync(a, [&](int number) { error.set_value(number); });
  EXPECT_EQ(told.wait_for(0s), std::future_status::timeout);
  EXPECT_FALSE(store_->Flush(std::chrono::steady_clock::now(), true).has_value());
  volume_->SetQuorum(true);
  EXPECT_EQ(told.get(), 0);
}

TEST_F(LogStoreTest, AFencedWriterGetsErrorsForEverything) {
  const auto a = Make("a");
  EXPECT_EQ(Sync(a), 0);
  volume_->Fence();
  EXPECT_EQ(Write(a, 0, 100, 1), EIO);
  EXPECT_EQ(Sync(a), EIO);
  EXPECT_EQ(files_->Unlink(protocol::kRootInode, "a").error(), EIO);
}

TEST_F(LogStoreTest, FencingEndsTheWaitOfWhoIsOverTheBudget) {
  Begin({.cache_memory = 0, .dirty_bytes = 1U << 20, .dirty_age = 24h});
  const auto a = Make("a");
  volume_->SetQuorum(false);
  // What is under way is bounded, and so is what is dirty.
  auto last = std::async(std::launch::async, [&] {
    int error = 0;
    for (std::uint64_t at = 0; error == 0; at += kUnitSize) {
      error = Write(a, at, kUnitSize, static_cast<std::uint8_t>(at >> 14U | 1U));
    }
    return error;
  });
  while (store_->dirty_bytes() <= 1U << 20 && last.wait_for(1ms) != std::future_status::ready) {
  }
  volume_->Fence();
  EXPECT_EQ(last.get(), EIO);
}

TEST_F(LogStoreTest, ANumberOfAnInodeIsTakenOnlyWithAName) {
  const auto a = Make("a");
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(files_->Create(protocol::kRootInode, "a", S_IFREG | 0600, {}, 0).error(), EEXIST);
  }
  EXPECT_EQ(Make("b"), a + 1);
}

}  // namespace
}  // namespace sextant::volume
