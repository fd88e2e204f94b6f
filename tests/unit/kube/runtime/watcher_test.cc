#include "sextant/kube/runtime/watcher.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace sextant::kube::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Effect = Watcher::Effect;

const Error kGone{.code = ErrorCode::kGone, .status = 410};
const Error kRefused{.code = ErrorCode::kUnavailable};
const Error kBroken{.code = ErrorCode::kServer, .status = 500};

const WatcherOptions kPages{.stream_list = false};

// Without luck: every jittered delay is (nearly) its whole, 0.99 of it.
class WatcherTest : public ::testing::Test {
 protected:
  // The next action in words.
  std::string Next() {
    const Watcher::Action action = watcher_.Next(now_);
    if (const auto* list = std::get_if<Watcher::List>(&action)) {
      return list->continue_token.empty() ? "list" : "list " + list->continue_token;
    }
    if (const auto* watch = std::get_if<Watcher::Watch>(&action)) {
      return "watch " + watch->resource_version;
    }
    return "wait " + std::to_string(DelayOf(action).count());
  }

  milliseconds DelayOf(const Watcher::Action& action) const {
    return std::chrono::round<milliseconds>(std::get<Watcher::Wait>(action).until - now_);
  }

  // Lets the wait that is due pass.
  void WaitItOut() { now_ = std::get<Watcher::Wait>(watcher_.Next(now_)).until; }

  void List(const std::string& version) { watcher_.OnListPage(version, ""); }

  // A watch that opened now and fails after `lived`, having seen an event or not.
  void FailWatch(const Error& error, Duration lived, bool with_event) {
    watcher_.OnWatchStarted(now_);
    if (with_event) (void)watcher_.OnEvent("MODIFIED", "50");
    now_ += lived;
    watcher_.OnWatchFailed(error, now_);
  }

  TimePoint now_{std::chrono::hours(1000)};
  Watcher watcher_{kPages, [] { return 0.99; }};
};

TEST_F(WatcherTest, ListsPageByPageThenWatchesFromTheList) {
  EXPECT_EQ(Next(), "list");
  watcher_.OnListPage("7", "page-2");
  EXPECT_EQ(Next(), "list page-2");
  watcher_.OnListPage("7", "");
  EXPECT_EQ(Next(), "watch 7");
}

TEST_F(WatcherTest, ServerIsAskedToEndWatchesAtDifferentTimes) {
  List("7");
  const auto timeout = [](double random) {
    Watcher watcher(kPages, [random] { return random; });
    watcher.OnListPage("7", "");
    return std::get<Watcher::Watch>(watcher.Next(TimePoint{})).timeout;
  };
  EXPECT_EQ(timeout(0), seconds(300));
  EXPECT_EQ(timeout(0.5), seconds(450));
}

TEST_F(WatcherTest, EventsSayWhatBecameOfTheObject) {
  List("7");
  watcher_.OnWatchStarted(now_);
  EXPECT_EQ(watcher_.OnEvent("ADDED", "8"), Effect::kPut);
  EXPECT_EQ(watcher_.OnEvent("MODIFIED", "9"), Effect::kPut);
  EXPECT_EQ(watcher_.OnEvent("DELETED", "10"), Effect::kRemove);
  EXPECT_EQ(watcher_.OnEvent("BOOKMARK", "11"), Effect::kNone);
}

TEST_F(WatcherTest, NextWatchBeginsAfterTheLastEvent) {
  for (const char* type : {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}) {
    List("7");
    watcher_.OnWatchStarted(now_);
    (void)watcher_.OnEvent(type, "12");
    watcher_.OnWatchEnded(now_ + seconds(300));
    EXPECT_EQ(Next(), "watch 12") << type;
  }
}

TEST_F(WatcherTest, WatchThatEndsAtOnceWithoutAnEventIsAFailure) {
  List("7");
  watcher_.OnWatchStarted(now_);
  now_ += milliseconds(999);
  watcher_.OnWatchEnded(now_);
  EXPECT_EQ(Next(), "wait 99");
  WaitItOut();
  EXPECT_EQ(Next(), "watch 7");
  watcher_.OnWatchStarted(now_);
  watcher_.OnWatchEnded(now_);
  EXPECT_EQ(Next(), "wait 198");
}

TEST_F(WatcherTest, WatchThatEndsAtOnceWithAnEventIsNone) {
  List("7");
  watcher_.OnWatchStarted(now_);
  (void)watcher_.OnEvent("BOOKMARK", "8");
  watcher_.OnWatchEnded(now_);
  EXPECT_EQ(Next(), "watch 8");
}

