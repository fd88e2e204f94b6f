// Reading from the real API server.
#include "sextant/kube/client.h"
#include "tests/integration/kube/client/client_fixture.h"
#include "tests/support/loopback.h"
#include "tests/support/mock_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

namespace sextant::kube {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class ClientReadTest : public ClientTest {};

TEST_F(ClientReadTest, WhatIsCreatedIsRead) {
  CreateMap("one", {{"key", "välue"}}, {{"app", "x"}});
  const Json read = Must(client_->Get(Map("one")));
  EXPECT_EQ(Name(read), "one");
  EXPECT_EQ(Kind(read), "ConfigMap");
  EXPECT_EQ(read["data"]["key"], "välue");
  EXPECT_EQ(Label(read, "app"), "x");
  EXPECT_FALSE(Uid(read).empty());
  EXPECT_FALSE(ResourceVersion(read).empty());
}

TEST_F(ClientReadTest, WhatIsNotThereIsNotFound) {
  const Error error = MustFail(client_->Get(Map("none")));
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_EQ(error.reason, "NotFound");
  EXPECT_EQ(error.message, "configmaps \"none\" not found");
  const GroupVersionResource nonsense{"none.example", "v1", "things", "Thing", true};
  EXPECT_EQ(MustFail(client_->Get({nonsense, ns_, "x"})).code, ErrorCode::kNotFound);
}

TEST_F(ClientReadTest, ListIsPaged) {
  for (int i = 0; i < 7; ++i) CreateMap("map-" + std::to_string(i));
  const ListOptions options{.selection = {.ns = ns_}, .limit = 3};
  const ObjectList page = Must(client_->List(resources::ConfigMaps(), options));
  EXPECT_EQ(page.items.size(), 3U);
  EXPECT_FALSE(page.continue_token.empty());

  const ObjectList all = Must(client_->ListAll(resources::ConfigMaps(), options));
  std::set<std::string, std::less<>> names;
  for (const Json& item : all.items) {
    names.emplace(Name(item));
    EXPECT_EQ(Kind(item), "ConfigMap");
    EXPECT_EQ(ApiVersion(item), "v1");
  }
  EXPECT_EQ(names.size(), 7U);
  EXPECT_TRUE(all.continue_token.empty());
  EXPECT_FALSE(all.resource_version.empty());
}

TEST_F(ClientReadTest, PagesOfNonsenseAreRefused) {
  const Error error = MustFail(client_->List(
      resources::ConfigMaps(), {.selection = {.ns = ns_}, .continue_token = "nonsense"}));
  EXPECT_EQ(error.code, ErrorCode::kBadRequest);
  EXPECT_THAT(error.message, HasSubstr("continue key is not valid"));
}

TEST_F(ClientReadTest, SelectorsSelect) {
  CreateMap("a", {}, {{"tier", "db"}});
  CreateMap("b", {}, {{"tier", "web"}});
  const auto count = [&](const Selection& selection) {
    return Must(client_->ListAll(resources::ConfigMaps(), {.selection = selection})).items.size();
  };
  EXPECT_EQ(count({.ns = ns_, .label_selector = "tier in (db, cache)"}), 1U);
  EXPECT_EQ(count({.ns = ns_, .label_selector = "tier!=none"}), 2U);
  EXPECT_EQ(count({.ns = ns_, .field_selector = "metadata.name=b"}), 1U);
  EXPECT_EQ(count({.label_selector = "tier=db", .field_selector = "metadata.namespace=" + ns_}),
            1U);
}

TEST_F(ClientReadTest, LogThatCannotBeFetchedSaysWhy) {
  // A node whose kubelet nobody runs.
  const auto port = testing::FreeLoopbackPorts(1)[0];
  const ObjectRef node{resources::Nodes(), "", ns_};
  Must(client_->Create(node.resource, NewObject(node)));
  const Json status{
      {"status",
       {{"addresses", Json::array({{{"type", "InternalIP"}, {"address", "127.0.0.1"}}})},
        {"daemonEndpoints", {{"kubeletEndpoint", {{"Port", port}}}}}}}};
  Must(client_->Patch(node, MergePatch(status), {.subresource = "status"}));
  const ObjectRef pod{resources::Pods(), ns_, "p"};
  Json object = NewObject(pod);
  object["spec"] = {{"nodeName", ns_},
                    {"containers", Json::array({{{"name", "c"}, {"image", "i"}}})}};
  Must(client_->Create(pod.resource, object));

  const Error unreachable = MustFail(client_->Logs(pod));
  EXPECT_EQ(unreachable.code, ErrorCode::kServer);
  EXPECT_THAT(unreachable.message, HasSubstr("connect: connection refused"));
  testing::CollectingSink sink;
  EXPECT_THAT(MustFail(client_->FollowLogs(pod, {}, sink, {}, {})).message,
              HasSubstr("connect: connection refused"));
  EXPECT_TRUE(sink.Lines().empty());

  const Error container = MustFail(client_->Logs(pod, {.container = "other"}));
  EXPECT_EQ(container.code, ErrorCode::kBadRequest);
  EXPECT_THAT(container.message, HasSubstr("container other is not valid for pod p"));
  EXPECT_EQ(MustFail(client_->Logs({resources::Pods(), ns_, "none"})).code, ErrorCode::kNotFound);
}

TEST_F(ClientReadTest, KindsAreResolved) {
  EXPECT_EQ(client_->Resolve("", "", "Pod"), resources::Pods());
  EXPECT_EQ(client_->Resolve("apps", "", "Deployment"), resources::Deployments());
  EXPECT_EQ(client_->Resolve("coordination.k8s.io", "v1", "Lease"), resources::Leases());
  EXPECT_EQ(MustFail(client_->Resolve("apps", "v1", "Nonsense")).code, ErrorCode::kNotFound);
  EXPECT_EQ(MustFail(client_->Resolve("none.example", "", "X")).code, ErrorCode::kNotFound);
}

TEST_F(ClientReadTest, EveryResourceWeNameIsServedSo) {
  using namespace resources;
  for (const GroupVersionResource& resource :
       {Pods(), Services(), Secrets(), ConfigMaps(), ServiceAccounts(), PersistentVolumeClaims(),
        Nodes(), Namespaces(), Events(), Leases(), Deployments(), StatefulSets(),
        PodDisruptionBudgets(), Roles(), RoleBindings(), EndpointSlices(),
        CustomResourceDefinitions()}) {
    EXPECT_EQ(client_->Resolve(resource.group, resource.version, resource.kind), resource);
  }
}

TEST_F(ClientReadTest, AnyOtherPath) {
  EXPECT_THAT(Must(client_->GetRaw("/version")), HasSubstr("gitVersion"));
  EXPECT_EQ(Must(client_->GetRaw("/readyz")), "ok");
}

class CallbackSink : public LineSink {
 public:
  explicit CallbackSink(std::function<bool(const Json&)> on_event)
      : on_event_(std::move(on_event)) {}
  bool OnLine(std::string_view line) override { return on_event_(Json::parse(line)); }

