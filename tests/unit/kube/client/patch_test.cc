#include "sextant/kube/patch.h"

#include <gtest/gtest.h>

namespace sextant::kube {
namespace {

TEST(PatchTest, EscapedKeyIsFoundByItsPointer) {
  const std::string key = "sextant.dev/a~b";
  const Json object{{"labels", {{key, "found"}}}};
  EXPECT_EQ(EscapePointer(key), "sextant.dev~1a~0b");
  EXPECT_EQ(object.at(Json::json_pointer("/labels/" + EscapePointer(key))), "found");
}

}  // namespace
}  // namespace sextant::kube
