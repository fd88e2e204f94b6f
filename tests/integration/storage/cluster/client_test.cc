// The client library and sextant-storectl against six real nodes.
#include "tests/integration/storage/cluster/storage_cluster.h"
#include "tests/integration/storage/cluster/volume_load.h"

#include <gtest/gtest.h>

#include <format>
#include <future>
#include <sys/stat.h>
#include <thread>

namespace sextant::storage {
namespace {

using namespace std::chrono_literals;
using client::ErrorCode;
using testing::StorageCluster;
using Clock = std::chrono::steady_clock;

client::Deadline Soon() { return Clock::now() + 30s; }

protocol::Bytes Filled(std::uint8_t byte) { return protocol::Bytes(protocol::kPageSize, byte); }

std::uint64_t NowMicroseconds() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

// One cluster for all tests of this file; each has a branch of its own.
class StorageClientTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = std::make_unique<StorageCluster>();
    const auto init = cluster_->Control({"init"});
    ASSERT_EQ(init.exit_code, 0) << init.output;
    client_ = client::Client::Open(cluster_->ClientOptions()).value();
  }
  static void TearDownTestSuite() {
    client_.reset();
    cluster_.reset();
  }

  static std::unique_ptr<client::Writer> Attach(protocol::BranchId branch, protocol::Epoch epoch) {
    auto writer = client_->Attach({.id = branch}, epoch, Soon());
    EXPECT_TRUE(writer.has_value()) << writer.error().message;
    return writer ? std::move(*writer) : nullptr;
  }

  // Makes a group durable.
  static protocol::Lsn Commit(client::Writer& writer,
                              const std::vector<protocol::Record>& records) {
    const auto end = writer.Append(records, Soon());
    EXPECT_TRUE(end.has_value());
    const auto durable = writer.WaitDurable(end.value_or(0), Soon());
    EXPECT_TRUE(durable.has_value()) << durable.error().message;
    return end.value_or(0);
  }

  static protocol::Bytes Read(protocol::BranchId branch, const protocol::PageId& page,
                              const protocol::Position& at) {
    const auto read = client_->ReadPage(branch, page, at, Soon());
    EXPECT_TRUE(read.has_value()) << read.error().message;
    return read ? read->bytes : protocol::Bytes{};
  }

  static std::unique_ptr<StorageCluster> cluster_;
  static std::unique_ptr<client::Client> client_;
};

std::unique_ptr<StorageCluster> StorageClientTest::cluster_;
std::unique_ptr<client::Client> StorageClientTest::client_;

TEST_F(StorageClientTest, APageIsReadableAsOfEveryLsn) {
  const auto writer = Attach(1, 1);
  const protocol::PageId page{7, 3};
  const auto first = Commit(*writer, {protocol::PageImage{page, Filled(1)}});
  const auto second =
      Commit(*writer, {protocol::PagePatch{page, {{.offset = 16, .bytes = {9, 9}}}}});
  auto patched = Filled(1);
  patched[16] = patched[17] = 9;
  EXPECT_EQ(Read(1, page, writer->PositionAt(first)), Filled(1));
  EXPECT_EQ(Read(1, page, writer->PositionAt(second)), patched);
  EXPECT_EQ(Read(1, {7, 4}, writer->PositionAt(second)), Filled(0)) << "never written";
}

TEST_F(StorageClientTest, ANewEpochFencesTheOneBefore) {
  const auto old = Attach(2, 1);
  Commit(*old, {protocol::PageImage{{7, 0}, Filled(1)}});
  const auto taken = Attach(2, 2);
  EXPECT_EQ(taken->begin(), old->vdl());
  const auto end =
      old->Append(std::vector<protocol::Record>{protocol::PageImage{{7, 0}, Filled(2)}}, Soon());
  if (end) {  // it did not know yet
    const auto durable = old->WaitDurable(*end, Soon());
    ASSERT_FALSE(durable.has_value());
    EXPECT_EQ(durable.error().code, ErrorCode::kFenced) << durable.error().message;
  } else {
    EXPECT_EQ(end.error().code, ErrorCode::kFenced);
  }
  EXPECT_EQ(Read(2, {7, 0}, taken->PositionAt(taken->vdl())), Filled(1));

  const auto again = client_->Attach({.id = 2}, 1, Soon());
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, ErrorCode::kFenced);
}

