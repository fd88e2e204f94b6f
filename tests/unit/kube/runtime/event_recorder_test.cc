#include "sextant/kube/runtime/event_recorder.h"

#include "sextant/kube/runtime/metrics.h"
#include "tests/unit/kube/runtime/fake_clock.h"
#include "tests/unit/kube/runtime/mocked_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>

namespace sextant::kube::runtime {
namespace {

using std::chrono::seconds;
using ::testing::_;
using ::testing::HasSubstr;
using ::testing::Return;
using ::testing::StartsWith;

class EventRecorderTest : public ::testing::Test {
 protected:
  void Record(const std::string& note = "It began.") {
    recorder_.Record(ConfigMap("a", "1"), EventType::kNormal, "Started", "Start", note);
  }

  FakeClock clock_;
  Metrics metrics_{clock_};
  MockedClient mocked_;
  EventRecorder recorder_{mocked_.client,
                          {.controller = "sextant.dev/test", .instance = "pod-0", .max_waiting = 3},
                          clock_,
                          &metrics_.Events()};
};

TEST_F(EventRecorderTest, WritesAnEvent) {
  Request request;
  EXPECT_CALL(mocked_.transport, Send(_, _, _))
      .WillOnce([&](const Request& sent, Deadline, const std::stop_token&) {
        request = sent;
        return Answer(201, Json::parse(sent.body));
      });
  Record();
  ASSERT_TRUE(recorder_.Flush(seconds(20)));
  EXPECT_EQ(request.method, Method::kPost);
  EXPECT_THAT(request.target, StartsWith("/apis/events.k8s.io/v1/namespaces/default/events"));
  const Json event = Json::parse(request.body);
  EXPECT_THAT(std::string(Name(event)), StartsWith("a."));
  EXPECT_EQ(event["eventTime"], "2026-01-01T00:00:00.000000Z");
  EXPECT_EQ(event["reportingController"], "sextant.dev/test");
  EXPECT_EQ(event["reportingInstance"], "pod-0");
  EXPECT_EQ(event["type"], "Normal");
  EXPECT_EQ(event["reason"], "Started");
  EXPECT_EQ(event["action"], "Start");
  EXPECT_EQ(event["note"], "It began.");
  EXPECT_EQ(event["regarding"], (Json{{"apiVersion", "v1"},
                                      {"kind", "ConfigMap"},
                                      {"namespace", "default"},
                                      {"name", "a"},
                                      {"uid", "uid-of-a"}}));
  EXPECT_THAT(metrics_.Text(), HasSubstr("event_recorder_sent_total 1"));
}

TEST_F(EventRecorderTest, SecondTimeIsASeries) {
  ::testing::InSequence in_sequence;
  EXPECT_CALL(mocked_.transport, Send(IsRequest(Method::kPost, ""), _, _))
      .WillOnce(Return(Answer(201, Json::object())));
  Request patch;
  EXPECT_CALL(mocked_.transport, Send(IsRequest(Method::kPatch, "/events/a."), _, _))
      .WillOnce([&](const Request& sent, Deadline, const std::stop_token&) {
        patch = sent;
        return Answer(200, Json::object());
      });
  Record();
  Record();
  Record();
  ASSERT_TRUE(recorder_.Flush(seconds(20)));
  EXPECT_EQ(
      Json::parse(patch.body),
      (Json{{"series", {{"count", 2}, {"lastObservedTime", "2026-01-01T00:00:00.000000Z"}}}}));
}

TEST_F(EventRecorderTest, LongTextsAreCutBetweenCharacters) {
  Request request;
  EXPECT_CALL(mocked_.transport, Send(_, _, _))
      .WillOnce([&](const Request& sent, Deadline, const std::stop_token&) {
        request = sent;
        return Answer(201, Json::object());
      });
  std::string note(1023, 'x');
  Record(note + "ü and more");
  ASSERT_TRUE(recorder_.Flush(seconds(20)));
  EXPECT_EQ(Json::parse(request.body)["note"], note);
}

TEST_F(EventRecorderTest, NeverBlocksAndDropsWhatIsTooMuch) {
  std::latch is_stuck(1);
  EXPECT_CALL(mocked_.transport, Send(_, _, _))
      .WillRepeatedly(
          [&](const Request&, Deadline, const std::stop_token& stop) -> Result<Response> {
            is_stuck.count_down();
            WaitForStop(stop);
            return std::unexpected(Error{.code = ErrorCode::kCancelled});
          });
  Record();
  is_stuck.wait();
  for (int i = 0; i < 5; ++i) Record(std::to_string(i));
  EXPECT_THAT(metrics_.Text(), HasSubstr("event_recorder_dropped_total 2"));
  recorder_.Stop();
}

TEST_F(EventRecorderTest, TriesAgainWhileTheServerIsAway) {
  ::testing::InSequence in_sequence;
  EXPECT_CALL(mocked_.transport, Send(_, _, _))
      .WillOnce(Return(std::unexpected(Error{.code = ErrorCode::kUnavailable})));
  EXPECT_CALL(mocked_.transport, Send(_, _, _))
      .WillOnce(Return(Answer(409, {{"kind", "Status"}, {"reason", "AlreadyExists"}})));
  Record();
  clock_.AwaitSleeper();
  clock_.Advance(seconds(1));
  ASSERT_TRUE(recorder_.Flush(seconds(20)));
  EXPECT_THAT(metrics_.Text(), HasSubstr("event_recorder_sent_total 1"));
}

TEST_F(EventRecorderTest, RefusedEventIsDropped) {
  EXPECT_CALL(mocked_.transport, Send(_, _, _))
      .WillOnce(Return(Answer(403, {{"kind", "Status"}, {"reason", "Forbidden"}})));
  Record();
  ASSERT_TRUE(recorder_.Flush(seconds(20)));
  EXPECT_THAT(metrics_.Text(), HasSubstr("event_recorder_dropped_total 1"));
}

}  // namespace
}  // namespace sextant::kube::runtime