TEST_F(WatcherTest, GoneOnOpeningMeansListAgain) {
  List("7");
  watcher_.OnWatchStarted(now_);
  watcher_.OnWatchFailed(kGone, now_);
  WaitItOut();
  EXPECT_EQ(Next(), "list");
}

TEST_F(WatcherTest, GoneAsAnEventMeansListAgain) {
  List("7");
  watcher_.OnWatchStarted(now_);
  EXPECT_EQ(watcher_.OnErrorEvent(kGone), Effect::kEnd);
  watcher_.OnWatchEnded(now_ + seconds(20));
  EXPECT_EQ(Next(), "list");
}

TEST_F(WatcherTest, GoneAgainAndAgainIsNoHotLoop) {
  List("7");
  milliseconds last{0};
  for (int i = 0; i < 8; ++i) {
    watcher_.OnWatchStarted(now_);
    (void)watcher_.OnErrorEvent(kGone);
    watcher_.OnWatchEnded(now_);
    const milliseconds delay = DelayOf(watcher_.Next(now_));
    EXPECT_GT(delay, last);
    last = delay;
    WaitItOut();
    EXPECT_EQ(Next(), "list");
    List("7");
  }
}

TEST_F(WatcherTest, OtherErrorEventsKeepTheCopy) {
  List("7");
  watcher_.OnWatchStarted(now_);
  EXPECT_EQ(watcher_.OnErrorEvent(kBroken), Effect::kEnd);
  watcher_.OnWatchEnded(now_ + seconds(20));
  EXPECT_EQ(Next(), "watch 7");
}

TEST_F(WatcherTest, ErrorEventIsForgottenByTheNextWatch) {
  List("7");
  watcher_.OnWatchStarted(now_);
  (void)watcher_.OnErrorEvent(kGone);
  watcher_.OnWatchEnded(now_ + seconds(20));
  List("8");
  watcher_.OnWatchStarted(now_);
  watcher_.OnWatchEnded(now_ + seconds(20));
  EXPECT_EQ(Next(), "watch 8");
}

TEST_F(WatcherTest, SilenceMeansListAgain) {
  List("7");
  FailWatch({.code = ErrorCode::kTimeout}, seconds(60), /*with_event=*/true);
  EXPECT_EQ(Next(), "list");
}

TEST_F(WatcherTest, WhatIsNoEventMeansListAgain) {
  List("7");
  for (const auto& [type, version] : {std::pair{"", "8"}, {"SURPRISE", "8"}, {"ADDED", ""}}) {
    watcher_.OnWatchStarted(now_);
    EXPECT_EQ(watcher_.OnEvent(type, version), Effect::kEnd);
    now_ += seconds(20);
    watcher_.OnWatchEnded(now_);
    EXPECT_EQ(Next(), "list") << type;
    List("7");
  }
}

TEST_F(WatcherTest, BrokenWatchThatWasWellIsOpenedAgainAtOnce) {
  List("7");
  FailWatch(kRefused, seconds(5), /*with_event=*/false);
  EXPECT_EQ(Next(), "watch 7");
}

TEST_F(WatcherTest, WatchThatBreaksAgainAndAgainIsNoHotLoop) {
  List("7");
  FailWatch(kBroken, milliseconds(10), /*with_event=*/true);
  EXPECT_EQ(Next(), "watch 50");
  FailWatch(kBroken, milliseconds(10), /*with_event=*/true);
  EXPECT_EQ(Next(), "wait 198");
  WaitItOut();
  FailWatch(kBroken, milliseconds(10), /*with_event=*/true);
  EXPECT_EQ(Next(), "wait 396");
  WaitItOut();
  // A watch that lived begins a new row.
  FailWatch(kBroken, seconds(1), /*with_event=*/true);
  EXPECT_EQ(Next(), "watch 50");
}

TEST_F(WatcherTest, DelaysDoubleUpToTheBound) {
  milliseconds last{0};
  for (int i = 0; i < 20; ++i) {
    watcher_.OnListFailed(kBroken, now_);
    last = DelayOf(watcher_.Next(now_));
    WaitItOut();
  }
  EXPECT_EQ(last, milliseconds(29700));
}

