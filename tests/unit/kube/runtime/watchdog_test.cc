#include "kube/runtime/watchdog.h"

#include "tests/unit/kube/runtime/await.h"
#include "tests/unit/kube/runtime/fake_clock.h"
#include "tests/unit/kube/runtime/mocked_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace sextant::kube::runtime {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;

class WatchdogTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  Journal journal_;
  std::stop_source owner_;
  Watchdog watchdog_{clock_, seconds(10), [this](const Key& key) { journal_.Write(key.name); }};
};

TEST_F(WatchdogTest, WorkIsAskedToEndWhenItsOwnTimeIsUp) {
  const Watchdog::Guard first(watchdog_, {"", "first"}, owner_.get_token());
  clock_.AwaitSleeper();
  clock_.Advance(seconds(5));
  const Watchdog::Guard second(watchdog_, {"", "second"}, owner_.get_token());
  EXPECT_FALSE(first.Token().stop_requested());
  clock_.Advance(seconds(5));
  WaitForStop(first.Token());
  EXPECT_THAT(journal_.Await(1), ElementsAre("first"));
  EXPECT_FALSE(second.Token().stop_requested());
  clock_.AwaitSleeper();
  clock_.Advance(seconds(5));
  WaitForStop(second.Token());
  EXPECT_THAT(journal_.Await(2), ElementsAre("first", "second"));
}

TEST_F(WatchdogTest, WorkThatEndedInTimeIsNotLate) {
  std::optional<Watchdog::Guard> quick;
  quick.emplace(watchdog_, Key{"", "quick"}, owner_.get_token());
  clock_.AwaitSleeper();
  quick.reset();
  clock_.Advance(seconds(9));
  const Watchdog::Guard slow(watchdog_, {"", "slow"}, owner_.get_token());
  clock_.Advance(seconds(1));  // the quick one's time is up
  clock_.AwaitSleeper();       // for the slow one
  clock_.Advance(seconds(9));
  WaitForStop(slow.Token());
  EXPECT_THAT(journal_.Await(1), ElementsAre("slow"));
}

TEST_F(WatchdogTest, OwnersStopIsPassedOn) {
  const Watchdog::Guard work(watchdog_, {"", "work"}, owner_.get_token());
  EXPECT_FALSE(work.Token().stop_requested());
  owner_.request_stop();
  EXPECT_TRUE(work.Token().stop_requested());
}

}  // namespace
}  // namespace sextant::kube::runtime
