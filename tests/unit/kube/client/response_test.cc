#include "kube/client/response.h"

#include <gtest/gtest.h>

namespace sextant::kube {
namespace {

TEST(ResponseTest, HeaderSaysWhenToComeBack) {
  const Response response{
      .status = 503,
      .headers = {{"retry-after", "7"}},
      .body = R"({"kind":"Status","code":503,"details":{"retryAfterSeconds":3}})"};
  EXPECT_EQ(ErrorOf(response).retry_after, std::chrono::seconds(7));
  for (const char* text : {"soon", "-1", "", "1e9", "99999999999"}) {
    EXPECT_EQ(ErrorOf({.status = 503, .headers = {{"retry-after", text}}}).retry_after,
              std::nullopt)
        << text;
  }
}

TEST(ResponseTest, OnlyAnObjectIsAnObject) {
  EXPECT_TRUE(ParseObject({.status = 200, .body = "{}"}));
  for (const char* body : {"", "[]", "{", "<html>", "{}{}", "\"\xff\"", "null"}) {
    const auto object = ParseObject({.status = 200, .body = body});
    ASSERT_FALSE(object) << body;
    EXPECT_EQ(object.error().code, ErrorCode::kMalformed);
  }
}

TEST(ResponseTest, ItemsGetTheKindOfTheirList) {
  const auto list = ParseList(Json::parse(R"({
    "apiVersion": "v1", "kind": "PodList",
    "metadata": {"resourceVersion": "9", "continue": "more"},
    "items": [{"metadata": {"name": "a"}}, {"apiVersion": "x/v2", "kind": "Own"}]})"));
  ASSERT_TRUE(list);
  EXPECT_EQ(list->resource_version, "9");
  EXPECT_EQ(list->continue_token, "more");
  ASSERT_EQ(list->items.size(), 2U);
  EXPECT_EQ(Kind(list->items[0]), "Pod");
  EXPECT_EQ(ApiVersion(list->items[0]), "v1");
  EXPECT_EQ(Kind(list->items[1]), "Own");
  EXPECT_EQ(ApiVersion(list->items[1]), "x/v2");
}

TEST(ResponseTest, WhatIsNoListIsMalformed) {
  EXPECT_TRUE(ParseList(Json::parse(R"({"kind":"PodList","items":null})")));  // Go's empty slice
  for (const char* text : {"{}", R"({"items":{}})", R"({"items":[1]})"}) {
    const auto list = ParseList(Json::parse(text));
    ASSERT_FALSE(list) << text;
    EXPECT_EQ(list.error().code, ErrorCode::kMalformed);
  }
}

TEST(ResponseTest, TextThatIsNotUtf8CannotBeSent) {
  EXPECT_EQ(Serialize({{"a", "\xff"}}).error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(Serialize({{"a", "é"}}), R"({"a":"é"})");
}

}  // namespace
}  // namespace sextant::kube
