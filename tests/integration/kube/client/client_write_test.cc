// Writing to the real API server.
#include "sextant/kube/client.h"
#include "sextant/kube/condition.h"
#include "sextant/kube/finalizer.h"
#include "sextant/kube/owner.h"
#include "tests/integration/kube/client/client_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sextant::kube {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

class ClientWriteTest : public ClientTest {};

TEST_F(ClientWriteTest, SecondCreationAlreadyExists) {
  CreateMap("one");
  const Error error = MustFail(client_->Create(resources::ConfigMaps(), NewObject(Map("one"))));
  EXPECT_EQ(error.code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(error.status, 409);
}

TEST_F(ClientWriteTest, BadObjectIsInvalid) {
  const Error error =
      MustFail(client_->Create(resources::ConfigMaps(), NewObject(Map("Bad_Name"))));
  EXPECT_EQ(error.code, ErrorCode::kInvalid);
  EXPECT_THAT(error.message, HasSubstr("metadata.name"));
}

TEST_F(ClientWriteTest, UpdateReplacesUnlessSomebodyCameFirst) {
  Json mine = CreateMap("one", {{"a", "1"}, {"b", "1"}});
  Json theirs = mine;
  theirs["data"] = {{"a", "2"}};
  const Json updated = Must(client_->Update(resources::ConfigMaps(), theirs));
  EXPECT_EQ(updated["data"], (Json{{"a", "2"}}));
  EXPECT_NE(ResourceVersion(updated), ResourceVersion(mine));

  mine["data"] = {{"a", "3"}};
  const Error error = MustFail(client_->Update(resources::ConfigMaps(), mine));
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_EQ(Must(client_->Get(Map("one")))["data"]["a"], "2");
}

TEST_F(ClientWriteTest, DryRunChangesNothing) {
  Must(client_->Create(resources::ConfigMaps(), NewObject(Map("one")), {.dry_run = true}));
  EXPECT_EQ(MustFail(client_->Get(Map("one"))).code, ErrorCode::kNotFound);
}

TEST_F(ClientWriteTest, MergePatch) {
  CreateMap("one", {{"a", "1"}, {"b", "1"}});
  const Json patched =
      Must(client_->Patch(Map("one"), MergePatch({{"data", {{"a", nullptr}, {"c", "3"}}}})));
  EXPECT_EQ(patched["data"], (Json{{"b", "1"}, {"c", "3"}}));
}

TEST_F(ClientWriteTest, JsonPatchIsAllOrNothing) {
  CreateMap("one", {{"a", "1"}});
  const auto patch = [](const char* expected) {
    return JsonPatch(Json::array({{{"op", "test"}, {"path", "/data/a"}, {"value", expected}},
                                  {{"op", "replace"}, {"path", "/data/a"}, {"value", "2"}}}));
  };
  EXPECT_EQ(MustFail(client_->Patch(Map("one"), patch("0"))).code, ErrorCode::kInvalid);
  EXPECT_EQ(Must(client_->Get(Map("one")))["data"]["a"], "1");
  EXPECT_EQ(Must(client_->Patch(Map("one"), patch("1")))["data"]["a"], "2");
}

TEST_F(ClientWriteTest, ApplyOwnsWhatItSends) {
  Json intent = NewObject(Map("one"));
  intent["data"] = {{"a", "1"}, {"b", "1"}};
  Must(client_->Apply(resources::ConfigMaps(), intent, {.field_manager = "first"}));

  // Another manager adds a field of its own, and may not take one without force.
  Json other = NewObject(Map("one"));
  other["data"] = {{"c", "1"}};
  Must(client_->Patch(Map("one"), ApplyPatch(other, false), {.field_manager = "second"}));
  other["data"]["a"] = "2";
  const Error error =
      MustFail(client_->Patch(Map("one"), ApplyPatch(other, false), {.field_manager = "second"}));
  EXPECT_EQ(error.code, ErrorCode::kConflict);
  EXPECT_THAT(error.message, HasSubstr("conflict with \"first\""));
  EXPECT_EQ(Must(client_->Apply(resources::ConfigMaps(), other,
                                {.field_manager = "second"}))["data"]["a"],
            "2");

  // What the first stops sending goes, what others own stays.
  intent["data"] = Json::object();
  EXPECT_EQ(
      Must(client_->Apply(resources::ConfigMaps(), intent, {.field_manager = "first"}))["data"],
      (Json{{"a", "2"}, {"c", "1"}}));
}

TEST_F(ClientWriteTest, ApplyTwiceChangesNothing) {
  Json intent = NewObject(Map("one"));
  intent["data"] = {{"a", "1"}};
  const Json first = Must(client_->Apply(resources::ConfigMaps(), intent));
  const Json second = Must(client_->Apply(resources::ConfigMaps(), intent));
  EXPECT_EQ(ResourceVersion(first), ResourceVersion(second));
}

TEST_F(ClientWriteTest, DeleteObeysItsPreconditions) {
  const Json map = CreateMap("one");
  EXPECT_EQ(MustFail(client_->Delete(Map("one"), {.uid = "another"})).code, ErrorCode::kConflict);
  EXPECT_EQ(MustFail(client_->Delete(Map("one"), {.resource_version = "1"})).code,
            ErrorCode::kConflict);
  Must(client_->Delete(Map("one"), {.uid = std::string(Uid(map)),
                                    .resource_version = std::string(ResourceVersion(map))}));
  EXPECT_EQ(MustFail(client_->Delete(Map("one"))).code, ErrorCode::kNotFound);
}

TEST_F(ClientWriteTest, PropagationIsWrittenDownForTheCollector) {
  CreateMap("foreground");
  CreateMap("orphan");
  CreateMap("background");
  Must(client_->Delete(Map("foreground"), {.propagation = Propagation::kForeground}));
  Must(client_->Delete(Map("orphan"), {.propagation = Propagation::kOrphan}));
  Must(client_->Delete(Map("background"), {.propagation = Propagation::kBackground}));
  // No collector runs here: the finalizers it would work off stay.
  EXPECT_TRUE(HasFinalizer(Must(client_->Get(Map("foreground"))), "foregroundDeletion"));
  EXPECT_TRUE(HasFinalizer(Must(client_->Get(Map("orphan"))), "orphan"));
  EXPECT_EQ(MustFail(client_->Get(Map("background"))).code, ErrorCode::kNotFound);
}

TEST_F(ClientWriteTest, FinalizerHoldsAnObjectUntilItIsTakenOff) {
  constexpr const char* kFinalizer = "example.dev/held";
  Json object = CreateMap("one");
  ASSERT_EQ(NextFinalizerStep(object, kFinalizer), FinalizerStep::kAdd);
  object = Must(client_->Patch(Map("one"), AddFinalizerPatch(object, kFinalizer)));
  ASSERT_EQ(NextFinalizerStep(object, kFinalizer), FinalizerStep::kReconcile);

  // A patch from an old read fails: another finalizer came in between.
  const Json old = object;
  object = Must(client_->Patch(Map("one"), AddFinalizerPatch(object, "example.dev/other")));
  EXPECT_EQ(MustFail(client_->Patch(Map("one"), AddFinalizerPatch(old, "example.dev/third"))).code,
            ErrorCode::kInvalid);

  object = Must(client_->Delete(Map("one")));
  ASSERT_EQ(NextFinalizerStep(object, kFinalizer), FinalizerStep::kCleanUp);
  object = Must(client_->Patch(Map("one"), RemoveFinalizerPatch(object, kFinalizer)));
  EXPECT_EQ(NextFinalizerStep(object, kFinalizer), FinalizerStep::kNothing);
  Must(client_->Patch(Map("one"), RemoveFinalizerPatch(object, "example.dev/other")));
  EXPECT_EQ(MustFail(client_->Get(Map("one"))).code, ErrorCode::kNotFound);
}

TEST_F(ClientWriteTest, OwnerIsAccepted) {
  const Json owner = CreateMap("owner");
  Json child = NewObject(Map("child"));
  ASSERT_TRUE(SetController(child, owner));
  EXPECT_EQ(ControllerUid(Must(client_->Create(resources::ConfigMaps(), child))), Uid(owner));
}

TEST_F(ClientWriteTest, StatusAndScaleAreSubresources) {
  const ObjectRef ref{resources::Deployments(), ns_, "web"};
  Json deployment = NewObject(ref);
  deployment["spec"] = {
      {"replicas", 1},
      {"selector", {{"matchLabels", {{"app", "web"}}}}},
      {"template",
       {{"metadata", {{"labels", {{"app", "web"}}}}},
        {"spec", {{"containers", Json::array({{{"name", "c"}, {"image", "i"}}})}}}}}};
  const Json created = Must(client_->Create(ref.resource, deployment));

  // A status that comes with the object is ignored; its subresource takes nothing else.
  Json conditions;
  SetCondition(conditions,
               {.type = "Available", .status = ConditionStatus::kTrue, .reason = "Tested"}, Time());
  conditions[0].erase("observedGeneration");  // Deployments have none
  Json status{{"status", {{"conditions", conditions}}}, {"spec", {{"replicas", 9}}}};
  const Json patched = Must(client_->Patch(ref, MergePatch(status), {.subresource = "status"}));
  EXPECT_EQ(StatusOf(patched["status"]["conditions"], "Available"), ConditionStatus::kTrue);
  EXPECT_EQ(patched["spec"]["replicas"], 1);
  EXPECT_EQ(Generation(patched), Generation(created));
  EXPECT_EQ(Must(client_->GetStatus(ref))["status"], patched["status"]);

  Json replaced = patched;
  replaced["status"] = Json::object();
  EXPECT_TRUE(
      FindCondition(Must(client_->Update(ref.resource, replaced,
                                         {.subresource = "status"}))["status"]["conditions"],
                    "Available")
          .is_null());

  EXPECT_EQ(FindInteger(Must(client_->GetScale(ref)), {"spec", "replicas"}), 1);
  EXPECT_EQ(Kind(Must(client_->SetScale(ref, 3))), "Scale");
  EXPECT_EQ(Must(client_->Get(ref))["spec"]["replicas"], 3);
}

TEST_F(ClientWriteTest, EvictionIsASubresource) {
  const ObjectRef ref{resources::Pods(), ns_, "p"};
  Json pod = NewObject(ref);
  pod["spec"]["containers"] = Json::array({{{"name", "c"}, {"image", "i"}}});
  Must(client_->Create(ref.resource, pod));
  const Json eviction{{"apiVersion", "policy/v1"},
                      {"kind", "Eviction"},
                      {"metadata", {{"name", "p"}, {"namespace", ns_}}}};
  Must(client_->CreateSubresource(ref, "eviction", eviction));
  const auto gone = client_->Get(ref);
  EXPECT_TRUE(!gone || IsBeingDeleted(*gone));
}

TEST_F(ClientWriteTest, DefinitionIsWaitedForAndUsed) {
  const std::string group = "widgets-" + ns_ + ".example.dev";
  const std::string name = "widgets." + group;
  Json definition = NewObject({resources::CustomResourceDefinitions(), "", name});
  definition["spec"] = {
      {"group", group},
      {"scope", "Namespaced"},
      {"names", {{"kind", "Widget"}, {"plural", "widgets"}, {"singular", "widget"}}},
      {"versions",
       Json::array(
           {{{"name", "v1"},
             {"served", true},
             {"storage", true},
             {"schema",
              {{"openAPIV3Schema",
                {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}}}}}}})}};
  Must(client_->Create(resources::CustomResourceDefinitions(), definition));
  const auto established = client_->WaitUntilEstablished(name);
  ASSERT_TRUE(established) << ToString(established.error());
  const GroupVersionResource widgets = Must(client_->Resolve(group, "", "Widget"));
  EXPECT_EQ(widgets.resource, "widgets");
  Json widget = NewObject({widgets, ns_, "w"});
  widget["spec"]["size"] = 3;
  EXPECT_EQ(Must(client_->Create(widgets, widget))["spec"]["size"], 3);
}

