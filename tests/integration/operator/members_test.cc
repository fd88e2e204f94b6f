// Copies that lose their disks, with six real storage processes, a writer that goes on all the
// time, and operators that die over the repair.
#include "sextant/kube/condition.h"
#include "tests/integration/operator/operator_process.h"
#include "tests/integration/operator/real_storage.h"
#include "tests/integration/storage/cluster/must.h"
#include "tests/integration/storage/cluster/volume_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>
#include <iostream>
#include <thread>

namespace sextant::op {
namespace {

using namespace std::chrono_literals;
using storage::testing::Must;
using storage::testing::StorageCluster;
using storage::testing::VolumeLoad;
using ::testing::IsSupersetOf;
using testing::OperatorProcess;
using testing::RealStorageFleet;
using Clock = std::chrono::steady_clock;
using Fate = RealStorageFleet::Fate;

constexpr auto kLong = 120s;

client::Deadline Soon() { return Clock::now() + 60s; }

// Writes until it is destroyed, a few hundred groups a second, and notes when it had to wait.
class SteadyLoad {
 public:
  explicit SteadyLoad(const StorageCluster& storage)
      : client_(Must(client::Client::Open(storage.ClientOptions()), "open")),
        load_(*client_, {.seed = 7, .pages = 500}) {
    load_.Attach(Soon());
    thread_ = std::jthread([this](const std::stop_token& stop) {
      try {
        while (!stop.stop_requested()) {
          load_.Write(Soon());
          acknowledged_ = load_.counts().acknowledged;
          std::this_thread::sleep_for(3ms);
        }
        load_.Drain(Soon());
      } catch (const std::exception& error) {
        failure_ = error.what();
      }
    });
  }

  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  // Ends it. What went wrong; empty: nothing.
  std::string Stop() {
    thread_.request_stop();
    thread_.join();
    return failure_;
  }
  [[nodiscard]] VolumeLoad& load() { return load_; }
  [[nodiscard]] client::Client& client() { return *client_; }

 private:
  std::unique_ptr<client::Client> client_;
  VolumeLoad load_;
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::string failure_;
  std::jthread thread_;
};

class MembersTest : public testing::OperatorFixture {
 protected:
  MembersTest() : fleet_(storage_) {}

  [[nodiscard]] std::unique_ptr<OperatorProcess> StartOperator() {
    return std::make_unique<OperatorProcess>(
        client_, fleet_,
        [this](std::function<void(const Key&)> changed) { fleet_.OnChange(std::move(changed)); });
  }

  // A pod that comes back with another disk.
  void LoseDisk(std::size_t node) {
    storage_.Kill(node);
    storage_.Wipe(node);
    storage_.Start(node);
  }

  [[nodiscard]] std::string MemberAt(std::size_t node) const {
    const auto status = storage_.Status(node);
    return status ? status->at("member").get<std::string>() : std::string();
  }

  [[nodiscard]] StorageNodeStatus Shown(std::size_t node) const {
    const Status status = StatusOf("db");
    return node < status.storage_nodes.size() ? status.storage_nodes[node] : StorageNodeStatus{};
  }

  // It is one of six members that are all complete, and nothing is under way.
  [[nodiscard]] bool IsReplaced(std::size_t node) const {
    const StorageNodeStatus shown = Shown(node);
    return shown.member == MemberAt(node) && shown.ready && shown.repair.empty() &&
           StatusOf("db").storage_next.empty();
  }

  [[nodiscard]] std::string ConditionText(const char* type) const {
    return std::string(
        kube::FindString(kube::FindCondition(StatusOf("db").conditions, type), {"message"}));
  }

  [[nodiscard]] std::set<std::string> EventReasons() const {
    std::set<std::string> reasons;
    const auto events = client_.ListAll(kube::resources::Events(), {.selection = {.ns = "ns"}});
    for (const kube::Json& event : events->items) {
      reasons.insert(std::string(kube::FindString(event, {"reason"})));
    }
    return reasons;
  }

  // Everything of the branch is on all six, and equal.
  [[nodiscard]] ::testing::AssertionResult Verified(const std::string& branch) const {
    std::string output;
    const auto verified = [&] {
      const auto result =
          storage_.Control({"--timeout", "60", "verify", "--branch", branch, "--at-least", "6"});
      output = result.output;
      return result.exit_code == 0;
    };
    return Eventually(verified) ? ::testing::AssertionSuccess()
                                : ::testing::AssertionFailure() << output;
  }

