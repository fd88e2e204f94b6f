// The real sextant-volume beside six real storage nodes.
#include "tests/integration/volume/volume_process.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <format>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace sextant::volume {
namespace {

using storage::testing::StorageCluster;
using testing::VolumeProcess;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

// Writes a file and syncs it; 0 or the error's number.
int WriteFile(const std::filesystem::path& path, const std::string& content) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) {
    return errno;
  }
  const bool good =
      ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
      ::fsync(file) == 0;
  const int number = good ? 0 : errno;
  ::close(file);
  return number;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> Writer(std::uint64_t branch, std::uint64_t epoch) {
  return {"attach", "mode=writer", std::format("branch={}", branch),
          std::format("epoch={}", epoch)};
}

std::string CodeOf(const Json& answer) {
  return answer.value("ok", false) ? "ok" : answer["error"]["code"].get<std::string>();
}

// One cluster for all tests of this file; each has epochs of its own.
class VolumeServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    cluster_ = std::make_unique<StorageCluster>();
    epoch_ = 0;
    const auto init = cluster_->Control({"init"});
    ASSERT_EQ(init.exit_code, 0) << init.output;
  }
  static void TearDownTestSuite() { cluster_.reset(); }

  void SetUp() override {
    if (!testing::CanMount()) {
      GTEST_SKIP() << "this machine lets us mount nothing";
    }
  }

  static std::uint64_t NextEpoch() { return ++epoch_; }

  static std::unique_ptr<StorageCluster> cluster_;
  static std::uint64_t epoch_;
};

std::unique_ptr<StorageCluster> VolumeServerTest::cluster_;
std::uint64_t VolumeServerTest::epoch_ = 0;

TEST_F(VolumeServerTest, AWriterFillsABranchAndTheNextOneFindsItAfterAKill) {
  const auto first = std::make_unique<VolumeProcess>(*cluster_);
  EXPECT_EQ(first->Ask({"status"})["state"], "detached");
  EXPECT_EQ(first->Http("/healthz"), 200);
  EXPECT_EQ(first->Http("/readyz"), 503);
  struct stat socket{};
  ASSERT_EQ(::stat(first->control().c_str(), &socket), 0);
  EXPECT_EQ(socket.st_mode & 0777U, 0660U);

  const std::uint64_t epoch = NextEpoch();
  const Json attached = first->Ask(Writer(1, epoch));
  ASSERT_EQ(CodeOf(attached), "ok") << attached << first->Output();
  EXPECT_EQ(attached["empty"], true);
  EXPECT_EQ(attached["state"], "attached");
  EXPECT_EQ(first->Http("/readyz"), 200);
  EXPECT_EQ(WriteFile(first->mount() / "file", "kept"), 0);
  EXPECT_EQ(CodeOf(first->Ask(Writer(1, epoch))), "ok") << "already";
  EXPECT_EQ(CodeOf(first->Ask({"flush"})), "ok");
  first->Kill();

  VolumeProcess second(*cluster_);
  const Json again = second.Ask(Writer(1, NextEpoch()));
  ASSERT_EQ(CodeOf(again), "ok") << again << second.Output();
  EXPECT_EQ(again["empty"], false);
  EXPECT_EQ(ReadFile(second.mount() / "file"), "kept");
  EXPECT_EQ(CodeOf(second.Ask({"detach"})), "ok");
  EXPECT_EQ(second.Ask({"status"})["state"], "detached");
  EXPECT_EQ(second.Stop(), 0) << second.Output();
}

