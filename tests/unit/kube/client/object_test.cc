#include "sextant/kube/object.h"

#include <gtest/gtest.h>

namespace sextant::kube {
namespace {

TEST(ObjectTest, MetadataIsRead) {
  const Json pod = Json::parse(R"({
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "web-0", "namespace": "shop", "uid": "u-1", "resourceVersion": "42",
                 "generation": 7, "labels": {"app": "web", "wrong": 1},
                 "annotations": {"note": "yes"}, "ownerReferences": [{"uid": "o-1"}]}})");
  EXPECT_EQ(ApiVersion(pod), "v1");
  EXPECT_EQ(Kind(pod), "Pod");
  EXPECT_EQ(Name(pod), "web-0");
  EXPECT_EQ(Namespace(pod), "shop");
  EXPECT_EQ(Uid(pod), "u-1");
  EXPECT_EQ(ResourceVersion(pod), "42");
  EXPECT_EQ(Generation(pod), 7);
  EXPECT_EQ(Labels(pod).size(), 1U);
  EXPECT_EQ(Label(pod, "app"), "web");
  EXPECT_EQ(Annotation(pod, "note"), "yes");
  EXPECT_EQ(OwnerReferences(pod).size(), 1U);
  EXPECT_FALSE(IsBeingDeleted(pod));
  EXPECT_EQ(KeyOf(pod), "shop/web-0");
}

TEST(ObjectTest, AnythingElseReadsAsEmpty) {
  for (const Json& object :
       {Json(nullptr), Json("text"), Json::array({1}), Json{{"metadata", "x"}},
        Json{{"metadata", {{"name", 1}, {"labels", 2}, {"ownerReferences", "x"}}}}}) {
    EXPECT_EQ(Name(object), "");
    EXPECT_EQ(Generation(object), 0);
    EXPECT_TRUE(Labels(object).empty());
    EXPECT_TRUE(OwnerReferences(object).is_null());
    EXPECT_EQ(KeyOf(object), "");
  }
}

TEST(ObjectTest, FindTellsTypesApart) {
  const Json object{{"spec", {{"replicas", 3}, {"paused", true}, {"ratio", 0.5}}}};
  EXPECT_EQ(FindInteger(object, {"spec", "replicas"}), 3);
  EXPECT_EQ(FindInteger(object, {"spec", "ratio"}), std::nullopt);
  EXPECT_EQ(FindBool(object, {"spec", "paused"}), true);
  EXPECT_EQ(FindBool(object, {"spec", "replicas"}), std::nullopt);
  EXPECT_TRUE(Find(object, {"spec", "none", "deeper"}).is_null());
}

TEST(ObjectTest, NewObjectsSayWhatTheyAre) {
  const Json deployment = NewObject({resources::Deployments(), "shop", "web"});
  EXPECT_EQ(deployment, (Json{{"apiVersion", "apps/v1"},
                              {"kind", "Deployment"},
                              {"metadata", {{"name", "web"}, {"namespace", "shop"}}}}));
  EXPECT_EQ(NewObject({resources::Nodes(), "", "n"})["metadata"], (Json{{"name", "n"}}));
  EXPECT_EQ(RefOf(resources::Deployments(), deployment),
            (ObjectRef{resources::Deployments(), "shop", "web"}));
  EXPECT_EQ(ToString(ObjectRef{resources::Pods(), "shop", "web-0"}), "Pod shop/web-0");
}

TEST(ObjectTest, ManagedFieldsGoAndTheRestStays) {
  Json object{{"metadata", {{"name", "x"}, {"managedFields", Json::array({1, 2})}}}, {"data", 1}};
  StripManagedFields(object);
  EXPECT_EQ(object, (Json{{"metadata", {{"name", "x"}}}, {"data", 1}}));
  Json odd = "text";
  StripManagedFields(odd);
  EXPECT_EQ(odd, "text");
}

}  // namespace
}  // namespace sextant::kube