 private:
  std::function<bool(const Json&)> on_event_;
};

TEST_F(ClientReadTest, WatchTellsWhatHappensFromAVersionOn) {
  CreateMap("before");
  const ObjectList list = Must(client_->List(resources::ConfigMaps(), {.selection = {.ns = ns_}}));
  CreateMap("after");
  Must(client_->Delete(Map("after")));

  std::vector<std::string> events;
  CallbackSink sink([&events](const Json& event) {
    events.push_back(std::string(FindString(event, {"type"})) + " " +
                     std::string(Name(Find(event, {"object"}))));
    return events.size() < 2;
  });
  const StreamEnd end = Must(client_->Watch(
      resources::ConfigMaps(),
      {.selection = {.ns = ns_}, .resource_version = list.resource_version}, sink, {}));
  EXPECT_EQ(end.cause, StreamEnd::Cause::kSink);
  EXPECT_EQ(events, (std::vector<std::string>{"ADDED after", "DELETED after"}));
}

TEST_F(ClientReadTest, WatchEndsAtItsTimeout) {
  testing::CollectingSink sink;
  const StreamEnd end = Must(client_->Watch(
      resources::ConfigMaps(),
      {.selection = {.ns = ns_}, .bookmarks = false, .timeout = seconds(1)}, sink, {}));
  EXPECT_EQ(end.cause, StreamEnd::Cause::kServer);
}

TEST_F(ClientReadTest, WatchCanBeginWithTheListItself) {
  CreateMap("one");
  CreateMap("two");
  std::vector<std::string> types;
  CallbackSink sink([&types](const Json& event) {
    types.emplace_back(FindString(event, {"type"}));
    return types.back() != "BOOKMARK";
  });
  Must(client_->Watch(resources::ConfigMaps(),
                      {.selection = {.ns = ns_}, .send_initial_events = true}, sink, {}));
  EXPECT_EQ(types, (std::vector<std::string>{"ADDED", "ADDED", "BOOKMARK"}));
}

TEST_F(ClientReadTest, CredentialsThatAreNotAcceptedAreUnauthorized) {
  Config config{.server = Server().Url()};
  config.authority = Server().Authority().Certificate();
  config.token = "nonsense";
  Client stranger(Must(MakeTransport(config)));
  EXPECT_EQ(MustFail(stranger.Get(Map("x"))).code, ErrorCode::kUnauthorized);
  // So is a certificate of an authority that the server does not know.
  const testing::CertificateAuthority other("other");
  const testing::KeyPair forged =
      other.Issue({.common_name = "admin", .organization = "system:masters"});
  config.token.clear();
  config.client_certificate = forged.certificate;
  config.client_key = forged.private_key;
  Client forger(Must(MakeTransport(config)));
  EXPECT_EQ(MustFail(forger.Get(Map("x"))).code, ErrorCode::kUnauthorized);
}

TEST_F(ClientReadTest, WhatRolesForbidIsForbidden) {
  Config config{.server = Server().Url()};
  config.authority = Server().Authority().Certificate();
  const testing::KeyPair stranger = Server().Authority().Issue({.common_name = "stranger"});
  config.client_certificate = stranger.certificate;
  config.client_key = stranger.private_key;
  Client client(Must(MakeTransport(config)));
  const Error error = MustFail(client.Get({resources::Secrets(), ns_, "x"}));
  EXPECT_EQ(error.code, ErrorCode::kForbidden);
  EXPECT_THAT(error.message, HasSubstr("User \"stranger\" cannot get resource \"secrets\""));
}

}  // namespace
}  // namespace sextant::kube
