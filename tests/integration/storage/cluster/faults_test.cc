// Six real processes under load, while things happen to at most two of them at a time: SIGKILL,
// SIGSTOP, a full disk, damaged files, and now and then a takeover. SEXTANT_FAULT_SECONDS says for
// how long, SEXTANT_FAULT_SEED which things.
#include "tests/integration/storage/cluster/storage_cluster.h"
#include "tests/integration/storage/cluster/volume_load.h"
#include "tests/integration/storage/small_disk.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <format>
#include <iostream>
#include <thread>

namespace sextant::storage {
namespace {

using namespace std::chrono_literals;
using testing::ClusterOptions;
using testing::LoadOptions;
using testing::SmallDisk;
using testing::StorageCluster;
using testing::VolumeLoad;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kSmall = 5;  // the node on the small disk
constexpr std::size_t kAtOnce = 2;
constexpr auto kPatience = 60s;

std::uint64_t FromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

// What happens to the nodes, and when it ends.
class Trouble {
 public:
  Trouble(StorageCluster& cluster, const SmallDisk& small, std::uint64_t seed)
      : cluster_(cluster), small_(small), random_(seed) {}

  void Step() {
    Heal(false);
    if (Clock::now() < next_ || hurt_.size() >= kAtOnce) {
      return;
    }
    next_ = Clock::now() + std::chrono::milliseconds(random_() % 1000);
    const std::size_t node = random_() % cluster_.size();
    if (hurt_.contains(node)) {
      return;
    }
    const auto lasts = std::chrono::milliseconds(100 + random_() % 2500);
    switch (random_() % 4) {
      case 0:
        cluster_.Kill(node);
        Hurt(node, "killed", lasts, [this, node] { cluster_.Start(node); });
        break;
      case 1:
        cluster_.Pause(node);
        Hurt(node, "stopped", lasts, [this, node] { cluster_.Resume(node); });
        break;
      case 2:
        cluster_.Kill(node);
        Hurt(node, cluster_.Damage(node, random_()) ? "damaged" : "killed", 0ms,
             [this, node] { cluster_.Start(node); });
        break;
      default:
        if (!hurt_.contains(kSmall)) {
          small_.Fill();
          Hurt(kSmall, "full", lasts, [this] { small_.Empty(); });
        }
    }
  }

  void Heal(bool all) {
    for (auto entry = hurt_.begin(); entry != hurt_.end();) {
      if (all || entry->second.until <= Clock::now()) {
        entry->second.heal();
        entry = hurt_.erase(entry);
      } else {
        ++entry;
      }
    }
  }

  [[nodiscard]] const std::map<std::string, int>& counts() const { return counts_; }

 private:
  struct Wound {
    Clock::time_point until;
    std::function<void()> heal;
  };

  void Hurt(std::size_t node, const std::string& how, Clock::duration lasts,
            std::function<void()> heal) {
    ++counts_[how];
    hurt_[node] = {Clock::now() + lasts, std::move(heal)};
  }

