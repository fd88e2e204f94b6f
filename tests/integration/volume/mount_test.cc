// A real mount over six real storage nodes.
#include "volume/mount.h"

#include "tests/integration/storage/cluster/storage_cluster.h"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <format>
#include <future>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <thread>
#include <unistd.h>

namespace sextant::volume {
namespace {

using namespace std::chrono_literals;
using storage::testing::StorageCluster;
using Clock = std::chrono::steady_clock;

client::Deadline Soon() { return Clock::now() + 30s; }

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, mode_t mode = 0644)
      : value_(open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() {
    if (value_ >= 0) {
      close(value_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

void Put(int file, const std::string& bytes, off_t offset) {
  ASSERT_EQ(pwrite(file, bytes.data(), bytes.size(), offset), static_cast<ssize_t>(bytes.size()))
      << std::strerror(errno);
}

std::string Get(const std::string& path, std::size_t size, off_t offset = 0) {
  const Descriptor file(path, O_RDONLY);
  std::string bytes(size, '\0');
  const auto read = pread(file.get(), bytes.data(), size, offset);
  bytes.resize(read < 0 ? 0 : static_cast<std::size_t>(read));
  return bytes;
}

// One cluster for all tests of this file; each has a branch of its own.
class MountTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (access("/dev/fuse", R_OK | W_OK) != 0) {
      GTEST_SKIP() << "no /dev/fuse";
    }
    cluster_ = std::make_unique<StorageCluster>();
    const auto init = cluster_->Control({"init"});
    ASSERT_EQ(init.exit_code, 0) << init.output;
    client_ = client::Client::Open(cluster_->ClientOptions()).value();
  }
  static void TearDownTestSuite() {
    client_.reset();
    cluster_.reset();
  }
  void SetUp() override { branch_ = ++branches_; }

  std::unique_ptr<Mount> AsWriter(protocol::Epoch epoch, const std::string& name = "writer",
                                  MountOptions options = {}) {
    auto writer = client_->Attach({.id = branch_}, epoch, Soon());
    EXPECT_TRUE(writer.has_value()) << writer.error().message;
    options.path = Path(name);
    auto mount = Mount::ForWriter(options, client_, *std::move(writer));
    EXPECT_TRUE(mount.has_value()) << mount.error().message;
    return mount ? *std::move(mount) : nullptr;
  }

  std::unique_ptr<Mount> AsReader(const protocol::Position& at, std::uint64_t size = 1U << 30) {
    auto pin = client_->SetPin(branch_, at.lsn, 10s, Soon());
    EXPECT_TRUE(pin.has_value()) << pin.error().message;
    MountOptions options;
    options.path = Path("reader");
    options.overlay_directory = files_.Path() / "overlay";
    options.overlay_size = size;
    auto mount = Mount::ForReader(options, client_, *std::move(pin), branch_, at);
    EXPECT_TRUE(mount.has_value()) << mount.error().message;
    return mount ? *std::move(mount) : nullptr;
  }

  [[nodiscard]] std::string Path(const std::string& name) const { return files_.Path() / name; }

  static std::shared_ptr<client::Client> client_;
  static std::unique_ptr<StorageCluster> cluster_;
  static protocol::BranchId branches_;
  sextant::testing::TemporaryDirectory files_;
  protocol::BranchId branch_ = 0;
};

std::shared_ptr<client::Client> MountTest::client_;
std::unique_ptr<StorageCluster> MountTest::cluster_;
protocol::BranchId MountTest::branches_ = 0;

TEST_F(MountTest, WhatWasSyncedIsThereAfterATakeover) {
  auto mount = AsWriter(1);
  EXPECT_TRUE(mount->status().empty);
  const std::string root = Path("writer");
  const std::string big(3'000'000, 'b');
  {
    ASSERT_EQ(mkdir((root + "/d").c_str(), 0700), 0);
    const Descriptor file(root + "/d/f", O_RDWR | O_CREAT | O_EXCL);
    ASSERT_GE(file.get(), 0) << std::strerror(errno);
    Put(file.get(), "hello", 0);
    Put(file.get(), "far", 100'000);
    Put(file.get(), big, 200'000);
    ASSERT_EQ(fsync(file.get()), 0) << std::strerror(errno);
    Put(file.get(), "J", 0);
    ASSERT_EQ(fdatasync(file.get()), 0);
  }
  mount.reset();  // no flush: as a process that dies

  mount = AsWriter(2);
  EXPECT_FALSE(mount->status().empty);
  EXPECT_EQ(Get(root + "/d/f", 6), std::string("Jello\0", 6));
  EXPECT_EQ(Get(root + "/d/f", 3, 100'000), "far");
  EXPECT_EQ(Get(root + "/d/f", big.size() + 10, 200'000), big);
  struct stat stat = {};
  ASSERT_EQ(::stat((root + "/d").c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode, static_cast<mode_t>(S_IFDIR | 0700));
}

TEST_F(MountTest, AnIdleFlushMakesDurableWhatAKilledProcessDidNotSync) {
  MountOptions options;
  options.dirty_age = 24h;  // nothing goes to the log by itself
  auto mount = AsWriter(1, "writer", options);
  const std::string path = Path("writer") + "/log";
  const std::string bytes(16'384 + 8192, 'w');  // ends inside a unit
  const pid_t engine = fork();
  if (engine == 0) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const bool written =
        ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    ::kill(::getpid(), written ? SIGKILL : SIGABRT);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(engine, &status, 0), engine);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_GT(mount->status().dirty_bytes, 0U) << "it was not synced";
  ASSERT_TRUE(mount->Flush(Soon(), true).has_value());
  EXPECT_EQ(mount->status().dirty_bytes, 0U);
  EXPECT_EQ(mount->status().vdl, mount->status().end);
  mount.reset();  // the node is lost
  mount = AsWriter(2);
  EXPECT_EQ(Get(path, bytes.size() + 1), bytes);
}

TEST_F(MountTest, AMountThatIsTakenAwayIsTold) {
  const auto mount = AsWriter(1);
  EXPECT_EQ(mount->status().failure, "");
  ASSERT_EQ(umount2(Path("writer").c_str(), MNT_DETACH), 0) << std::strerror(errno);
  for (const auto end = std::chrono::steady_clock::now() + 10s;
       mount->status().failure.empty() && std::chrono::steady_clock::now() < end;) {
    std::this_thread::yield();
  }
  EXPECT_EQ(mount->status().failure, "the mount is gone");
}

TEST_F(MountTest, NamesBehaveAsPosixSays) {
  auto mount = AsWriter(1);
  const std::string root = Path("writer");
  {
    const Descriptor a(root + "/a", O_RDWR | O_CREAT);
    Put(a.get(), "A", 0);
    const Descriptor b(root + "/b", O_RDWR | O_CREAT);
    Put(b.get(), "B", 0);
    EXPECT_EQ(renameat2(AT_FDCWD, (root + "/a").c_str(), AT_FDCWD, (root + "/b").c_str(),
                        RENAME_NOREPLACE),
              -1);
    EXPECT_EQ(errno, EEXIST);
    ASSERT_EQ(rename((root + "/a").c_str(), (root + "/b").c_str()), 0);
    EXPECT_EQ(Get(root + "/b", 9), "A");
    char byte = 0;
    EXPECT_EQ(pread(b.get(), &byte, 1, 0), 1) << "open, though its name is gone";
    EXPECT_EQ(byte, 'B');
  }
  ASSERT_EQ(link((root + "/b").c_str(), (root + "/c").c_str()), 0);
  struct stat stat = {};
  ASSERT_EQ(::stat((root + "/c").c_str(), &stat), 0);
  EXPECT_EQ(stat.st_nlink, 2U);
  ASSERT_EQ(unlink((root + "/b").c_str()), 0);
  EXPECT_EQ(Get(root + "/c", 9), "A");
  ASSERT_EQ(symlink("c", (root + "/s").c_str()), 0);
  EXPECT_EQ(std::filesystem::read_symlink(root + "/s"), "c");
  ASSERT_EQ(mkdir((root + "/d").c_str(), 0755), 0);
  {
    const Descriptor inside(root + "/d/x", O_RDWR | O_CREAT);
  }
  EXPECT_EQ(rmdir((root + "/d").c_str()), -1);
  EXPECT_EQ(errno, ENOTEMPTY);
  ASSERT_EQ(chmod((root + "/c").c_str(), 0600), 0);
  EXPECT_EQ(setxattr(root.c_str(), "user.x", "y", 1, 0), -1);
  EXPECT_EQ(errno, EOPNOTSUPP);
  struct statvfs room = {};
  ASSERT_EQ(statvfs(root.c_str(), &room), 0);
  EXPECT_EQ(room.f_bsize * room.f_blocks, 128ULL << 40);
  ASSERT_TRUE(mount->Unmount(Soon()).has_value());
  mount.reset();

  mount = AsWriter(2);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"c", "d", "s"}));
  ASSERT_EQ(::stat((root + "/c").c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode, static_cast<mode_t>(S_IFREG | 0600));
  EXPECT_EQ(stat.st_nlink, 1U);
}

TEST_F(MountTest, AFileThatWasCutHasZerosWhereItGrowsAgain) {
  auto mount = AsWriter(1, "writer", {.cache_memory = 0});
  const std::string path = Path("writer") + "/f";
  {
    const Descriptor file(path, O_RDWR | O_CREAT);
    Put(file.get(), std::string(100'000, 'x'), 0);
    ASSERT_EQ(fsync(file.get()), 0);
    ASSERT_EQ(ftruncate(file.get(), 10'000), 0);
    ASSERT_EQ(ftruncate(file.get(), 100'000), 0);
    ASSERT_EQ(fallocate(file.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 50), 0);
    ASSERT_EQ(posix_fallocate(file.get(), 0, 120'000), 0);
    Put(file.get(), "end", 90'000);
    ASSERT_EQ(fsync(file.get()), 0);
  }
  std::string expected = std::string(10'000, 'x') + std::string(110'000, '\0');
  expected.replace(100, 50, std::string(50, '\0'));
  expected.replace(90'000, 3, "end");
  EXPECT_EQ(Get(path, 200'000), expected);
  mount.reset();
  mount = AsWriter(2);
  EXPECT_EQ(Get(path, 200'000), expected);
  {
    const Descriptor file(path, O_RDWR | O_TRUNC);
    EXPECT_EQ(Get(path, 9), "");
    Put(file.get(), "again", 3);
    ASSERT_EQ(fsync(file.get()), 0);
  }
  mount.reset();
  mount = AsWriter(3);
  EXPECT_EQ(Get(path, 9), std::string("\0\0\0again", 8));
}

TEST_F(MountTest, AWriteThroughIsDurableWhenItReturns) {
  auto mount = AsWriter(1, "writer", {.dirty_age = 1h});
  const std::string path = Path("writer") + "/f";
  {
    const Descriptor file(path, O_RDWR | O_CREAT | O_DSYNC);
    Put(file.get(), std::string(20'000, 's'), 100);
    const Descriptor around(path, O_RDWR | O_DIRECT | O_SYNC);
    alignas(4096) static const std::array<char, 8192> page = {'d'};
    ASSERT_EQ(pwrite(around.get(), page.data(), page.size(), 8192),
              static_cast<ssize_t>(page.size()));
  }
  mount.reset();
  mount = AsWriter(2);
  EXPECT_EQ(Get(path, 30'000).size(), 20'100U);
  EXPECT_EQ(Get(path, 2, 8191), "sd");
}

TEST_F(MountTest, ANewerEpochTurnsWritesIntoErrors) {
  auto old = AsWriter(1, "old");
  const Descriptor file(Path("old") + "/f", O_RDWR | O_CREAT);
  Put(file.get(), "mine", 0);
  ASSERT_EQ(fsync(file.get()), 0);
  auto taken = AsWriter(2, "new");
  EXPECT_EQ(Get(Path("new") + "/f", 4), "mine");
  // The old writer may take a write that it does not know to be too late, but never acknowledges
  // it.
  const bool wrote = pwrite(file.get(), "late", 4, 0) == 4;
  EXPECT_EQ(wrote ? fsync(file.get()) : -1, -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_EQ(pwrite(file.get(), "late", 4, 0), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_TRUE(old->status().fenced);
  EXPECT_EQ(Get(Path("new") + "/f", 4), "mine");
}

TEST_F(MountTest, WithoutAQuorumASyncWaitsAndGoesOn) {
  auto mount = AsWriter(1);
  const Descriptor file(Path("writer") + "/f", O_RDWR | O_CREAT);
  Put(file.get(), "before", 0);
  ASSERT_EQ(fsync(file.get()), 0);
  for (std::size_t node = 0; node < 3; ++node) {
    cluster_->Pause(node);
  }
  Put(file.get(), "behind", 0);
  auto synced = std::async(std::launch::async, [&] { return fsync(file.get()); });
  const auto patience = Clock::now() + 20s;
  while (!mount->status().stalled && Clock::now() < patience) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(mount->status().stalled.has_value());
  EXPECT_EQ(synced.wait_for(0s), std::future_status::timeout);
  EXPECT_EQ(Get(Path("writer") + "/f", 6), "behind") << "reads go on";
  for (std::size_t node = 0; node < 3; ++node) {
    cluster_->Resume(node);
  }
  EXPECT_EQ(synced.get(), 0);
}

TEST_F(MountTest, AReaderSeesThePastAndKeepsItsWritesToItself) {
  auto writer = AsWriter(1);
  const std::string mine = Path("writer") + "/f";
  const Descriptor file(mine, O_RDWR | O_CREAT);
  Put(file.get(), std::string(20'000, 'o'), 0);
  ASSERT_EQ(fsync(file.get()), 0);
  const protocol::Position past{.epoch = 1, .lsn = writer->status().vdl};
  Put(file.get(), std::string(20'000, 'n'), 0);
  ASSERT_EQ(fsync(file.get()), 0);

  auto reader = AsReader(past, 64 * 8192);
  const std::string theirs = Path("reader") + "/f";
  EXPECT_EQ(Get(theirs, 30'000), std::string(20'000, 'o'));
  {
    const Descriptor overlaid(theirs, O_RDWR);
    Put(overlaid.get(), "private", 10'000);
    ASSERT_EQ(fsync(overlaid.get()), 0);
    ASSERT_EQ(ftruncate(overlaid.get(), 15'000), 0);
    const std::string page(8192, 'f');
    ssize_t written = 0;
    for (off_t at = 0; written >= 0 && at < 100; ++at) {
      written = pwrite(overlaid.get(), page.data(), page.size(), 32768 + at * 8192);
    }
    EXPECT_EQ(errno, ENOSPC);
  }
  EXPECT_EQ(Get(theirs, 7, 10'000), "private");
  EXPECT_GT(reader->status().overlay_bytes, 0U);
  EXPECT_EQ(Get(mine, 30'000), std::string(20'000, 'n'));
  ASSERT_EQ(truncate(theirs.c_str(), 0), 0);
  ASSERT_EQ(truncate(theirs.c_str(), 500'000), 0);
  EXPECT_EQ(Get(theirs, 500'000), std::string(500'000, '\0')) << "nothing comes back";
  reader.reset();
  reader = AsReader(past);
  EXPECT_EQ(Get(theirs, 30'000), std::string(20'000, 'o'));
}

TEST_F(MountTest, AHundredThousandNames) {
  constexpr int kNames = 100'000;
  auto mount = AsWriter(1);
  const std::string root = Path("writer");
  for (int name = 0; name < kNames; ++name) {
    ASSERT_EQ(mknod(std::format("{}/{:06}", root, name).c_str(), S_IFREG | 0600, 0), 0);
  }
  ASSERT_TRUE(mount->Unmount(Soon()).has_value());
  mount.reset();
  mount = AsWriter(2);
  const auto entries = std::filesystem::directory_iterator(root);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), kNames);
}

}  // namespace
}  // namespace sextant::volume
