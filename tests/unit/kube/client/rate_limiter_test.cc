#include "sextant/kube/rate_limiter.h"

#include "tests/support/mock_transport.h"

#include <gtest/gtest.h>

namespace sextant::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ManualClock;

class TokenBucketTest : public ::testing::Test {
 protected:
  // How long the next token takes.
  milliseconds Take() {
    const auto begin = clock_.Now();
    EXPECT_TRUE(bucket_.Take(begin + seconds(100), {}));
    return std::chrono::duration_cast<milliseconds>(clock_.Now() - begin);
  }

  ManualClock clock_;
  TokenBucket bucket_{10, 3, clock_};
};

TEST_F(TokenBucketTest, BurstThenRate) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Take(), milliseconds(0));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Take(), milliseconds(100));
}

TEST_F(TokenBucketTest, RestFillsNoMoreThanTheBurst) {
  for (int i = 0; i < 3; ++i) Take();
  clock_.Advance(seconds(1000));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Take(), milliseconds(0));
  EXPECT_EQ(Take(), milliseconds(100));
}

TEST_F(TokenBucketTest, TokenAfterTheDeadlineIsNotWaitedForNorTaken) {
  for (int i = 0; i < 3; ++i) Take();
  const auto begin = clock_.Now();
  EXPECT_FALSE(bucket_.Take(begin + milliseconds(99), {}));
  EXPECT_EQ(clock_.Now(), begin);
  EXPECT_EQ(Take(), milliseconds(100));
}

TEST_F(TokenBucketTest, StopIsObeyed) {
  std::stop_source source;
  source.request_stop();
  EXPECT_FALSE(bucket_.Take(clock_.Now() + seconds(1), source.get_token()));
}

TEST_F(TokenBucketTest, ReservedTokensLieInTheFuture) {
  const auto now = clock_.Now();
  for (int i = 0; i < 3; ++i) EXPECT_LE(bucket_.Reserve(), now);
  EXPECT_EQ(bucket_.Reserve(), now + milliseconds(100));
  EXPECT_EQ(bucket_.Reserve(), now + milliseconds(200));
}

}  // namespace
}  // namespace sextant::kube
