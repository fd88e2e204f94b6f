#include "sextant/kube/owner.h"

#include <gtest/gtest.h>

namespace sextant::kube {
namespace {

Json Owner(const std::string& uid, const std::string& ns = "shop") {
  return {{"apiVersion", "example.dev/v1"},
          {"kind", "Widget"},
          {"metadata", {{"name", "w"}, {"namespace", ns}, {"uid", uid}}}};
}

Json Child() { return NewObject({resources::ConfigMaps(), "shop", "child"}); }

TEST(OwnerTest, ControllerIsSetOnce) {
  Json child = Child();
  ASSERT_TRUE(SetController(child, Owner("u-1")));
  ASSERT_TRUE(SetController(child, Owner("u-1")));
  EXPECT_EQ(OwnerReferences(child), Json::array({{{"apiVersion", "example.dev/v1"},
                                                  {"kind", "Widget"},
                                                  {"name", "w"},
                                                  {"uid", "u-1"},
                                                  {"controller", true},
                                                  {"blockOwnerDeletion", true}}}));
  EXPECT_EQ(ControllerUid(child), "u-1");
}

TEST(OwnerTest, AnotherControllersChildIsLeftAlone) {
  Json child = Child();
  ASSERT_TRUE(SetController(child, Owner("u-1")));
  const Json before = child;
  const auto taken = SetController(child, Owner("u-2"));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kConflict);
  EXPECT_EQ(child, before);
}

TEST(OwnerTest, OwnerOfAnotherNamespaceIsRefused) {
  Json child = Child();
  const auto refused = SetController(child, Owner("u-1", "elsewhere"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  Json cluster_wide = Owner("u-1", "");
  EXPECT_TRUE(SetController(child, cluster_wide));
}

TEST(OwnerTest, OwnersThatDoNotControlStay) {
  Json child = Child();
  child["metadata"]["ownerReferences"] = Json::array({OwnerReference(Owner("u-2"), false)});
  EXPECT_TRUE(ControllerOf(child).is_null());
  ASSERT_TRUE(SetController(child, Owner("u-1")));
  EXPECT_EQ(OwnerReferences(child).size(), 2U);
  EXPECT_EQ(ControllerUid(child), "u-1");
}

}  // namespace
}  // namespace sextant::kube
