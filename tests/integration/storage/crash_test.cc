// A process that writes is killed again and again; every group it called durable is there, and so
// is its page.
#include "tests/integration/storage/host_driver.h"
#include "tests/integration/storage/numbered_groups.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <sstream>

namespace sextant::storage {
namespace {

// The last LSN in a complete line.
Lsn LastDurable(const std::string& output) {
  const std::string lines = output.substr(0, output.rfind('\n') + 1);
  std::istringstream in(lines);
  std::string word;
  Lsn last = 0;
  while (in >> word) {
    last = word == "ready" ? last : std::stoull(word);
  }
  return last;
}

TEST(Crash, WhatWasDurableSurvivesSigkill) {
  const sextant::testing::TemporaryDirectory directory;
  const auto output = directory.Path() / "output";
  const auto data = directory.Path() / "data";
  std::mt19937_64 random(11);
  Lsn durable = 0;
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    {
      sextant::testing::ChildProcess writer({CRASH_WRITER, data.string()}, output);
      const std::size_t lines = 1 + random() % 60;
      ASSERT_TRUE(testing::Eventually([&] {
        const std::string text = sextant::testing::ReadFile(output);
        return static_cast<std::size_t>(std::ranges::count(text, '\n')) > lines ||
               !writer.IsRunning();
      }));
      writer.Signal(SIGKILL);
      ASSERT_EQ(writer.Wait(), 128 + SIGKILL) << sextant::testing::ReadFile(output);
    }
    durable = std::max(durable, LastDurable(sextant::testing::ReadFile(output)));

    const auto files = MakePosixFileSystem();
    testing::HostDriver driver(*files, testing::CrashOptions(data));
    ASSERT_FALSE(driver.open_error()) << driver.open_error()->what;
    const auto& found = driver.host().found().branches.at(0);
    EXPECT_GE(found.end, durable);
    EXPECT_TRUE(found.damaged.empty());
    Lsn at = 0;
    std::uint8_t fill = 0;
    while (at < found.end) {
      const auto read =
          driver.Do<protocol::LogRead>(protocol::ReadLog{testing::kBranch, at, 4U << 20, 1});
      ASSERT_TRUE(read);
      ASSERT_FALSE(read->groups.empty());
      for (const Group& group : read->groups) {
        ASSERT_EQ(group, testing::NumberedGroup(at));
        at = group.end();
        fill = protocol::Bytes(group.bytes().begin(), group.bytes().end()).back();
      }
    }
    const auto page =
        driver.Do<protocol::IndexRead>(protocol::ReadIndex{testing::kBranch, {1, 0}, found.end, 1});
    ASSERT_TRUE(page);
    ASSERT_FALSE(page->damaged);
    EXPECT_EQ(page->version, found.end);
    EXPECT_EQ(page->bytes[0], fill);
  }
  EXPECT_GT(durable, 0);
}

}  // namespace
}  // namespace sextant::storage
