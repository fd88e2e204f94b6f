#include "agent/order.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace sextant::agent {
namespace {

using ::testing::HasSubstr;

TEST(Order, IsReadAndWritten) {
  const std::string texts[] = {R"({"id":4,"role":"writer","branch":1,"epoch":7})",
                               R"({"id":5,"role":"reader","branch":2})",
                               R"({"id":6,"role":"none"})"};
  for (const std::string& text : texts) {
    const auto order = ParseOrder(text);
    ASSERT_TRUE(order) << order.error();
    EXPECT_EQ(ToJson(*order).dump(), text);
  }
}

TEST(Order, RefusesWhatIsNotOne) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "JSON object"},
      {"[]", "JSON object"},
      {R"({"id":1})", "role"},
      {R"({"id":1,"role":"king"})", "role"},
      {R"({"role":"none"})", "id"},
      {R"({"id":-1,"role":"none"})", "id"},
      {R"({"id":1,"role":"reader"})", "branch"},
      {R"({"id":1,"role":"writer","branch":1})", "epoch"},
      {R"({"id":1,"role":"reader","branch":1,"epoch":2})", "alone"},
      {R"({"id":1,"role":"none","branch":1})", "alone"},
  };
  for (const auto& [text, what] : cases) {
    const auto order = ParseOrder(text);
    ASSERT_FALSE(order) << text;
    EXPECT_THAT(order.error(), HasSubstr(what)) << text;
  }
}

}  // namespace
}  // namespace sextant::agent
