// When the client waits, asks again, or gives up.
#include "sextant/kube/client.h"
#include "tests/support/mock_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sextant::kube {
namespace {

using std::chrono::seconds;
using ::testing::InSequence;
using testing::ManualClock;
using ::testing::Return;
using ::testing::StrictMock;

const Response kOk{.status = 200, .body = "{}"};

Response Later(int status, const char* wait) {
  return {.status = status, .headers = {{"retry-after", wait}}};
}

class ClientRetryTest : public ::testing::Test {
 protected:
  using Mock = StrictMock<testing::MockTransport>;

  std::unique_ptr<Client> Make(ClientOptions options = {}) {
    auto transport = std::make_unique<Mock>();
    transport_ = transport.get();
    return std::make_unique<Client>(std::move(transport), std::move(options), clock_);
  }
  [[nodiscard]] auto Elapsed() const { return clock_->Now() - begin_; }

  const std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>();
  const std::chrono::steady_clock::time_point begin_ = clock_->Now();
  Mock* transport_ = nullptr;
  const ObjectRef pod_{resources::Pods(), "shop", "p"};
};

TEST_F(ClientRetryTest, AsksAgainWhenTheServerSaysWhen) {
  const auto client = Make();
  const InSequence order;
  EXPECT_CALL(*transport_, Send).WillOnce(Return(Later(429, "2")));
  EXPECT_CALL(*transport_, Send).WillOnce(Return(Later(503, "3")));
  EXPECT_CALL(*transport_, Send).WillOnce(Return(kOk));
  EXPECT_TRUE(client->Get(pod_));
  EXPECT_EQ(Elapsed(), seconds(5));
}

TEST_F(ClientRetryTest, WritesThatMayBeRepeatedAre) {
  const auto client = Make();
  EXPECT_CALL(*transport_, Send).WillOnce(Return(Later(429, "1"))).WillOnce(Return(kOk));
  EXPECT_TRUE(client->Apply(pod_.resource, NewObject(pod_)));
}

TEST_F(ClientRetryTest, PostAndJsonPatchAreNot) {
  const auto client = Make();
  EXPECT_CALL(*transport_, Send).Times(2).WillRepeatedly(Return(Later(429, "2")));
  const auto created = client->Create(pod_.resource, NewObject(pod_));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, ErrorCode::kThrottled);
  EXPECT_EQ(created.error().retry_after, seconds(2));
  EXPECT_FALSE(client->Patch(pod_, JsonPatch(Json::array())));
  EXPECT_EQ(Elapsed(), seconds(0));
}

TEST_F(ClientRetryTest, NothingElseIsRepeated) {
  const auto client = Make();
  EXPECT_CALL(*transport_, Send).WillOnce(Return(Response{.status = 500}));
  EXPECT_EQ(client->Get(pod_).error().code, ErrorCode::kServer);
  EXPECT_CALL(*transport_, Send)
      .WillOnce(Return(std::unexpected(Error{.code = ErrorCode::kUnavailable})));
  EXPECT_EQ(client->Get(pod_).error().code, ErrorCode::kUnavailable);
}

TEST_F(ClientRetryTest, GivesUpAfterTheLastAttempt) {
  const auto client = Make({.max_attempts = 3});
  EXPECT_CALL(*transport_, Send).Times(3).WillRepeatedly(Return(Later(429, "1")));
  EXPECT_EQ(client->Get(pod_).error().code, ErrorCode::kThrottled);
  EXPECT_EQ(Elapsed(), seconds(2));
}

TEST_F(ClientRetryTest, DoesNotWaitPastTheDeadline) {
  const auto client = Make();
  EXPECT_CALL(*transport_, Send).WillOnce(Return(Later(429, "60")));
  const auto got = client->Get(pod_, {.timeout = seconds(10)});
  EXPECT_EQ(got.error().retry_after, seconds(60));
  EXPECT_EQ(Elapsed(), seconds(0));
}

TEST_F(ClientRetryTest, EveryCallHasADeadline) {
  const auto client = Make({.timeout = seconds(7)});
  EXPECT_CALL(*transport_, Send)
      .WillOnce([this](const Request&, Deadline deadline, const std::stop_token&) {
        EXPECT_EQ(deadline - begin_, seconds(7));
        return kOk;
      })
      .WillOnce([this](const Request&, Deadline deadline, const std::stop_token&) {
        EXPECT_EQ(deadline - begin_, seconds(2));
        return kOk;
      });
  EXPECT_TRUE(client->Get(pod_));
  EXPECT_TRUE(client->Get(pod_, {.timeout = seconds(2)}));
}

TEST_F(ClientRetryTest, StopEndsTheWait) {
  const auto client = Make();
  std::stop_source source;
  EXPECT_CALL(*transport_, Send)
      .WillOnce([&source](const Request&, Deadline, const std::stop_token&) {
        source.request_stop();
        return Later(429, "1");
      });
  EXPECT_EQ(client->Get(pod_, {.stop = source.get_token()}).error().code, ErrorCode::kCancelled);
}

TEST_F(ClientRetryTest, RateLimitSpreadsCalls) {
  const auto client = Make({.requests_per_second = 10, .burst = 2});
  EXPECT_CALL(*transport_, Send).Times(12).WillRepeatedly(Return(kOk));
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(client->Get(pod_));
  EXPECT_EQ(Elapsed(), seconds(1));
}

TEST_F(ClientRetryTest, RateLimitBeyondTheDeadlineIsATimeout) {
  const auto client = Make({.requests_per_second = 0.1, .burst = 1});
  EXPECT_CALL(*transport_, Send).WillOnce(Return(kOk));
  EXPECT_TRUE(client->Get(pod_));
  EXPECT_EQ(client->Get(pod_, {.timeout = seconds(5)}).error().code, ErrorCode::kTimeout);
}

TEST_F(ClientRetryTest, EveryExchangeIsReported) {
  std::vector<std::string> calls;
  const auto client = Make({.on_call = [&calls](const CallRecord& record) {
    calls.push_back(std::string(record.verb) + " " + std::string(record.resource) + " " +
                    std::to_string(record.status));
  }});
  EXPECT_CALL(*transport_, Send)
      .WillOnce(Return(Later(429, "1")))
      .WillOnce(Return(kOk))
      .WillOnce(Return(std::unexpected(Error{.code = ErrorCode::kUnavailable})));
  EXPECT_TRUE(client->Get(pod_));
  EXPECT_FALSE(client->Delete(pod_));
  EXPECT_EQ(calls, (std::vector<std::string>{"get pods 429", "get pods 200", "delete pods 0"}));
}

}  // namespace
}  // namespace sextant::kube