  StorageCluster storage_;
  RealStorageFleet fleet_;
};

TEST_F(MembersTest, LostDisksAreReplacedWhileAWriterGoesOnAndOperatorsDie) {
  auto op = StartOperator();
  Make("db", 0);
  ASSERT_TRUE(Eventually([&] { return IsWell("db", 0) && Shown(0).ready; })) << Get("db").dump(2);
  SteadyLoad writer(storage_);
  ASSERT_TRUE(Eventually([&] { return writer.acknowledged() > 200; }));
  // A branch that nobody writes, and a snapshot.
  const protocol::Lsn fork = writer.load().writer().vdl();
  Must(writer.client().MakeBranch({.id = 2, .parent = 1, .fork = fork}, Soon()), "branch");
  const auto pin = Must(writer.client().SetPin(1, fork, protocol::Time(0), Soon()), "pin");

  const std::string lost = MemberAt(3);
  op.reset();
  fleet_.SetFate(Fate::kNeverSent);
  LoseDisk(3);
  ASSERT_NE(MemberAt(3), lost);
  op = StartOperator();
  ASSERT_TRUE(Eventually([&] { return !StatusOf("db").storage_next.empty(); }))
      << Get("db").dump(2);
  EXPECT_EQ(Shown(3).member, lost);
  EXPECT_EQ(Shown(3).new_member, MemberAt(3));
  EXPECT_EQ(Shown(3).repair, "Joining");
  EXPECT_THAT(ConditionText("Degraded"), ::testing::HasSubstr("its disk was lost"));

  op.reset();  // decided, and nobody was told
  fleet_.SetFate(Fate::kReachesOneNode);
  op = StartOperator();
  ASSERT_TRUE(Eventually([&] {
    const auto node = storage_.Status(0);
    return node && node->at("configuration").at("kind") == "joint";
  }));
  op.reset();  // one node was told; its gossip may bring it to the others
  fleet_.SetFate(Fate::kDone);
  op = StartOperator();
  ASSERT_TRUE(Eventually([&] { return StatusOf("db").storage_marked; })) << Get("db").dump(2);
  op.reset();
  const std::uint64_t before = writer.acknowledged();
  ASSERT_TRUE(Eventually([&] { return writer.acknowledged() > before + 100; }))
      << "writes go on between the two steps, without an operator";
  op = StartOperator();
  ASSERT_TRUE(Eventually([&] { return IsReplaced(3); }, kLong)) << Get("db").dump(2);
  ASSERT_TRUE(Eventually([&] { return ConditionText("Degraded").empty(); }));

  // Two at once, one after the other.
  LoseDisk(0);
  LoseDisk(4);
  ASSERT_TRUE(Eventually([&] { return IsReplaced(0) && IsReplaced(4); }, kLong))
      << Get("db").dump(2);
  EXPECT_EQ(StatusOf("db").storage_generation, 7) << "two steps for each";

  const std::uint64_t after = writer.acknowledged();
  ASSERT_TRUE(Eventually([&] { return writer.acknowledged() > after + 100; }));
  EXPECT_EQ(writer.Stop(), "");
  const auto& counts = writer.load().counts();
  std::cout << std::format("{} groups acknowledged, the longest wait for one {} ms\n",
                           counts.acknowledged, counts.longest_wait.count() / 1000);
  EXPECT_LT(counts.longest_wait, 10s) << "writes never stop";
  EXPECT_EQ(writer.load().CountWrongPages(Soon()), 0U);
  EXPECT_TRUE(Verified("1"));
  EXPECT_TRUE(Verified("2"));
  for (std::size_t node = 0; node < storage_.size(); ++node) {
    const auto status = storage_.Status(node);
    ASSERT_TRUE(status.has_value());
    for (const auto& branch : status->at("branches")) {
      if (branch.at("branch") == 1) {
        EXPECT_EQ(branch.at("pins").size(), 1U) << node;
        EXPECT_EQ(branch.at("forks").size(), 1U) << node;
      }
    }
  }
  const std::set<std::string> reasons{"StorageCopyLost", "StorageCopyJoined",
                                      "StorageCopyReplaced"};
  EXPECT_TRUE(Eventually([&] { return std::ranges::includes(EventReasons(), reasons); }));
}

}  // namespace
}  // namespace sextant::op
