#include "sextant/kube/runtime/change.h"

#include "tests/unit/kube/runtime/mocked_client.h"

#include <gtest/gtest.h>

namespace sextant::kube::runtime {
namespace {

// An update from a plain object to one whose metadata says this too.
Change UpdateOf(const Json& metadata) {
  Json after = ConfigMap("a", "2");
  after["metadata"].update(metadata);
  return {.before = Snapshot::Make(ConfigMap("a", "1")), .after = Snapshot::Make(after)};
}

TEST(PredicateTest, GenerationOrTheBeginningOfADeletion) {
  EXPECT_FALSE(GenerationChanged(UpdateOf({{"labels", {{"a", "b"}}}})));
  EXPECT_TRUE(GenerationChanged(UpdateOf({{"generation", 2}})));
  EXPECT_TRUE(GenerationChanged(UpdateOf({{"deletionTimestamp", "2026-01-01T00:00:00Z"}})));
}

TEST(PredicateTest, PartsOfTheMetadata) {
  EXPECT_TRUE(LabelsChanged(UpdateOf({{"labels", {{"a", "b"}}}})));
  EXPECT_FALSE(LabelsChanged(UpdateOf({{"annotations", {{"a", "b"}}}})));
  EXPECT_TRUE(AnnotationsChanged(UpdateOf({{"annotations", {{"a", "b"}}}})));
  EXPECT_TRUE(FinalizersChanged(UpdateOf({{"finalizers", {"x"}}})));
  EXPECT_FALSE(FinalizersChanged(UpdateOf({{"generation", 2}})));
}

TEST(PredicateTest, AdditionsAndDeletionsAlwaysMatter) {
  const SnapshotPtr object = Snapshot::Make(ConfigMap("a", "1"));
  for (const auto& predicate :
       {&GenerationChanged, &LabelsChanged, &AnnotationsChanged, &FinalizersChanged}) {
    EXPECT_TRUE(predicate({.before = nullptr, .after = object}));
    EXPECT_TRUE(predicate({.before = object, .after = nullptr}));
  }
}

TEST(PredicateTest, AnyOfSeveral) {
  const Predicate predicate = AnyOf({&LabelsChanged, &GenerationChanged});
  EXPECT_TRUE(predicate(UpdateOf({{"generation", 2}})));
  EXPECT_TRUE(predicate(UpdateOf({{"labels", {{"a", "b"}}}})));
  EXPECT_FALSE(predicate(UpdateOf({{"annotations", {{"a", "b"}}}})));
}

}  // namespace
}  // namespace sextant::kube::runtime
