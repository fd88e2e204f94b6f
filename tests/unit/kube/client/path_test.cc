#include "kube/client/path.h"

#include <gtest/gtest.h>

namespace sextant::kube {
namespace {

TEST(PathTest, CoreAndGroups) {
  EXPECT_EQ(CollectionPath(resources::Pods(), ""), "/api/v1/pods");
  EXPECT_EQ(CollectionPath(resources::Pods(), "shop"), "/api/v1/namespaces/shop/pods");
  EXPECT_EQ(CollectionPath(resources::Nodes(), "ignored"), "/api/v1/nodes");
  EXPECT_EQ(ObjectPath({resources::Deployments(), "shop", "web"}, "scale"),
            "/apis/apps/v1/namespaces/shop/deployments/web/scale");
}

TEST(PathTest, PathOfNothingIsAnError) {
  EXPECT_EQ(ObjectPath({resources::Pods(), "shop", ""}).error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(ObjectPath({resources::Pods(), "", "web"}).error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(ObjectPath({resources::Nodes(), "", "n"}), "/api/v1/nodes/n");
}

TEST(PathTest, NamesCannotLeaveTheirPlace) {
  EXPECT_EQ(ObjectPath({resources::Pods(), "a/b", "../c?d"}),
            "/api/v1/namespaces/a%2Fb/pods/..%2Fc%3Fd");
}

TEST(PathTest, ParametersAreEncodedAndEmptyOnesLeftOut) {
  Target target("/api/v1/pods");
  target.Add(Selection{.ns = "", .label_selector = "app in (a,b),x!=y", .field_selector = ""})
      .Add("limit", 5)
      .Add("continue", "");
  EXPECT_EQ(target.Text(), "/api/v1/pods?labelSelector=app%20in%20%28a%2Cb%29%2Cx%21%3Dy&limit=5");
}

}  // namespace
}  // namespace sextant::kube
