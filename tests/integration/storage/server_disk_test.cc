// A disk that fails under a server; in this process, because a failing fdatasync cannot be had from
// outside.
#include "storage/server/server.h"
#include "tests/integration/storage/hand_writer.h"
#include "tests/support/http_request.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <format>

namespace sextant::storage {
namespace {

using net::testing::Party;
using testing::HandWriter;

// A real file whose Sync fails once it is told to.
class FailingFile : public File {
 public:
  FailingFile(std::unique_ptr<File> file, const std::atomic<bool>& fails)
      : file_(std::move(file)), fails_(fails) {}

  Result<std::size_t> Write(std::uint64_t offset, std::span<const BytesView> pieces) override {
    return file_->Write(offset, pieces);
  }
  Result<std::size_t> Read(std::uint64_t offset, std::span<std::uint8_t> into) override {
    return file_->Read(offset, into);
  }
  Result<> Sync() override {
    return fails_ ? SystemError("fdatasync", "a segment", EIO) : file_->Sync();
  }
  Result<std::uint64_t> Size() override { return file_->Size(); }

 private:
  std::unique_ptr<File> file_;
  const std::atomic<bool>& fails_;
};

class FailingFileSystem : public FileSystem {
 public:
  void Fail() { fails_ = true; }

  Result<std::unique_ptr<File>> Open(const std::filesystem::path& path, OpenMode mode) override {
    auto file = files_->Open(path, mode);
    if (!file) {
      return file;
    }
    return std::make_unique<FailingFile>(std::move(*file), fails_);
  }
  Result<> Rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return files_->Rename(from, to);
  }
  Result<> Remove(const std::filesystem::path& path) override { return files_->Remove(path); }
  Result<> MakeDirectory(const std::filesystem::path& path) override {
    return files_->MakeDirectory(path);
  }
  Result<std::vector<std::string>> List(const std::filesystem::path& path) override {
    return files_->List(path);
  }
  Result<> SyncDirectory(const std::filesystem::path& path) override {
    return files_->SyncDirectory(path);
  }

 private:
  std::unique_ptr<FileSystem> files_ = MakePosixFileSystem();
  std::atomic<bool> fails_ = false;
};

server::Config MakeConfig(const std::filesystem::path& data) {
  return server::ParseConfig(
             std::format("data_directory: {}\nlisten: 127.0.0.1:0\nhttp: 127.0.0.1:0\nzone: a\n"
                         "insecure: true\nlog_level: error\n",
                         data.string()))
      .value();
}

TEST(ServerDisk, AFailedSyncAcknowledgesNothingAndEndsTheServer) {
  const sextant::testing::TemporaryDirectory directory;
  FailingFileSystem files;
  auto server = server::Server::Start(MakeConfig(directory.Path() / "data"), files);
  ASSERT_TRUE(server) << server.error();
  Party client(net::PartyKind::kClient, nullptr);
  client.Dial({{"127.0.0.1", (*server)->port()}});
  const auto connection = client.NextOpened();
  ASSERT_TRUE(connection);
  HandWriter writer(client, *connection, 1, testing::Deciding({(*connection)->peer().hello.uuid}));
  ASSERT_TRUE(writer.Open());
  ASSERT_TRUE(writer.Append(1000, 1));

  files.Fail();
  writer.Send({writer.Make(1000, 2)});
  EXPECT_EQ((*server)->Wait(), server::Ending::kDiskFailed);
  while (const auto appended =
             client.NextMessage<protocol::Appended>(std::chrono::milliseconds(100))) {
    EXPECT_LT(appended->scl, writer.end());
  }
  const auto ready = sextant::testing::Send(
      {.url = std::format("http://127.0.0.1:{}/healthz", (*server)->http_port())});
  EXPECT_TRUE(ready) << "it tells until it is ended";
}

TEST(ServerDisk, StopEndsInOrder) {
  const sextant::testing::TemporaryDirectory directory;
  const auto files = MakePosixFileSystem();
  auto server = server::Server::Start(MakeConfig(directory.Path() / "data"), *files);
  ASSERT_TRUE(server) << server.error();
  (*server)->Stop();
  EXPECT_EQ((*server)->Wait(), server::Ending::kStopped);
}

TEST(ServerDisk, AnAddressInUseIsAnError) {
  const sextant::testing::TemporaryDirectory directory;
  const auto files = MakePosixFileSystem();
  auto first = server::Server::Start(MakeConfig(directory.Path() / "one"), *files);
  ASSERT_TRUE(first) << first.error();
  server::Config config = MakeConfig(directory.Path() / "two");
  config.listen.port = (*first)->port();
  const auto second = server::Server::Start(config, *files);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("Address already in use"), std::string::npos) << second.error();
}

}  // namespace
}  // namespace sextant::storage
