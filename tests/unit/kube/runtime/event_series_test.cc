#include "sextant/kube/runtime/event_series.h"

#include <gtest/gtest.h>

namespace sextant::kube::runtime {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint kStart{std::chrono::hours(1000)};

EventKey KeyOf(const std::string& name) {
  return {.kind = "Pod", .ns = "default", .name = name, .reason = "Started"};
}

TEST(EventSeriesTest, FirstIsAnEventSecondASeriesRestACount) {
  EventSeries series;
  const auto first = series.Observe(KeyOf("a"), 1, kStart);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->count, 1);
  EXPECT_EQ(first->id, 1U);
  const auto second = series.Observe(KeyOf("a"), 2, kStart + seconds(1));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->count, 2);
  EXPECT_EQ(second->id, 1U);
  EXPECT_FALSE(series.Observe(KeyOf("a"), 3, kStart + seconds(2)).has_value());
}

TEST(EventSeriesTest, AnythingDifferentIsAnotherEvent) {
  EventSeries series;
  (void)series.Observe(KeyOf("a"), 1, kStart);
  EventKey other = KeyOf("a");
  other.note = "again";
  EXPECT_EQ(series.Observe(other, 2, kStart)->count, 1);
  EXPECT_EQ(series.Observe(KeyOf("b"), 3, kStart)->count, 1);
}

TEST(EventSeriesTest, GrowingCountIsWrittenOnceAMinute) {
  EventSeries series;
  for (int i = 0; i < 10; ++i) (void)series.Observe(KeyOf("a"), 1, kStart + seconds(i));
  EXPECT_TRUE(series.TakeDue(kStart + seconds(30)).empty());
  EXPECT_EQ(series.NextDue(), kStart + seconds(1) + minutes(1));
  const auto due = series.TakeDue(kStart + seconds(61));
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].count, 10);
  EXPECT_EQ(due[0].last_seen, kStart + seconds(9));
  EXPECT_TRUE(series.TakeDue(kStart + minutes(3)).empty());
}

TEST(EventSeriesTest, LastCountIsWrittenWhenTheSeriesEnds) {
  EventSeries series({.idle = minutes(6), .refresh = minutes(30)});
  for (int i = 0; i < 5; ++i) (void)series.Observe(KeyOf("a"), 1, kStart);
  EXPECT_EQ(series.NextDue(), kStart + minutes(6));
  const auto due = series.TakeDue(kStart + minutes(6));
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].count, 5);
  EXPECT_FALSE(series.NextDue().has_value());
  EXPECT_EQ(series.Observe(KeyOf("a"), 2, kStart + minutes(7))->count, 1);
}

TEST(EventSeriesTest, EventAfterALongPauseIsNew) {
  EventSeries series;
  (void)series.Observe(KeyOf("a"), 1, kStart);
  const auto next = series.Observe(KeyOf("a"), 2, kStart + minutes(7));
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->count, 1);
  EXPECT_EQ(next->id, 2U);
}

TEST(EventSeriesTest, OnlySoManyAreRemembered) {
  EventSeries series({.max_series = 2});
  (void)series.Observe(KeyOf("a"), 1, kStart);
  (void)series.Observe(KeyOf("b"), 2, kStart + seconds(1));
  (void)series.Observe(KeyOf("c"), 3, kStart + seconds(2));
  EXPECT_EQ(series.Observe(KeyOf("b"), 4, kStart + seconds(3))->count, 2);
  EXPECT_EQ(series.Observe(KeyOf("a"), 5, kStart + seconds(4))->count, 1);
}

}  // namespace
}  // namespace sextant::kube::runtime
