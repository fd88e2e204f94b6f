#include "kube/runtime/managed_fields.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace sextant::kube::runtime {
namespace {

using nlohmann::json;

TEST(ManagedFieldsTest, GoFromTheObjectsMetadata) {
  EXPECT_EQ(WithoutManagedFields(
                R"({"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a","managedFields":)"
                R"([{"manager":"x]\"}","fieldsV1":{"f:spec":{}}}],"uid":"u"},"spec":{}}})"),
            R"({"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"a","managedFields":)"
            R"([],"uid":"u"},"spec":{}}})");
}

TEST(ManagedFieldsTest, StayAnywhereElse) {
  for (const char* event : {
           R"({"managedFields":[1],"object":{"managedFields":[2]}})",
           R"({"object":{"spec":{"managedFields":[1],"metadata":{"managedFields":[2]}}}})",
           R"({"object":{"items":[{"metadata":{"managedFields":[1]}}],"metadata":{"name":"a"}}})",
           R"({"object":{"metadata":{"labels":{"managedFields":"[1]"}}},"metadata":{}})",
           R"({"object":{"metadata":{"a":"managedFields","b":[1],"managedFields":null}}})",
       }) {
    EXPECT_EQ(WithoutManagedFields(event), event);
  }
}

TEST(ManagedFieldsTest, AreFoundBehindOtherValues) {
  const std::string event =
      json{{"object",
            {{"data", {{"a", "{\"metadata\":{\"managedFields\":["}, {"b", "\\"}}},
             {"metadata",
              {{"annotations", {{"x", "]}"}}}, {"managedFields", {1, 2}}, {"name", "n"}}}}},
           {"type", "MODIFIED"}}
          .dump();
  json expected = json::parse(event);
  expected["object"]["metadata"]["managedFields"] = json::array();
  EXPECT_EQ(json::parse(WithoutManagedFields(event)), expected);
}

// Whatever is cut off anywhere stays what it was, and so no JSON.
TEST(ManagedFieldsTest, TruncatedEventsStayTruncated) {
  const std::string event =
      R"({"type":"ADDED","object":{"metadata":{"managedFields":[{"a":"\\"}],"name":"a"}}})";
  for (std::size_t size = 0; size < event.size(); ++size) {
    EXPECT_FALSE(json::accept(WithoutManagedFields(event.substr(0, size)))) << size;
  }
  EXPECT_TRUE(json::accept(WithoutManagedFields(event)));
  for (const char* junk : {"", "]", "}}}}", "\"", "{\"", "[[[[", ":", "\\"}) {
    EXPECT_EQ(WithoutManagedFields(junk), junk);
  }
}

}  // namespace
}  // namespace sextant::kube::runtime
