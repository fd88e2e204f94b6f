#include "operator/observe/health.h"

#include <gtest/gtest.h>

namespace sextant::op {
namespace {

TEST(HealthTest, ReadsAnAgent) {
  const auto status = ParseAgentStatus(R"({
    "instance": "db-1", "version": "0.1.0",
    "order": {"id": 7, "role": "writer", "branch": 1, "epoch": 3},
    "engine": {"state": "running", "role": "writer", "accepting": true, "lag_bytes": null},
    "volume": {"state": "attached", "mode": "writer", "epoch": 3, "stalled_ms": null},
    "progress": {"step": "serve", "error": null}})");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->order, (Order{.id = 7, .role = "writer", .branch = 1, .epoch = 3}));
  EXPECT_TRUE(status->accepting);
  EXPECT_EQ(status->volume_state, "attached");
  EXPECT_FALSE(status->lag_bytes.has_value());
}

TEST(HealthTest, AnAgentThatWasNeverOrderedHasNoRole) {
  const auto status = ParseAgentStatus(R"({"instance": "db-1", "order": null})");
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(status->order.role.empty());
}

TEST(HealthTest, ReadsAStorageNode) {
  const auto status = ParseStorageStatus(R"({
    "member": "00000000000000000000000000000001", "state": "ready",
    "disk": {"full": true, "used_bytes": 5},
    "configuration": {"generation": 1, "kind": "stable", "members": ["x"], "next": []},
    "branches": [{"branch": 2, "scl": 9},
                 {"branch": 1, "epoch_promised": 4, "history_epoch": 3, "scl": 100, "vdl": 90,
                  "writer": {"heard_ms_ago": 12}, "repair": {"missing_bytes": 10},
                  "pins": [{"pin": "kept", "lease_ms": 0}, {"pin": "leased", "lease_ms": 9},
                           {"pin": "dropped", "lease_ms": -1}],
                  "forks": [{"branch": 2, "lsn": 50}]}]})",
                                         1);
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->epoch_promised, 4);
  EXPECT_EQ(status->scl, 100);
  EXPECT_EQ(status->missing_bytes, 10);
  EXPECT_EQ(status->writer_heard_ms, 12);
  EXPECT_TRUE(status->disk_full);
  ASSERT_EQ(status->branches.size(), 2U);
  EXPECT_EQ(status->branches[1].pins, std::vector<std::string>{"kept"});
  EXPECT_EQ(status->branches[1].forks, std::vector<std::int64_t>{2});
}

TEST(HealthTest, WhatIsNoAnswerIsAnError) {
  EXPECT_FALSE(ParseAgentStatus("[]").has_value());
  EXPECT_FALSE(ParseAgentStatus("{").has_value());
  EXPECT_FALSE(ParseStorageStatus("{}", 1).has_value());
}

}  // namespace
}  // namespace sextant::op
