#include "kube/runtime/watch_event.h"

#include <gtest/gtest.h>

#include <string>

namespace sextant::kube::runtime {
namespace {

// What an event's line holds, parsed as a tree, is what the event must hold.
void ExpectLikeTheTree(const std::string& line) {
  const auto event = ParseWatchEvent(line);
  ASSERT_TRUE(event.has_value()) << line;
  const Json tree = Json::parse(line);
  Json object = tree["object"];
  if (object.is_object() && object.contains("metadata") && object["metadata"].is_object()) {
    object["metadata"].erase("managedFields");
  }
  EXPECT_EQ(event->type, tree["type"].get<std::string>()) << line;
  EXPECT_EQ(Unpack(event->object), object) << line;
  EXPECT_EQ(Find(event->object.head, {"metadata"}), Find(object, {"metadata"})) << line;
}

TEST(WatchEventTest, IsTheObjectWithoutItsManagedFields) {
  const auto event = ParseWatchEvent(
      R"({"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a","managedFields":)"
      R"([{"manager":"x]\"}","fieldsV1":{"f:spec":{"k:{\"a\":1}":{}}}}],"uid":"u"},"spec":{}}})");
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->type, "ADDED");
  EXPECT_EQ(Unpack(event->object),
            Json::parse(R"({"kind":"Pod","metadata":{"name":"a","uid":"u"},"spec":{}})"));
  EXPECT_EQ(Name(event->object.head), "a");
  EXPECT_EQ(Uid(event->object.head), "u");
}

TEST(WatchEventTest, HoldsWhateverElseIsThere) {
  for (
      const char* line : {
          R"({"type":"ADDED","object":{"metadata":{"managedFields":[]}}})",
          R"({"type":"ADDED","object":{"metadata":{"managedFields":null,"name":"a"}}})",
          R"({"type":"ADDED","object":{"metadata":{"managedFields":{"a":{"b":1}},"name":"a"}}})",
          R"({"object":{"spec":{"managedFields":[1],"metadata":{"managedFields":[2]}}},"type":"X"})",
          R"({"type":"X","object":{"items":[{"metadata":{"managedFields":[1]}}],"metadata":{}}})",
          R"({"type":"X","object":{"metadata":{"labels":{"managedFields":"[1]"}}},"metadata":{}})",
          R"({"type":"X","object":{"metadata":{"a":"managedFields","b":[1]},"managedFields":[1]}})",
          R"({"managedFields":[1],"type":"X","object":{"metadata":{"name":"a"}},"more":{"x":[]}})",
          R"({"type":"X","object":{"metadata":[{"managedFields":[1]}]}})",
          R"({"type":"X","object":{"metadata":null,"spec":{"template":{"metadata":{"a":1}}}}})",
          R"({"type":"X","object":{"data":{"a":"{\"metadata\":{\"managedFields\":["}}})",
          R"({"type":"X","object":{}})",
          R"({"type":"X","object":[1]})",
          R"({"type":"X","object":null})",
          R"({"type":"ERROR","object":{"kind":"Status","code":410,"metadata":{}}})",
      }) {
    ExpectLikeTheTree(line);
  }
}

TEST(WatchEventTest, WhatIsNoEventIsNone) {
  for (const char* line :
       {"", "{}", "[]", "1", R"("type")", R"({"type":"ADDED"})", R"({"object":{}})",
        R"({"type":1,"object":{}})", R"([{"type":"ADDED","object":{}}])",
        R"({"type":"","object":{}})", R"({"type":"ADDED","object":{},"object":{}})",
        R"({"type":"ADDED","object":{}}x)", R"({"a":{"type":"ADDED","object":{}}})"}) {
    EXPECT_FALSE(ParseWatchEvent(line).has_value()) << line;
  }
}

TEST(WatchEventTest, TruncatedEventsAreNone) {
  const std::string line =
      R"({"type":"ADDED","object":{"metadata":{"managedFields":[{"a":"\\"}],"name":"a"}}})";
  for (std::size_t size = 0; size < line.size(); ++size) {
    EXPECT_FALSE(ParseWatchEvent(std::string_view(line).substr(0, size)).has_value()) << size;
  }
  EXPECT_TRUE(ParseWatchEvent(line).has_value());
}

}  // namespace
}  // namespace sextant::kube::runtime
