#include "sextant/kube/runtime/rate_limiter.h"

#include <gtest/gtest.h>

namespace sextant::kube::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Key kKey{"default", "a"};
const Key kOther{"default", "b"};
constexpr TimePoint kStart{std::chrono::hours(1000)};

TEST(RetryLimiterTest, DelayDoublesUpToTheBound) {
  RetryLimiter limiter({.base_delay = milliseconds(5), .max_delay = milliseconds(30)});
  EXPECT_EQ(limiter.Next(kKey, kStart), milliseconds(5));
  EXPECT_EQ(limiter.Next(kKey, kStart), milliseconds(10));
  EXPECT_EQ(limiter.Next(kKey, kStart), milliseconds(20));
  EXPECT_EQ(limiter.Next(kKey, kStart), milliseconds(30));
  EXPECT_EQ(limiter.Next(kKey, kStart), milliseconds(30));
  EXPECT_EQ(limiter.Failures(kKey), 5);
}

TEST(RetryLimiterTest, ItemsFailOnTheirOwn) {
  RetryLimiter limiter({.base_delay = milliseconds(5)});
  (void)limiter.Next(kKey, kStart);
  (void)limiter.Next(kKey, kStart);
  EXPECT_EQ(limiter.Next(kOther, kStart), milliseconds(5));
}

TEST(RetryLimiterTest, ForgottenItemBeginsAgain) {
  RetryLimiter limiter({.base_delay = milliseconds(5)});
  (void)limiter.Next(kKey, kStart);
  limiter.Forget(kKey);
  EXPECT_EQ(limiter.Failures(kKey), 0);
  EXPECT_EQ(limiter.Next(kKey, kStart), milliseconds(5));
}

TEST(RetryLimiterTest, DelayStaysBoundedAfterAThousandFailures) {
  RetryLimiter limiter({.max_delay = seconds(30), .per_second = 1e9, .burst = 1e9});
  Duration delay{};
  for (int i = 0; i < 1000; ++i) delay = limiter.Next(kKey, kStart);
  EXPECT_EQ(delay, seconds(30));
}

TEST(RetryLimiterTest, AllItemsShareTheBucketOnceItsBurstIsUsedUp) {
  RetryLimiter limiter({.base_delay = milliseconds(1), .per_second = 10, .burst = 2});
  EXPECT_EQ(limiter.Next({"default", "1"}, kStart), milliseconds(1));
  EXPECT_EQ(limiter.Next({"default", "2"}, kStart), milliseconds(1));
  EXPECT_EQ(limiter.Next({"default", "3"}, kStart), milliseconds(100));
  EXPECT_EQ(limiter.Next({"default", "4"}, kStart), milliseconds(200));
  // A second later ten tokens have come, of which two were promised and two fit.
  EXPECT_EQ(limiter.Next({"default", "5"}, kStart + seconds(1)), milliseconds(1));
  EXPECT_EQ(limiter.Next({"default", "6"}, kStart + seconds(1)), milliseconds(1));
  EXPECT_EQ(limiter.Next({"default", "7"}, kStart + seconds(1)), milliseconds(100));
}

}  // namespace
}  // namespace sextant::kube::runtime
