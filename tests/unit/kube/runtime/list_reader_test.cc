#include "kube/runtime/list_reader.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace sextant::kube::runtime {
namespace {

struct List {
  std::vector<Json> items;
  std::vector<Json> heads;
  std::string resource_version;
  std::string continue_token;
};

// Reads the text in pieces of this size; nothing when it is no list.
std::optional<List> Read(const std::string& text, std::size_t piece_size) {
  List list;
  ListReader reader([&list](const PackedObject& item) {
    list.items.push_back(Unpack(item));
    list.heads.push_back(item.head);
  });
  for (std::size_t at = 0; at < text.size(); at += piece_size) {
    if (!reader.Read(std::string_view(text).substr(at, piece_size))) return std::nullopt;
  }
  if (!reader.IsWhole()) return std::nullopt;
  list.resource_version = reader.ResourceVersion();
  list.continue_token = reader.ContinueToken();
  return list;
}

const std::string kPods = R"({"kind":"PodList","apiVersion":"v1",
  "metadata":{"resourceVersion":"9","continue":"more","remainingItemCount":4},
  "items":[
    {"metadata":{"name":"a","managedFields":[{"x":{"y":"z"}}],"uid":"u"},"spec":{"n":[1,{}]}},
    {"metadata":{"name":"b"},"kind":"Own","apiVersion":"x/v2","data":{"kind":"deeper"}}]}
)";

TEST(ListReaderTest, ItemsAreTheSameHoweverTheListIsCut) {
  for (std::size_t size = 1; size <= kPods.size(); ++size) {
    const auto list = Read(kPods, size);
    ASSERT_TRUE(list.has_value()) << size;
    EXPECT_EQ(list->resource_version, "9");
    EXPECT_EQ(list->continue_token, "more");
    ASSERT_EQ(list->items.size(), 2U);
    EXPECT_EQ(list->items[0], Json::parse(R"({"kind":"Pod","apiVersion":"v1",
      "metadata":{"name":"a","uid":"u"},"spec":{"n":[1,{}]}})"));
    EXPECT_EQ(list->items[1], Json::parse(R"({"kind":"Own","apiVersion":"x/v2",
      "metadata":{"name":"b"},"data":{"kind":"deeper"}})"));
    EXPECT_EQ(Uid(list->heads[0]), "u");
    EXPECT_EQ(Name(list->heads[1]), "b");
  }
}

// As custom resources come: keys in alphabetical order, so that the list's kind follows its items,
// which have their own.
TEST(ListReaderTest, KindMayFollowTheItems) {
  const auto list = Read(R"({"apiVersion":"e.dev/v1","items":[{"apiVersion":"e.dev/v1",
    "kind":"Widget","metadata":{"name":"w"}}],"kind":"WidgetList",
    "metadata":{"continue":"","resourceVersion":"12"}})",
                         7);
  ASSERT_TRUE(list.has_value());
  ASSERT_EQ(list->items.size(), 1U);
  EXPECT_EQ(Kind(list->items[0]), "Widget");
  EXPECT_EQ(list->resource_version, "12");
  EXPECT_EQ(list->continue_token, "");
}

TEST(ListReaderTest, EmptyListsAreLists) {
  for (const char* text :
       {R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[]})",
        R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":null})"}) {
    const auto list = Read(text, 10);
    ASSERT_TRUE(list.has_value()) << text;
    EXPECT_TRUE(list->items.empty());
    EXPECT_EQ(list->resource_version, "1");
  }
}

TEST(ListReaderTest, WhatIsNoListIsNone) {
  for (const char* text :
       {"", "[]", "{}", "<html>", R"({"kind":"PodList"})", R"({"items":{}})", R"({"items":"x"})",
        R"({"items":{"a":{}}})", R"({"items":[1]})", R"({"items":[[]]})", R"({"items":[null]})",
        R"({"items":[{},"x"]})", R"({"items":[]}{})", R"({"items":[],"items":[]})",
        R"({"items":[{"metadata":{"name":"a"}})"}) {
    for (const std::size_t size : {1, 5, 1000}) {
      EXPECT_FALSE(Read(text, size).has_value()) << text;
    }
  }
}

TEST(ListReaderTest, TruncatedListsAreNone) {
  const std::string text = kPods.substr(0, kPods.rfind('}') + 1);
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(Read(text.substr(0, size), 50).has_value()) << size;
  }
  EXPECT_TRUE(Read(text, 50).has_value());
}

}  // namespace
}  // namespace sextant::kube::runtime