TEST_F(StorageClientTest, MetadataIsAsOfItsPosition) {
  const auto writer = Attach(3, 1);
  const auto made = Commit(
      *writer, {protocol::Create{.parent = 0, .name = "/", .inode = 1, .mode = S_IFDIR | 0755},
                protocol::Create{.parent = 1, .name = "b", .inode = 2, .mode = S_IFREG | 0600},
                protocol::Create{.parent = 1, .name = "a", .inode = 3, .mode = S_IFREG | 0640},
                protocol::Truncate{.inode = 2, .size = 12345}});
  const auto gone = Commit(*writer, {protocol::Unlink{.parent = 1, .name = "a"}});

  const auto list = [&](protocol::Lsn lsn) {
    std::string names;
    const auto answer =
        client_->ReadMetadata(3, protocol::ListDirectory{.directory = 1, .after = "", .limit = 10},
                              writer->PositionAt(lsn), Soon());
    EXPECT_TRUE(answer.has_value());
    for (const auto& entry : std::get<protocol::DirectoryListing>(*answer).entries) {
      names += entry.name + std::to_string(entry.attributes->size) + " ";
    }
    return names;
  };
  EXPECT_EQ(list(made), "a0 b12345 ");
  EXPECT_EQ(list(gone), "b12345 ");
  const auto found = client_->ReadMetadata(3, protocol::LookUpName{.directory = 1, .name = "b"},
                                           writer->PositionAt(gone), Soon());
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(std::get<std::optional<protocol::DirectoryEntry>>(*found)->inode, 2U);
  const auto attributes = client_->ReadMetadata(3, protocol::GetAttributes{.inode = 9},
                                                writer->PositionAt(gone), Soon());
  ASSERT_TRUE(attributes.has_value());
  EXPECT_FALSE(std::get<std::optional<protocol::Attributes>>(*attributes).has_value());
}

TEST_F(StorageClientTest, ABranchBeginsInThePastAndItsParentGoesOn) {
  const auto writer = Attach(4, 1);
  const protocol::PageId page{7, 0};
  Commit(*writer, {protocol::PageImage{page, Filled(1)}});
  const std::uint64_t then = NowMicroseconds();
  std::this_thread::sleep_until(Clock::now() + 2ms);  // the next group has a later time
  const auto later = Commit(*writer, {protocol::PageImage{page, Filled(2)}});

  const auto fork = client_->FindLsn(4, then, writer->PositionAt(later), Soon());
  ASSERT_TRUE(fork.has_value()) << fork.error().message;
  ASSERT_LT(fork->lsn, later);
  const auto made =
      client_->MakeBranch({.id = 5, .parent = 4, .fork = fork->lsn}, Clock::now() + 30s);
  ASSERT_TRUE(made.has_value()) << made.error().message;

  const auto child = client_->Attach({.id = 5, .parent = 4, .fork = fork->lsn}, 2, Soon());
  ASSERT_TRUE(child.has_value()) << child.error().message;
  EXPECT_EQ(Read(5, page, (*child)->PositionAt((*child)->vdl())), Filled(1));
  const auto end = Commit(**child, {protocol::PageImage{page, Filled(3)}});
  EXPECT_EQ(Read(5, page, (*child)->PositionAt(end)), Filled(3));
  EXPECT_EQ(Read(4, page, writer->PositionAt(later)), Filled(2)) << "forward again";
}

TEST_F(StorageClientTest, APinKeepsThePastReadable) {
  const auto writer = Attach(6, 1);
  const auto lsn = Commit(*writer, {protocol::PageImage{{7, 0}, Filled(1)}});
  const auto pin = client_->SetPin(6, lsn, 10s, Soon());
  ASSERT_TRUE(pin.has_value()) << pin.error().message;
  EXPECT_TRUE((*pin)->held());
  EXPECT_EQ((*pin)->lsn(), lsn);
  const auto later = Commit(*writer, {protocol::PageImage{{7, 0}, Filled(2)}});
  writer->RetainFrom(later);
  Commit(*writer, {protocol::PageImage{{7, 1}, Filled(2)}});
  EXPECT_EQ(Read(6, {7, 0}, writer->PositionAt(lsn)), Filled(1));
}