TEST_F(VolumeServerTest, ANewerEpochFences) {
  VolumeProcess old(*cluster_);
  const std::uint64_t epoch = NextEpoch();
  ASSERT_EQ(CodeOf(old.Ask(Writer(1, epoch))), "ok") << old.Output();
  VolumeProcess next(*cluster_);
  const std::uint64_t newer = NextEpoch();
  ASSERT_EQ(CodeOf(next.Ask(Writer(1, newer))), "ok") << next.Output();
  EXPECT_EQ(WriteFile(old.mount() / "late", "lost"), EIO);
  Json status;
  for (const auto end = Clock::now() + std::chrono::seconds(20); Clock::now() < end;) {
    status = old.Ask({"status"});
    if (status["state"] == "fenced") {
      break;
    }
  }
  EXPECT_EQ(status["state"], "fenced") << status;
  EXPECT_EQ(status["fenced_by"], newer);
  EXPECT_EQ(CodeOf(old.Ask(Writer(1, epoch))), "fenced");
  EXPECT_EQ(old.Ask({"status"})["state"], "detached");
  EXPECT_FALSE(std::filesystem::exists(next.mount() / "late"));
}

TEST_F(VolumeServerTest, AReaderSeesItsMomentAndKeepsItsWritesToItself) {
  VolumeProcess writer(*cluster_);
  ASSERT_EQ(CodeOf(writer.Ask(Writer(1, NextEpoch()))), "ok") << writer.Output();
  ASSERT_EQ(WriteFile(writer.mount() / "seen", "before"), 0);
  const auto written = writer.Ask({"status"})["vdl"].get<std::uint64_t>();
  VolumeProcess reader(*cluster_);
  Json attached;
  for (const auto end = Clock::now() + std::chrono::seconds(20); Clock::now() < end;) {
    attached = reader.Ask({"attach", "mode=reader", "branch=1"});
    ASSERT_EQ(CodeOf(attached), "ok") << attached << reader.Output();
    if (attached["lsn"] >= written) {
      break;  // the nodes hear of the newest with the writer's next word
    }
    ASSERT_EQ(CodeOf(reader.Ask({"detach"})), "ok");
  }
  EXPECT_GE(attached["lsn"], written);
  ASSERT_EQ(WriteFile(writer.mount() / "seen", "after"), 0);
  EXPECT_EQ(ReadFile(reader.mount() / "seen"), "before");
  EXPECT_EQ(WriteFile(reader.mount() / "own", "private"), 0);
  EXPECT_EQ(ReadFile(reader.mount() / "own"), "private");
  EXPECT_FALSE(std::filesystem::exists(writer.mount() / "own"));
  // The newest again.
  EXPECT_EQ(CodeOf(reader.Ask({"detach"})), "ok");
  const auto vdl = writer.Ask({"status"})["vdl"].get<std::uint64_t>();
  ASSERT_EQ(CodeOf(reader.Ask({"attach", "mode=reader", "branch=1", std::format("lsn={}", vdl)})),
            "ok");
  EXPECT_EQ(ReadFile(reader.mount() / "seen"), "after");
  EXPECT_FALSE(std::filesystem::exists(reader.mount() / "own"));
  // The same instance becomes the writer.
  ASSERT_EQ(CodeOf(reader.Ask(Writer(1, NextEpoch()))), "ok") << reader.Output();
  EXPECT_EQ(WriteFile(reader.mount() / "seen", "third"), 0);
}

TEST_F(VolumeServerTest, ABranchBeginsInThePast) {
  VolumeProcess volume(*cluster_);
  ASSERT_EQ(CodeOf(volume.Ask(Writer(1, NextEpoch()))), "ok") << volume.Output();
  ASSERT_EQ(WriteFile(volume.mount() / "table", "rows"), 0);
  const Json flushed = volume.Ask({"flush"});
  ASSERT_EQ(CodeOf(flushed), "ok");
  ASSERT_EQ(::unlink((volume.mount() / "table").c_str()), 0);
  ASSERT_EQ(CodeOf(volume.Ask({"flush"})), "ok");

  const auto made = volume.Run(
      {"branch", "--id", "2", "--lsn", std::to_string(flushed["vdl"].get<std::uint64_t>())});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  EXPECT_EQ(CodeOf(volume.Ask({"branch", "id=2"})), "invalid") << "it exists already";
  ASSERT_EQ(CodeOf(volume.Ask(Writer(2, 2))), "ok") << volume.Output();
  EXPECT_EQ(ReadFile(volume.mount() / "table"), "rows");
  ASSERT_EQ(CodeOf(volume.Ask(Writer(1, NextEpoch()))), "ok") << "forward again";
  EXPECT_FALSE(std::filesystem::exists(volume.mount() / "table"));
  EXPECT_EQ(CodeOf(volume.Ask(Writer(7, 1))), "invalid") << "there is no such branch";
}