TEST_F(ClientWriteTest, TooLargeAnObjectIsRefusedHereAndThere) {
  Json map = NewObject(Map("large"));
  map["data"]["key"] = std::string(std::size_t{10} << 20, 'x');
  EXPECT_EQ(MustFail(client_->Create(resources::ConfigMaps(), map)).code, ErrorCode::kTooLarge);

  // Without our own bound the server's speaks, by an answer or by hanging up in the middle.
  const auto unbounded = Connect({.max_request_bytes = std::size_t{64} << 20});
  const Error error = MustFail(unbounded->Create(resources::ConfigMaps(), map));
  EXPECT_THAT(error.code, AnyOf(ErrorCode::kTooLarge, ErrorCode::kUnavailable)) << ToString(error);
  EXPECT_FALSE(error.message.empty());

  map["data"]["key"] = std::string(std::size_t{2} << 20, 'x');  // above a ConfigMap's own limit
  const Error invalid = MustFail(client_->Create(resources::ConfigMaps(), map));
  EXPECT_EQ(invalid.code, ErrorCode::kInvalid);
  EXPECT_THAT(invalid.message, HasSubstr("Too long"));
  Must(client_->Get({resources::Namespaces(), "", ns_}));  // the client is as good as before
}

}  // namespace
}  // namespace sextant::kube
