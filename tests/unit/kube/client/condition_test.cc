#include "sextant/kube/condition.h"

#include <gtest/gtest.h>

namespace sextant::kube {
namespace {

constexpr Time kNoon{std::chrono::hours(12)};
constexpr Time kLater{std::chrono::hours(13)};

Condition Ready(ConditionStatus status, std::string message = "three of three") {
  return {.type = "Ready",
          .status = status,
          .reason = "Counted",
          .message = std::move(message),
          .observed_generation = 4};
}

TEST(ConditionTest, FirstOneIsAppended) {
  Json conditions;
  EXPECT_TRUE(SetCondition(conditions, Ready(ConditionStatus::kTrue), kNoon));
  EXPECT_EQ(conditions, Json::array({{{"type", "Ready"},
                                      {"status", "True"},
                                      {"reason", "Counted"},
                                      {"message", "three of three"},
                                      {"observedGeneration", 4},
                                      {"lastTransitionTime", "1970-01-01T12:00:00Z"}}}));
}

TEST(ConditionTest, TheSameAgainChangesNothing) {
  Json conditions;
  SetCondition(conditions, Ready(ConditionStatus::kTrue), kNoon);
  const Json before = conditions;
  EXPECT_FALSE(SetCondition(conditions, Ready(ConditionStatus::kTrue), kLater));
  EXPECT_EQ(conditions, before);
}

TEST(ConditionTest, TransitionTimeMovesWithTheStatusOnly) {
  Json conditions;
  SetCondition(conditions, Ready(ConditionStatus::kTrue), kNoon);
  EXPECT_TRUE(SetCondition(conditions, Ready(ConditionStatus::kTrue, "news"), kLater));
  EXPECT_EQ(conditions[0]["lastTransitionTime"], "1970-01-01T12:00:00Z");
  EXPECT_EQ(conditions[0]["message"], "news");
  EXPECT_TRUE(SetCondition(conditions, Ready(ConditionStatus::kFalse), kLater));
  EXPECT_EQ(conditions[0]["lastTransitionTime"], "1970-01-01T13:00:00Z");
}

TEST(ConditionTest, OthersAndUnknownFieldsStay) {
  Json conditions = Json::array({{{"type", "Degraded"}, {"status", "False"}},
                                 {{"type", "Ready"}, {"status", "True"}, {"extra", 1}}});
  SetCondition(conditions, Ready(ConditionStatus::kFalse), kNoon);
  EXPECT_EQ(conditions.size(), 2U);
  EXPECT_EQ(conditions[0], (Json{{"type", "Degraded"}, {"status", "False"}}));
  EXPECT_EQ(conditions[1]["extra"], 1);
}

TEST(ConditionTest, AbsentIsUnknown) {
  EXPECT_EQ(StatusOf(nullptr, "Ready"), ConditionStatus::kUnknown);
  EXPECT_EQ(StatusOf(Json::array({1, "x", Json::object()}), "Ready"), ConditionStatus::kUnknown);
  EXPECT_TRUE(FindCondition(Json::array(), "Ready").is_null());
  const Json conditions = Json::array({{{"type", "Ready"}, {"status", "False"}}});
  EXPECT_EQ(StatusOf(conditions, "Ready"), ConditionStatus::kFalse);
  EXPECT_EQ(ParseConditionStatus("nonsense"), ConditionStatus::kUnknown);
}

}  // namespace
}  // namespace sextant::kube