TEST_F(VolumeServerTest, WithoutAQuorumASyncWaits) {
  VolumeProcess volume(*cluster_);
  ASSERT_EQ(CodeOf(volume.Ask(Writer(1, NextEpoch()))), "ok") << volume.Output();
  for (std::size_t node = 0; node < 3; ++node) {
    cluster_->Pause(node);
  }
  std::jthread late([&] { EXPECT_EQ(WriteFile(volume.mount() / "late", "kept"), 0); });
  Json status;
  for (const auto end = Clock::now() + std::chrono::seconds(20); Clock::now() < end;) {
    status = volume.Ask({"status"});
    if (!status["stalled_ms"].is_null() && status["stalled_ms"] > 500) {
      break;
    }
  }
  EXPECT_GT(status["stalled_ms"], 500) << status;
  EXPECT_EQ(status["state"], "attached");
  EXPECT_EQ(CodeOf(volume.Ask({"flush", "timeout_ms=50"})), "timeout");
  for (std::size_t node = 0; node < 3; ++node) {
    cluster_->Resume(node);
  }
  late.join();
  EXPECT_EQ(ReadFile(volume.mount() / "late"), "kept");
}

TEST_F(VolumeServerTest, AStopDoesNotWaitForAQuorumAndLeavesNoMount) {
  VolumeProcess volume(*cluster_);
  ASSERT_EQ(CodeOf(volume.Ask(Writer(1, NextEpoch()))), "ok") << volume.Output();
  ASSERT_EQ(WriteFile(volume.mount() / "file", "kept"), 0);
  struct stat mounted{};
  ASSERT_EQ(::stat(volume.mount().c_str(), &mounted), 0);
  for (std::size_t node = 0; node < 3; ++node) {
    cluster_->Pause(node);
  }
  std::jthread late([&] { EXPECT_NE(WriteFile(volume.mount() / "late", "lost"), 0); });
  std::jthread agent([&] { (void)volume.Ask({"detach", "timeout_ms=60000"}); });
  while (volume.Ask({"status"})["state"] != "detaching") {
  }
  const auto begun = Clock::now();
  EXPECT_EQ(volume.Stop(), 0) << volume.Output();
  EXPECT_LT(Clock::now() - begun,
            std::chrono::seconds(5));  // 1 s, on a machine that does nothing else
  late.join();
  agent.join();
  struct stat after{};
  ASSERT_EQ(::stat(volume.mount().c_str(), &after), 0);
  EXPECT_NE(after.st_dev, mounted.st_dev) << "it is still mounted";
  for (std::size_t node = 0; node < 3; ++node) {
    cluster_->Resume(node);
  }
}

TEST_F(VolumeServerTest, AttachesByItselfWhenStorageComes) {
  for (std::size_t node = 0; node < 4; ++node) {
    cluster_->Kill(node);
  }
  VolumeProcess volume(*cluster_,
                       std::format("attach: {{mode: writer, epoch: {}}}\n", NextEpoch()));
  EXPECT_EQ(volume.Ask({"status"})["state"], "attaching");
  EXPECT_EQ(CodeOf(volume.Ask({"branch", "id=0"})), "invalid");
  for (std::size_t node = 0; node < 4; ++node) {
    cluster_->Start(node);
  }
  Json status;
  for (const auto end = Clock::now() + std::chrono::seconds(30); Clock::now() < end;) {
    status = volume.Ask({"status"});
    if (status["state"] == "attached") {
      break;
    }
  }
  EXPECT_EQ(status["state"], "attached") << volume.Output();
  EXPECT_EQ(WriteFile(volume.mount() / "file", "there"), 0);
  EXPECT_EQ(volume.Stop(), 0);
}

}  // namespace
}  // namespace sextant::volume