TEST_F(WatcherTest, ServerThatDoesNotAnswerIsAskedOftenAndDoesNotCountAgainstOneThatDoes) {
  watcher_.OnListFailed(kRefused, now_);
  EXPECT_EQ(Next(), "wait 10");
  WaitItOut();
  for (int i = 0; i < 20; ++i) {
    watcher_.OnListFailed(kRefused, now_);
    EXPECT_LE(DelayOf(watcher_.Next(now_)), milliseconds(990));
    WaitItOut();
  }
  watcher_.OnListFailed(kBroken, now_);
  EXPECT_EQ(Next(), "wait 99");
}

TEST_F(WatcherTest, RetryAfterIsHonoured) {
  const Error throttled{
      .code = ErrorCode::kThrottled, .status = 429, .retry_after = milliseconds(7000)};
  watcher_.OnListFailed(throttled, now_);
  EXPECT_EQ(Next(), "wait 7000");
  WaitItOut();
  List("7");
  FailWatch(throttled, seconds(60), /*with_event=*/true);
  EXPECT_EQ(Next(), "wait 7000");
}

TEST_F(WatcherTest, JitterCanMakeADelayVanish) {
  Watcher watcher(kPages, [] { return 0.0; });
  watcher.OnListFailed(kBroken, now_);
  EXPECT_TRUE(std::holds_alternative<Watcher::List>(watcher.Next(now_)));
}

TEST_F(WatcherTest, InterruptedListBeginsAgain) {
  watcher_.OnListPage("7", "page-2");
  watcher_.OnListFailed(kGone, now_);
  WaitItOut();
  EXPECT_EQ(Next(), "list");
}

TEST(StreamedListTest, BeginsTheWatchThatGoesOnAfterIt) {
  TimePoint now{std::chrono::hours(1000)};
  Watcher watcher({.stream_list = true}, [] { return 0.99; });
  EXPECT_TRUE(std::get<Watcher::Watch>(watcher.Next(now)).WithList());
  watcher.OnWatchStarted(now);
  EXPECT_EQ(watcher.OnEvent("ADDED", "3"), Effect::kCollect);
  EXPECT_EQ(watcher.OnEvent("BOOKMARK", "8"), Effect::kNone);
  EXPECT_EQ(watcher.OnEvent("BOOKMARK", "9", /*ends_list=*/true), Effect::kReplace);
  EXPECT_EQ(watcher.OnEvent("ADDED", "10"), Effect::kPut);
  EXPECT_EQ(watcher.OnEvent("DELETED", "11"), Effect::kRemove);
  watcher.OnWatchEnded(now + seconds(300));
  const auto next = std::get<Watcher::Watch>(watcher.Next(now));
  EXPECT_FALSE(next.WithList());
  EXPECT_EQ(next.resource_version, "11");
}

TEST(StreamedListTest, BeginsAgainWhenItWasCutOff) {
  TimePoint now{std::chrono::hours(1000)};
  Watcher watcher({.stream_list = true}, [] { return 0.0; });
  watcher.OnWatchStarted(now);
  EXPECT_EQ(watcher.OnEvent("ADDED", "3"), Effect::kCollect);
  watcher.OnWatchFailed(kRefused, now);
  EXPECT_TRUE(std::get<Watcher::Watch>(watcher.Next(now)).WithList());
  watcher.OnWatchStarted(now);
  EXPECT_EQ(watcher.OnEvent("ADDED", "3"), Effect::kCollect);
  watcher.OnWatchEnded(now + seconds(300));
  EXPECT_TRUE(std::get<Watcher::Watch>(watcher.Next(now)).WithList());
}

TEST(StreamedListTest, IsReadInPagesFromAServerThatDoesNotStream) {
  TimePoint now{std::chrono::hours(1000)};
  Watcher watcher({.stream_list = true}, [] { return 0.99; });
  watcher.OnWatchStarted(now);
  watcher.OnWatchFailed({.code = ErrorCode::kInvalid, .status = 422}, now);
  EXPECT_TRUE(std::holds_alternative<Watcher::List>(watcher.Next(now)));
  watcher.OnListPage("7", "");
  EXPECT_EQ(std::get<Watcher::Watch>(watcher.Next(now)).resource_version, "7");
}

TEST(StreamedListTest, IsFollowedByWhatHasHappenedUntilItsEnd) {
  Watcher watcher({.stream_list = true}, [] { return 0.99; });
  watcher.OnWatchStarted(TimePoint{});
  EXPECT_EQ(watcher.OnEvent("ADDED", "3"), Effect::kCollect);
  EXPECT_EQ(watcher.OnEvent("MODIFIED", "4"), Effect::kCollect);
  EXPECT_EQ(watcher.OnEvent("DELETED", "5"), Effect::kDiscard);
}

}  // namespace
}  // namespace sextant::kube::runtime