  StorageCluster& cluster_;
  const SmallDisk& small_;
  std::mt19937_64 random_;
  std::map<std::size_t, Wound> hurt_;
  std::map<std::string, int> counts_;
  Clock::time_point next_ = Clock::now();
};

// Until it says that all is on so many nodes.
::testing::AssertionResult Verified(const StorageCluster& cluster, std::size_t nodes) {
  const auto deadline = Clock::now() + kPatience;
  while (true) {
    const auto result =
        cluster.Control({"--timeout", "60", "verify", "--at-least", std::to_string(nodes)});
    if (result.exit_code == 0) {
      std::cout << result.output;
      return ::testing::AssertionSuccess();
    }
    if (Clock::now() > deadline) {
      return ::testing::AssertionFailure() << result.output;
    }
    std::this_thread::sleep_for(200ms);
  }
}

TEST(StorageFaultsTest, NothingAcknowledgedIsLost) {
  const auto seconds = std::chrono::seconds(FromEnvironment("SEXTANT_FAULT_SECONDS", 20));
  const std::uint64_t seed = FromEnvironment("SEXTANT_FAULT_SEED", std::random_device{}());
  std::cout << "seed " << seed << "\n";
  const SmallDisk small;
  StorageCluster cluster(
      {.directories = {{kSmall, small.directory()}}, .more = "segment_size: 1MiB\n"});
  const auto init = cluster.Control({"init"});
  ASSERT_EQ(init.exit_code, 0) << init.output;

  const auto client = client::Client::Open(cluster.ClientOptions());
  ASSERT_TRUE(client.has_value()) << client.error().message;
  VolumeLoad load(**client, {.seed = seed});
  load.Attach(Clock::now() + kPatience);
  Trouble trouble(cluster, small, seed);
  std::mt19937_64 random(seed + 1);
  std::uint64_t takeovers = 0;
  for (const auto end = Clock::now() + seconds; Clock::now() < end;) {
    trouble.Step();
    for (int i = 0; i < 20; ++i) {
      load.Write(Clock::now() + kPatience);
    }
    load.ReadOne(Clock::now() + kPatience);
    if (random() % 200 == 0) {
      load.Detach();
      load.Attach(Clock::now() + kPatience);
      ++takeovers;
    }
  }
  // Still hurt: what was acknowledged is on four nodes, those that are down included.
  load.Drain(Clock::now() + kPatience);
  trouble.Heal(true);
  EXPECT_EQ(load.CountWrongPages(Clock::now() + kPatience), 0U);
  EXPECT_TRUE(Verified(cluster, 4));
  EXPECT_TRUE(Verified(cluster, 6)) << "after repair";

  std::cout << std::format("{} groups acknowledged, {} reads, {} takeovers, longest wait {} ms",
                           load.counts().acknowledged, load.counts().reads, takeovers,
                           load.counts().longest_wait.count() / 1000);
  for (const auto& [how, count] : trouble.counts()) {
    std::cout << std::format(", {} {}", count, how);
  }
  std::cout << "\n";
}

TEST(StorageFaultsTest, WritesGoOnWithTwoDownAndWaitWithThree) {
  StorageCluster cluster;
  ASSERT_EQ(cluster.Control({"init"}).exit_code, 0);
  const auto client = client::Client::Open(cluster.ClientOptions());
  ASSERT_TRUE(client.has_value());
  VolumeLoad load(**client, {.seed = 1, .pages = 100});
  load.Attach(Clock::now() + kPatience);
  cluster.Kill(0);
  cluster.Kill(1);  // a whole zone
  load.Write(Clock::now() + kPatience);
  load.Drain(Clock::now() + kPatience);

  cluster.Kill(2);
  load.Write(Clock::now() + kPatience);
  const auto waited = load.writer().WaitDurable(load.writer().end(), Clock::now() + 500ms);
  ASSERT_FALSE(waited.has_value());
  EXPECT_EQ(waited.error().code, client::ErrorCode::kTimeout);
  EXPECT_GE(load.writer().stalled().value_or(protocol::Time(0)), protocol::Time(400ms));
  EXPECT_EQ(load.CountWrongPages(Clock::now() + kPatience), 0U) << "reads need no quorum";

  cluster.Start(1);
  load.Drain(Clock::now() + kPatience);
  EXPECT_FALSE(load.writer().stalled().has_value());
  EXPECT_EQ(load.CountWrongPages(Clock::now() + kPatience), 0U);
}

TEST(StorageFaultsTest, FullDisksMakeTheWriterWaitAndItSaysSo) {
  const SmallDisk small;
  StorageCluster cluster({.directories = {{3, small.directory() / "3"},
                                          {4, small.directory() / "4"},
                                          {5, small.directory() / "5"}},
                          .more = "segment_size: 1MiB\n"});
  ASSERT_EQ(cluster.Control({"init"}).exit_code, 0);
  const auto client = client::Client::Open(cluster.ClientOptions());
  ASSERT_TRUE(client.has_value());
  const auto writer = (*client)->Attach({.id = 1}, 1, Clock::now() + kPatience);
  ASSERT_TRUE(writer.has_value());
  small.Fill();
  const std::vector<protocol::Record> records = {
      protocol::PagePatch{.page = {2, 0}, .pieces = {{0, protocol::Bytes(protocol::kPageSize)}}}};
  protocol::Lsn end = 0;
  for (const auto deadline = Clock::now() + kPatience;
       (*writer)->full_nodes() < 3 && Clock::now() < deadline;) {
    const auto appended = (*writer)->Append(records, deadline);
    ASSERT_TRUE(appended.has_value());
    end = *appended;
    (void)(*writer)->WaitDurable(end, Clock::now() + 10ms);
  }
  const auto waited = (*writer)->WaitDurable(end, Clock::now() + 500ms);
  ASSERT_FALSE(waited.has_value());
  EXPECT_EQ(waited.error().message, "the deadline has passed; storage nodes with a full disk: 3");
  small.Empty();
  EXPECT_TRUE((*writer)->WaitDurable(end, Clock::now() + kPatience).has_value());
  const auto more = (*writer)->Append(records, Clock::now() + kPatience);
  ASSERT_TRUE(more.has_value());
  EXPECT_TRUE((*writer)->WaitDurable(*more, Clock::now() + kPatience).has_value());
  // Four have it already; the others follow.
  const auto deadline = Clock::now() + kPatience;
  while ((*writer)->full_nodes() > 0 && Clock::now() < deadline) {
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ((*writer)->full_nodes(), 0U);
}

// A volume under load whose node 3 gets an empty disk.
class RebuildTest : public ::testing::Test {
 protected:
  void Begin(const ClusterOptions& options, int groups) {
    cluster_.emplace(options);
    ASSERT_EQ(cluster_->Control({"init"}).exit_code, 0);
    auto client = client::Client::Open(cluster_->ClientOptions());
    ASSERT_TRUE(client.has_value());
    client_ = std::move(*client);
    load_.emplace(*client_, LoadOptions{.seed = 1});
    load_->Attach(Clock::now() + kPatience);
    for (int i = 0; i < groups; ++i) {
      load_->Write(Clock::now() + kPatience);
    }
  }

  template <class Condition>
  bool WriteUntil(const Condition& done) {
    const auto deadline = Clock::now() + kPatience;
    while (!done() && Clock::now() < deadline) {
      load_->Write(deadline);
    }
    return done();
  }

  // The empty disk joins in place of the one that is lost.
  void Replace() {
    const auto before = client_->Configuration(Clock::now() + kPatience);
    ASSERT_TRUE(before.has_value());
    cluster_->Kill(3);
    cluster_->Wipe(3);
    cluster_->Start(3);
    const auto nodes = client_->Nodes(6, Clock::now() + kPatience);
    ASSERT_TRUE(nodes.has_value());
    const auto fresh = std::ranges::find_if(
        *nodes, [&](const client::NodeInfo& node) { return !before->Contains(node.member); });
    ASSERT_NE(fresh, nodes->end());
    joint_ = *before;
    joint_.generation = before->generation + 1;
    joint_.kind = protocol::ConfigurationKind::kJoint;
    joint_.next = before->members;
    for (protocol::MemberId& id : joint_.next) {
      if (std::ranges::none_of(*nodes, [&](const auto& node) { return node.member == id; })) {
        id = fresh->member;  // for the one that is not there any more
      }
    }
    ASSERT_TRUE(client_->Configure(joint_, Clock::now() + kPatience).has_value());
    ASSERT_TRUE(
        WriteUntil([&] { return load_->writer().committed_generation() >= joint_.generation; }));
  }

  void Conclude() {
    const protocol::Configuration after{
        .generation = joint_.generation + 1, .members = joint_.next, .next = {}};
    ASSERT_TRUE(client_->Configure(after, Clock::now() + kPatience).has_value());
    ASSERT_TRUE(WriteUntil([&] {
      const auto status = cluster_->Status(3);
      return status && !(*status)["branches"].empty() &&
             (*status)["branches"][0]["repair"]["missing_bytes"] == 0 &&
             load_->writer().committed_generation() >= after.generation;
    }));
  }

  // With four of the six, the rebuilt one among them; then with all.
  void Judge() {
    cluster_->Kill(0);
    cluster_->Kill(1);
    load_->Write(Clock::now() + kPatience);
    load_->Drain(Clock::now() + kPatience);
    cluster_->Start(0);
    cluster_->Start(1);
    EXPECT_EQ(load_->CountWrongPages(Clock::now() + kPatience), 0U);
    EXPECT_TRUE(Verified(*cluster_, 6));
    EXPECT_LT(load_->counts().longest_wait, protocol::Time(5s)) << "writes never stopped";
    std::cout << std::format("{} groups acknowledged, longest wait {} ms\n",
                             load_->counts().acknowledged,
                             load_->counts().longest_wait.count() / 1000);
  }

  [[nodiscard]] std::uint64_t LogStart(std::size_t node) const {
    const auto status = cluster_->Status(node);
    return !status || (*status)["branches"].empty()
               ? 0
               : (*status)["branches"][0]["start"].get<std::uint64_t>();
  }

  std::optional<StorageCluster> cluster_;
  std::unique_ptr<client::Client> client_;
  std::optional<VolumeLoad> load_;
  protocol::Configuration joint_;
};

TEST_F(RebuildTest, ByGroupsWhileWritesGoOn) {
  Begin({}, 2000);
  Replace();
  Conclude();
  Judge();
}

TEST_F(RebuildTest, ByAnIndexWhenTheBeginningOfTheLogsHasGone) {
  Begin({.more = "segment_size: 256KiB\nlimits: {table_log: 1MiB}\n"
                 "retention: {trim_after: 1MiB, compact_after: 1MiB}\n"},
        2000);
  ASSERT_TRUE(WriteUntil([&] {
    load_->writer().RetainFrom(load_->writer().vdl());
    return LogStart(0) > 0 && LogStart(1) > 0 && LogStart(2) > 0 && LogStart(4) > 0 &&
           LogStart(5) > 0;
  }));
  load_->Attach(Clock::now() + kPatience);  // a writer that has not the beginning in memory
  Replace();
  std::optional<int> ended;
  ASSERT_TRUE(WriteUntil([&] {
    ended = ended ? ended : cluster_->Ended(3);
    return ended.has_value();
  })) << cluster_->Output(3);
  EXPECT_EQ(*ended, 3) << "a snapshot waits to be installed";
  cluster_->Start(3);
  EXPECT_GT(LogStart(3), 0U);
  Conclude();
  Judge();
}

}  // namespace
}  // namespace sextant::storage
