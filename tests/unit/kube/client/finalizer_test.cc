#include "sextant/kube/finalizer.h"

#include <gtest/gtest.h>

namespace sextant::kube {
namespace {

constexpr const char* kOurs = "example.dev/volume";

Json Object(Json finalizers, bool deleting) {
  Json object{{"metadata", {{"name", "x"}, {"uid", "u-1"}}}};
  if (!finalizers.is_null()) object["metadata"]["finalizers"] = std::move(finalizers);
  if (deleting) object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  return object;
}

TEST(FinalizerTest, FourCases) {
  EXPECT_EQ(NextFinalizerStep(Object(nullptr, false), kOurs), FinalizerStep::kAdd);
  EXPECT_EQ(NextFinalizerStep(Object({kOurs}, false), kOurs), FinalizerStep::kReconcile);
  EXPECT_EQ(NextFinalizerStep(Object({"other", kOurs}, true), kOurs), FinalizerStep::kCleanUp);
  EXPECT_EQ(NextFinalizerStep(Object({"other"}, true), kOurs), FinalizerStep::kNothing);
}

TEST(FinalizerTest, PatchesDoWhatTheySay) {
  for (const Json& finalizers : {Json(nullptr), Json({"other"}), Json({"a", "b"})}) {
    Json object = Object(finalizers, false);
    if (finalizers.is_null())
      object["metadata"]["finalizers"] = nullptr;  // RFC 6902 needs it there
    const Json added = object.patch(AddFinalizerPatch(object, kOurs).body);
    EXPECT_TRUE(HasFinalizer(added, kOurs));
    EXPECT_EQ(added["metadata"]["finalizers"].size(), finalizers.size() + 1);
    const Json removed = added.patch(RemoveFinalizerPatch(added, kOurs).body);
    EXPECT_FALSE(HasFinalizer(removed, kOurs));
    EXPECT_EQ(removed["metadata"]["finalizers"].size(), finalizers.size());
  }
}

TEST(FinalizerTest, PatchesFailOnAnObjectThatChanged) {
  const Json read = Object({"other"}, false);
  const Json changed = Object({"other", "third"}, false);
  EXPECT_THROW((void)changed.patch(AddFinalizerPatch(read, kOurs).body), Json::other_error);
  const Json ours_first = Object({kOurs, "other"}, true);
  const Json ours_last = Object({"other", kOurs}, true);
  EXPECT_THROW((void)ours_last.patch(RemoveFinalizerPatch(ours_first, kOurs).body),
               Json::other_error);
  Json namesake = read;
  namesake["metadata"]["uid"] = "u-2";
  EXPECT_THROW((void)namesake.patch(AddFinalizerPatch(read, kOurs).body), Json::other_error);
}

}  // namespace
}  // namespace sextant::kube
