#include "sextant/kube/client.h"
#include "tests/support/mock_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

namespace sextant::kube {
namespace {

using std::chrono::seconds;
using ::testing::NiceMock;

// Answers GETs from a map from targets to objects, 404 for the rest.
class DiscoveryTest : public ::testing::Test {
 protected:
  DiscoveryTest() {
    ON_CALL(transport_, Send)
        .WillByDefault([this](const Request& request, Deadline, const std::stop_token&) {
          const auto found = answers_.find(request.target);
          if (found == answers_.end()) return Response{.status = 404};
          return Response{.status = 200, .body = found->second.dump()};
        });
  }

  static Json Definition(Json conditions) {
    return {{"spec",
             {{"group", "example.dev"},
              {"names", {{"kind", "Widget"}}},
              {"versions", Json::array({{{"name", "v1"}, {"served", false}},
                                        {{"name", "v2"}, {"served", true}}})}}},
            {"status", {{"conditions", std::move(conditions)}}}};
  }

  const std::string crd_ =
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.dev";
  const Json established_ = Json::array({{{"type", "NamesAccepted"}, {"status", "True"}},
                                         {{"type", "Established"}, {"status", "True"}}});
  const Json widgets_{
      {"resources",
       Json::array({{{"name", "widgets/status"}, {"kind", "Widget"}, {"namespaced", true}},
                    {{"name", "widgets"}, {"kind", "Widget"}, {"namespaced", true}}})}};
  std::map<std::string, Json> answers_;
  NiceMock<testing::MockTransport>& transport_ = *new NiceMock<testing::MockTransport>;
  const std::shared_ptr<testing::ManualClock> clock_ = std::make_shared<testing::ManualClock>();
  Client client_{std::unique_ptr<Transport>(&transport_), {}, clock_};
};

TEST_F(DiscoveryTest, KindIsFoundAndItsSubresourcesAreNot) {
  answers_["/apis/example.dev/v2"] = widgets_;
  EXPECT_EQ(client_.Resolve("example.dev", "v2", "Widget"),
            (GroupVersionResource{"example.dev", "v2", "widgets", "Widget", true}));
}

TEST_F(DiscoveryTest, PreferredVersionOfAGroupAndOfTheCore) {
  answers_["/apis/example.dev"] = {{"preferredVersion", {{"version", "v2"}}}};
  answers_["/apis/example.dev/v2"] = widgets_;
  EXPECT_EQ(client_.Resolve("example.dev", "", "Widget")->version, "v2");
  answers_["/api/v1"] = {{"resources", Json::array({{{"name", "nodes"}, {"kind", "Node"}}})}};
  EXPECT_EQ(client_.Resolve("", "", "Node"), resources::Nodes());
}

TEST_F(DiscoveryTest, WhatIsNotServedIsNotFound) {
  answers_["/apis/example.dev/v2"] = widgets_;
  EXPECT_EQ(client_.Resolve("example.dev", "v2", "Gadget").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(client_.Resolve("none.dev", "", "Widget").error().code, ErrorCode::kNotFound);
  answers_["/apis/example.dev/v3"] = {{"resources", "nonsense"}};
  EXPECT_EQ(client_.Resolve("example.dev", "v3", "Widget").error().code, ErrorCode::kNotFound);
}

TEST_F(DiscoveryTest, WaitsForTheDefinitionItsConditionAndItsPaths) {
  int polls = 0;
  EXPECT_CALL(transport_, Send)
      .WillRepeatedly([&](const Request& request, Deadline, const std::stop_token&) {
        if (request.target == crd_) {
          switch (++polls) {
            case 1:
              return Response{.status = 404};
            case 2:
              return Response{.status = 200, .body = Definition(nullptr).dump()};
            default:
              return Response{.status = 200, .body = Definition(established_).dump()};
          }
        }
        EXPECT_EQ(request.target, "/apis/example.dev/v2");
        if (polls < 4) return Response{.status = 404};
        return Response{.status = 200, .body = widgets_.dump()};
      });
  EXPECT_TRUE(client_.WaitUntilEstablished("widgets.example.dev"));
  EXPECT_EQ(polls, 4);
}

TEST_F(DiscoveryTest, RefusedNamesEndTheWait) {
  answers_[crd_] = Definition(Json::array({{{"type", "NamesAccepted"},
                                            {"status", "False"},
                                            {"reason", "PluralConflict"},
                                            {"message", "taken"}}}));
  const auto waited = client_.WaitUntilEstablished("widgets.example.dev");
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(waited.error().reason, "PluralConflict");
}

TEST_F(DiscoveryTest, WaitEndsWithItsTimeout) {
  const auto begin = clock_->Now();
  const auto waited = client_.WaitUntilEstablished("none.example.dev", {.timeout = seconds(3)});
  EXPECT_EQ(waited.error().code, ErrorCode::kTimeout);
  EXPECT_LE(clock_->Now() - begin, seconds(3));
}

}  // namespace
}  // namespace sextant::kube