TEST_F(StorageClientTest, EveryWaitHasADeadline) {
  const auto writer = Attach(7, 1);
  const auto end = writer->end();
  const auto begun = Clock::now();
  const auto durable = writer->WaitDurable(end + 1000, begun + 50ms);
  ASSERT_FALSE(durable.has_value());
  EXPECT_EQ(durable.error().code, ErrorCode::kTimeout);
  const auto read = client_->ReadPage(7, {7, 0}, {0, end + 1000}, Clock::now() + 50ms);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, ErrorCode::kTimeout);
  const auto nodes = client_->Nodes(7, Clock::now() + 50ms);
  ASSERT_FALSE(nodes.has_value());
  EXPECT_EQ(nodes.error().code, ErrorCode::kTimeout);
}

TEST_F(StorageClientTest, ClosingEndsWhatWaits) {
  auto other = client::Client::Open(cluster_->ClientOptions()).value();
  const auto writer = other->Attach({.id = 8}, 1, Soon());
  ASSERT_TRUE(writer.has_value());
  std::promise<ErrorCode> code;
  auto told = code.get_future();
  (*writer)->WhenDurable((*writer)->end() + 1, client::kNoDeadline,
                         [&](client::Result<> result) { code.set_value(result.error().code); });
  other.reset();
  EXPECT_EQ(told.get(), ErrorCode::kClosed);
  EXPECT_FALSE((*writer)->WaitDurable((*writer)->end() + 1, client::kNoDeadline).has_value());
}

TEST_F(StorageClientTest, ControlShowsSealsBranchesDumpsAndVerifies) {
  const auto writer = Attach(9, 1);
  const auto end = Commit(
      *writer, {protocol::Create{.parent = 0, .name = "/", .inode = 1, .mode = S_IFDIR | 0755},
                protocol::Create{.parent = 1, .name = "f", .inode = 2, .mode = S_IFREG | 0600},
                protocol::Truncate{.inode = 2, .size = 2 * protocol::kPageSize},
                protocol::PageImage{{2, 1}, Filled(7)}});
  const auto again = cluster_->Control({"init"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_NE(again.output.find("is a member of a volume already"), std::string::npos);

  const auto status = cluster_->Control({"status"});
  EXPECT_EQ(status.exit_code, 0) << status.output;
  EXPECT_NE(status.output.find("6 of 6 nodes answer"), std::string::npos) << status.output;

  const auto log = cluster_->Control({"dump", "log", "--branch", "9"});
  EXPECT_EQ(log.exit_code, 0) << log.output;
  EXPECT_NE(log.output.find("create 1/f inode 2 mode 100600"), std::string::npos) << log.output;
  EXPECT_NE(log.output.find("image inode 2 page 1"), std::string::npos);
  const auto page = cluster_->Control({"dump", "page", "--branch", "9", "--inode", "2", "--page",
                                       "1", "--lsn", std::to_string(end)});
  EXPECT_EQ(page.output, std::string(protocol::kPageSize, '\7'));

  // All six have it soon: what the writer sent to four is on its way to the others.
  sextant::testing::CommandResult verified;
  for (const auto deadline = Soon(); Clock::now() < deadline;) {
    verified = cluster_->Control({"verify", "--branch", "9", "--at-least", "6"});
    if (verified.exit_code == 0) {
      break;
    }
  }
  EXPECT_EQ(verified.exit_code, 0) << verified.output;
  EXPECT_NE(verified.output.find("2 pages, 2 on 6 nodes, 0 differ"), std::string::npos)
      << verified.output;

  const auto branch =
      cluster_->Control({"branch", "--branch", "9", "--id", "10", "--lsn", std::to_string(end)});
  EXPECT_EQ(branch.exit_code, 0) << branch.output;
  const auto seal = cluster_->Control({"seal", "--branch", "9"});
  EXPECT_EQ(seal.exit_code, 0) << seal.output;
  EXPECT_NE(seal.output.find("sealed by epoch 2"), std::string::npos) << seal.output;
  const auto fenced =
      writer->Append(std::vector<protocol::Record>{protocol::PageImage{{2, 0}, Filled(1)}}, Soon());
  EXPECT_FALSE(fenced.and_then([&](protocol::Lsn lsn) { return writer->WaitDurable(lsn, Soon()); })
                   .has_value());
}

}  // namespace
}  // namespace sextant::storage
