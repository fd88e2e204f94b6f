#include "volume/server/command.h"

#include "volume/server/ctl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sextant::volume::server {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(std::string_view line) {
  const auto command = ParseCommand(line);
  return command ? "" : command.error().code + ": " + command.error().message;
}

TEST(Command, AttachNamesItsTarget) {
  const auto writer =
      ParseCommand(R"({"command":"attach","mode":"writer","branch":2,"epoch":7,"timeout_ms":50})");
  ASSERT_TRUE(writer) << writer.error().message;
  EXPECT_EQ(std::get<AttachCommand>(writer->what).target,
            (Target{.mode = Mode::kWriter, .branch = 2, .epoch = 7, .at = {}}));
  EXPECT_EQ(writer->timeout, std::chrono::milliseconds(50));

  const auto reader = ParseCommand(
      R"({"command":"attach","mode":"reader","branch":1,"lsn":null,"at":"1970-01-01T00:00:02Z"})");
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ(std::get<AttachCommand>(reader->what).target.at.time, 2'000'000U);
  EXPECT_EQ(reader->timeout, std::chrono::seconds(30));
}

TEST(Command, AFlushMayBeOfAnIdleMount) {
  const auto flush = ParseCommand(R"({"command":"flush"})");
  ASSERT_TRUE(flush) << flush.error().message;
  EXPECT_FALSE(std::get<FlushCommand>(flush->what).idle);
  const auto line = MakeCommandLine({"flush", "idle=true"});
  ASSERT_TRUE(line) << line.error();
  const auto idle = ParseCommand(*line);
  ASSERT_TRUE(idle) << idle.error().message;
  EXPECT_TRUE(std::get<FlushCommand>(idle->what).idle);
  EXPECT_EQ(ErrorOf(R"({"command":"flush","idle":1})"), "invalid: idle: true or false is wanted");
}

TEST(Command, BranchNamesAPoint) {
  const auto command = ParseCommand(R"({"command":"branch","id":2,"parent":1,"lsn":99})");
  ASSERT_TRUE(command) << command.error().message;
  const auto& branch = std::get<BranchCommand>(command->what);
  EXPECT_EQ(branch.id, 2U);
  EXPECT_EQ(branch.parent, 1U);
  EXPECT_EQ(branch.at.lsn, 99U);
}

TEST(Command, WhatMakesNoSenseIsInvalid) {
  EXPECT_EQ(ErrorOf("status"), "invalid: one JSON object a line is wanted");
  EXPECT_EQ(ErrorOf("[]"), "invalid: one JSON object a line is wanted");
  EXPECT_EQ(ErrorOf("{}"), "invalid: command: a string is wanted");
  EXPECT_EQ(ErrorOf(R"({"command":"go"})"), "invalid: command: there is no such command");
  EXPECT_EQ(ErrorOf(R"({"command":"flush","now":1})"), "invalid: now: there is no such key");
  EXPECT_EQ(ErrorOf(R"({"command":"attach","mode":"writer"})"),
            "invalid: epoch: a number is wanted, 1 or more");
  EXPECT_EQ(ErrorOf(R"({"command":"attach","mode":"writer","epoch":-1})"),
            "invalid: epoch: a number is wanted, 1 or more");
  EXPECT_EQ(ErrorOf(R"({"command":"attach","mode":"reader","lsn":1,"at":"1970-01-01T00:00:02Z"})"),
            "invalid: at: does not go with lsn");
  EXPECT_EQ(ErrorOf(R"({"command":"attach","mode":"reader","at":"yesterday"})"),
            "invalid: at: a time such as 2026-01-31T16:00:00Z is wanted");
}

TEST(Command, TheStateIsTold) {
  SessionStatus status{.state = State::kFenced,
                       .target = Target{.mode = Mode::kWriter, .branch = 1, .epoch = 7, .at = {}},
                       .tree = TreeStatus{.vdl = 10, .end = 20, .cache_hits = 3, .cache_misses = 1},
                       .fenced_by = 8,
                       .error = "fenced by epoch 8"};
  const auto told = Describe(status);
  EXPECT_EQ(told["state"], "fenced");
  EXPECT_EQ(told["mode"], "writer");
  EXPECT_EQ(told["epoch"], 7);
  EXPECT_EQ(told["vdl"], 10);
  EXPECT_EQ(told["fenced_by"], 8);
  EXPECT_EQ(told["cache_hit_rate"], 0.75);
  EXPECT_TRUE(told["stalled_ms"].is_null());
  EXPECT_TRUE(told["lsn"].is_null());
  EXPECT_THAT(MakeMetrics(status), HasSubstr("sextant_volume_state{state=\"fenced\"} 1"));
  EXPECT_THAT(MakeMetrics(status), HasSubstr("sextant_volume_end_bytes{branch=\"1\""));

  const auto nothing = Describe(SessionStatus{});
  EXPECT_EQ(nothing["state"], "detached");
  EXPECT_TRUE(nothing["mode"].is_null());
  EXPECT_EQ(Failure({"fenced", "no"}).dump(),
            R"({"ok":false,"error":{"code":"fenced","message":"no"}})");
}

TEST(Ctl, WordsBecomeACommand) {
  EXPECT_EQ(MakeCommandLine({"status"}), R"({"command":"status"})");
  EXPECT_EQ(MakeCommandLine({"attach", "mode=writer", "branch=1", "epoch=7"}),
            R"({"branch":1,"command":"attach","epoch":7,"mode":"writer"})");
  EXPECT_EQ(MakeCommandLine({"attach", "mode=reader", "lsn=null"}),
            R"({"command":"attach","lsn":null,"mode":"reader"})");
  EXPECT_EQ(MakeCommandLine({R"({"command":"flush"})"}), R"({"command":"flush"})");
  EXPECT_FALSE(MakeCommandLine({"attach", "writer"}));
}

}  // namespace
}  // namespace sextant::volume::server
