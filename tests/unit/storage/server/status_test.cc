#include "storage/server/status.h"

#include "storage/server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sextant::storage::server {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

const SteadyTime kNow{std::chrono::hours(1)};

Snapshot MakeSnapshot() {
  BranchSnapshot branch{
      .branch = {.id = 7, .parent = 3, .fork = 100},
      .promise = {.epoch = 5, .writer = {1, 2}},
      .history = protocol::History({{.epoch = 4, .first = 100}}),
      .scl = 1000,
      .vdl = 900,
      .end = 1100,
      .horizon = 200,
      .pins = {{{8, 9}, {.lsn = 300, .lease = std::chrono::seconds(30)}}},
      .forks = {{9, 400}},
      .damaged = {{.first = 500, .end = 600}},
      .index = {.ingested = 950, .flushed = 800, .log_bytes_in_memory = 150, .pages_in_memory = 3},
      .peers = {{{5, 5}, {.scl = 1500, .vdl = 1400, .heard = kNow}}},
      .writer_heard = kNow - milliseconds(1500),
      .refusing = Refusing::kDiskFull};
  Snapshot snapshot{.taken = kNow - milliseconds(100),
                    .member = {3, 4},
                    .configuration = {},
                    .branches = {branch},
                    .connections = {{.hello = {.kind = net::PartyKind::kClient, .uuid = {1, 2}},
                                     .common_name = "writer",
                                     .address = "10.0.0.1:9",
                                     .queued_bytes = 17}},
                    .counters = {.groups_received = 10, .groups_refused = {4, 0, 1}},
                    .disk_full = true,
                    .stopping = false,
                    .broken = false,
                    .failure = {},
                    .certificate_expiry = {},
                    .certificate_error = {}};
  snapshot.configuration.generation = 6;
  snapshot.configuration.members = {{3, 4}};
  return snapshot;
}

TEST(Status, SaysHowEachBranchStands) {
  Config config;
  config.zone = "a";
  DiskUsage usage;
  usage.logs[7] = 4096;
  usage.index = 100;
  const auto status = MakeStatus(MakeSnapshot(), usage, config, kNow);
  EXPECT_EQ(status["state"], "ready");
  EXPECT_EQ(status["zone"], "a");
  EXPECT_EQ(status["age_ms"], 100);
  EXPECT_EQ(status["disk"]["full"], true);
  EXPECT_EQ(status["disk"]["used_bytes"], 4196);
  EXPECT_EQ(status["configuration"]["generation"], 6);
  EXPECT_EQ(status["connections"][0]["queued_bytes"], 17);
  const auto& branch = status["branches"][0];
  EXPECT_EQ(branch["epoch_promised"], 5);
  EXPECT_EQ(branch["history_epoch"], 4);
  EXPECT_EQ(branch["scl"], 1000);
  EXPECT_EQ(branch["writer"]["heard_ms_ago"], 1500);
  EXPECT_EQ(branch["takes_groups"], false);
  EXPECT_EQ(branch["refuses_because"], "disk_full");
  EXPECT_EQ(branch["repair"]["missing_bytes"], 400) << "a peer knows of 1400 durable bytes";
  EXPECT_EQ(branch["repair"]["damaged_bytes"], 100);
  EXPECT_EQ(branch["pins"][0]["lease_ms"], 30'000);
  EXPECT_EQ(branch["index"]["flushed"], 800);
  EXPECT_EQ(branch["log_bytes_on_disk"], 4096);
}

TEST(Status, SaysWhyItIsNotReady) {
  Snapshot snapshot = MakeSnapshot();
  EXPECT_EQ(StateOf(snapshot, kNow), "ready") << "a full disk still serves";
  EXPECT_EQ(StateOf(snapshot, kNow + std::chrono::seconds(6)), "stuck");
  snapshot.stopping = true;
  EXPECT_EQ(StateOf(snapshot, kNow), "stopping");
  snapshot.broken = true;
  EXPECT_EQ(StateOf(snapshot, kNow), "broken");
  snapshot.failure = "fsync: Input/output error";
  EXPECT_EQ(StateOf(snapshot, kNow), "disk_failed");
}

TEST(Metrics, HaveOneFamilyOfEachName) {
  Snapshot snapshot = MakeSnapshot();
  snapshot.branches.push_back(snapshot.branches[0]);
  snapshot.branches[1].branch.id = 8;
  snapshot.branches[1].writer_heard.reset();
  net::Traffic traffic;
  traffic.frames_dropped = 3;
  const std::string text = MakeMetrics(snapshot, {}, traffic, kNow);
  EXPECT_THAT(text, HasSubstr("sextant_storage_scl_bytes{branch=\"7\"} 1000\n"));
  EXPECT_THAT(text, HasSubstr("sextant_storage_scl_bytes{branch=\"8\"} 1000\n"));
  EXPECT_THAT(text, HasSubstr("sextant_storage_writer_silence_seconds{branch=\"7\"} 1.5\n"));
  EXPECT_THAT(text, Not(HasSubstr("sextant_storage_writer_silence_seconds{branch=\"8\"}")));
  EXPECT_THAT(text, HasSubstr("sextant_storage_groups_refused_total{reason=\"disk_full\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("sextant_storage_disk_full 1\n"));
  EXPECT_THAT(text, HasSubstr("sextant_storage_frames_dropped_total 3\n"));
  const std::string type = "# TYPE sextant_storage_scl_bytes gauge\n";
  const auto first = text.find(type);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text.find(type, first + 1), std::string::npos);
}

}  // namespace
}  // namespace sextant::storage::server
