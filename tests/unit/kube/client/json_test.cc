#include "kube/client/json.h"

#include <gtest/gtest.h>

#include <string>

namespace sextant::kube {
namespace {

std::string Nested(const std::string& open, const std::string& close, std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  text += "1";
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

TEST(JsonTest, ReadsWhatAnotherParserReads) {
  const std::string long_text(70'000, 'x');
  for (const std::string& text : {
           std::string("{}"),
           std::string("[]"),
           std::string(R"( {"a": [1, -1, 127, 128, 255, 65536, -129, 4294967296]} )"),
           std::string(R"([9223372036854775807, -9223372036854775808, 18446744073709551615])"),
           std::string(R"([0.1, -2.5e300, 1e-300, 18446744073709551616, true, false, null])"),
           std::string(R"({"":"","ü":"\u00fc \ud83d\ude00 \"\\\/\b\f\n\r\t\u0000","k\"":"😀"})"),
           std::string(R"({"a":1,"a":2})"),
           R"({")" + std::string(31, 'k') + R"(":")" + std::string(32, 'v') + R"("})",
           R"({")" + std::string(255, 'k') + R"(":")" + std::string(256, 'v') + R"("})",
           R"({")" + long_text + R"(":"\n)" + long_text + R"(\n"})",
           R"([")" + long_text + R"("])",
           Nested("[", "]", 100),
           Nested(R"({"a":)", "}", 100),
       }) {
    const auto parsed = ParseJson(text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(*parsed, Json::parse(text)) << text;
  }
}

TEST(JsonTest, RefusesWhatIsNone) {
  for (const char* text :
       {"",         " ",           "{",         "}",        "{]",          "[1,]",
        R"({"a"})", R"({"a":1,})", "{}{}",      "{}x",      "nul",         "01",
        "1.",       "\"",          "\"\xff\"",  "\"\xc3\"", R"("\ud800")", R"("\x")",
        "\"\n\"",   "<html>",      "// no\n{}", "NaN"}) {
    EXPECT_FALSE(ParseJson(text).has_value()) << text;
  }
}

TEST(JsonTest, EveryTruncationIsRefused) {
  const std::string text = R"({"metadata":{"name":"ü\n","n":[1,2.5e3,true,null]}})";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(ParseJson(std::string_view(text).substr(0, size)).has_value()) << size;
  }
}

// Whoever walks through a tree recursively has a stack of some megabytes: what is deeper than any
// object of Kubernetes is refused at its first level too many, not when the stack is used up.
TEST(JsonTest, DepthIsNoDanger) {
  EXPECT_TRUE(ParseJson(Nested("[", "]", 500)).has_value());
  for (const std::size_t depth : {std::size_t{501}, std::size_t{1'000'000}}) {
    EXPECT_FALSE(ParseJson(Nested("[", "]", depth)).has_value()) << depth;
    EXPECT_FALSE(ParseJson(Nested(R"({"a":)", "}", depth)).has_value()) << depth;
    EXPECT_FALSE(ParseJson(std::string(depth, '[')).has_value()) << depth;
  }
}

}  // namespace
}  // namespace sextant::kube
