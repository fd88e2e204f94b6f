// What each verb sends, and what it makes of the answer.
#include "sextant/kube/client.h"
#include "tests/support/mock_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sextant::kube {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::Field;
using ::testing::Return;
using ::testing::StrictMock;

class ClientVerbsTest : public ::testing::Test {
 protected:
  // The next request has this method and target, and is answered so.
  void Expect(Method method, const std::string& target, const Json& answer, int status = 200) {
    EXPECT_CALL(transport_, Send(AllOf(Field("method", &Request::method, method),
                                       Field("target", &Request::target, target)),
                                 _, _))
        .WillOnce([this, answer, status](const Request& request, Deadline, const std::stop_token&) {
          sent_ = request;
          return Response{.status = status, .body = answer.dump()};
        })
        .RetiresOnSaturation();
  }

  [[nodiscard]] Json SentBody() const { return Json::parse(sent_.body); }

  StrictMock<testing::MockTransport>& transport_ = *new StrictMock<testing::MockTransport>;
  Client client_{std::unique_ptr<Transport>(&transport_), {.field_manager = "tester"}};
  Request sent_;
  const ObjectRef web_{resources::Deployments(), "shop", "web"};
  const std::string path_ = "/apis/apps/v1/namespaces/shop/deployments/web";
};

TEST_F(ClientVerbsTest, Get) {
  Expect(Method::kGet, path_, {{"kind", "Deployment"}});
  EXPECT_EQ(Kind(*client_.Get(web_)), "Deployment");
  EXPECT_TRUE(sent_.idempotent);
}

TEST_F(ClientVerbsTest, GetOfNothing) {
  Expect(Method::kGet, path_, {{"kind", "Status"}, {"code", 404}, {"reason", "NotFound"}}, 404);
  EXPECT_EQ(client_.Get(web_).error().code, ErrorCode::kNotFound);
}

TEST_F(ClientVerbsTest, NameIsNeeded) {
  EXPECT_EQ(client_.Get({resources::Pods(), "shop", ""}).error().code, ErrorCode::kBadRequest);
  EXPECT_EQ(client_.Create(resources::Pods(), {{"kind", "Pod"}}).error().code,
            ErrorCode::kBadRequest);
}

TEST_F(ClientVerbsTest, ListPagesUntilTheEnd) {
  const auto page = [](const char* name, const char* token) {
    return Json{{"kind", "PodList"},
                {"apiVersion", "v1"},
                {"metadata", {{"resourceVersion", "5"}, {"continue", token}}},
                {"items", Json::array({{{"metadata", {{"name", name}}}}})}};
  };
  Expect(Method::kGet, "/api/v1/namespaces/shop/pods?labelSelector=a%3Db&limit=1&resourceVersion=0",
         page("one", "t/1"));
  Expect(Method::kGet, "/api/v1/namespaces/shop/pods?labelSelector=a%3Db&continue=t%2F1&limit=1",
         page("two", ""));
  const auto all = client_.ListAll(
      resources::Pods(), {.selection = {"shop", "a=b", ""}, .limit = 1, .resource_version = "0"});
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->items.size(), 2U);
  EXPECT_EQ(Name(all->items[1]), "two");
  EXPECT_EQ(Kind(all->items[1]), "Pod");
  EXPECT_EQ(all->resource_version, "5");
}

TEST_F(ClientVerbsTest, ExpiredPageIsGone) {
  Expect(Method::kGet, "/api/v1/pods?limit=500", {{"kind", "Status"}, {"reason", "Expired"}}, 410);
  EXPECT_EQ(client_.ListAll(resources::Pods()).error().code, ErrorCode::kGone);
}

TEST_F(ClientVerbsTest, CreateIsNeverSentTwice) {
  const Json object = NewObject(web_);
  Expect(Method::kPost, "/apis/apps/v1/namespaces/shop/deployments?fieldManager=tester", object);
  ASSERT_TRUE(client_.Create(web_.resource, object));
  EXPECT_EQ(SentBody(), object);
  EXPECT_FALSE(sent_.idempotent);
}

TEST_F(ClientVerbsTest, Subresources) {
  Expect(Method::kPost, "/api/v1/namespaces/shop/pods/p/eviction?fieldManager=tester",
         Json::object());
  EXPECT_TRUE(
      client_.CreateSubresource({resources::Pods(), "shop", "p"}, "eviction", Json::object()));
  Expect(Method::kPut, path_ + "/status?fieldManager=tester&dryRun=All", Json::object());
  EXPECT_TRUE(
      client_.Update(web_.resource, NewObject(web_), {.subresource = "status", .dry_run = true}));
  Expect(Method::kGet, path_ + "/status", Json::object());
  EXPECT_TRUE(client_.GetStatus(web_));
  Expect(Method::kGet, path_ + "/scale", Json::object());
  EXPECT_TRUE(client_.GetScale(web_));
  Expect(Method::kPatch, path_ + "/scale?fieldManager=tester", Json::object());
  EXPECT_TRUE(client_.SetScale(web_, 3));
  EXPECT_EQ(SentBody(), (Json{{"spec", {{"replicas", 3}}}}));
}

TEST_F(ClientVerbsTest, PatchesSayWhatTheyAre) {
  Expect(Method::kPatch, path_ + "?fieldManager=tester&force=true", Json::object());
  EXPECT_TRUE(client_.Apply(web_.resource, NewObject(web_)));
  EXPECT_EQ(sent_.content_type, "application/apply-patch+yaml");
  EXPECT_TRUE(sent_.idempotent);

  Expect(Method::kPatch, path_ + "?fieldManager=other&force=false", Json::object());
  EXPECT_TRUE(client_.Patch(web_, ApplyPatch(NewObject(web_), false), {.field_manager = "other"}));

  Expect(Method::kPatch, path_ + "?fieldManager=tester", Json::object());
  EXPECT_TRUE(client_.Patch(web_, MergePatch({{"a", nullptr}})));
  EXPECT_EQ(sent_.content_type, "application/merge-patch+json");

  Expect(Method::kPatch, path_ + "?fieldManager=tester", Json::object());
  EXPECT_TRUE(client_.Patch(web_, JsonPatch(Json::array())));
  EXPECT_EQ(sent_.content_type, "application/json-patch+json");
  EXPECT_FALSE(sent_.idempotent);
}

TEST_F(ClientVerbsTest, DeleteSaysHow) {
  Expect(Method::kDelete, path_, Json::object());
  EXPECT_TRUE(client_.Delete(web_, {.propagation = Propagation::kForeground,
                                    .uid = "u",
                                    .resource_version = "9",
                                    .grace_period_seconds = 0,
                                    .dry_run = true}));
  EXPECT_EQ(SentBody(), (Json{{"apiVersion", "v1"},
                              {"kind", "DeleteOptions"},
                              {"propagationPolicy", "Foreground"},
                              {"preconditions", {{"uid", "u"}, {"resourceVersion", "9"}}},
                              {"gracePeriodSeconds", 0},
                              {"dryRun", {"All"}}}));
}

TEST_F(ClientVerbsTest, AnswerThatIsNoObjectIsMalformed) {
  EXPECT_CALL(transport_, Send).WillOnce(Return(Response{.status = 200, .body = "<html>"}));
  EXPECT_EQ(client_.Get(web_).error().code, ErrorCode::kMalformed);
}

TEST_F(ClientVerbsTest, LogsAreText) {
  EXPECT_CALL(transport_, Send(AllOf(Field(&Request::target,
                                           "/api/v1/namespaces/shop/pods/p/"
                                           "log?container=c&previous=true&tailLines=5"),
                                     Field(&Request::accept, "*/*")),
                               _, _))
      .WillOnce(Return(Response{.status = 200, .body = "line\n"}));
  EXPECT_EQ(client_.Logs({resources::Pods(), "shop", "p"},
                         {.container = "c", .previous = true, .tail_lines = 5}),
            "line\n");
}

TEST_F(ClientVerbsTest, WatchPassesLinesAndItsOptions) {
  EXPECT_CALL(transport_,
              Stream(Field(&Request::target,
                           "/api/v1/pods?fieldSelector=metadata.name%3Dx&watch=true&"
                           "resourceVersion=7&allowWatchBookmarks=true&timeoutSeconds=300"),
                     _, Field(&StreamOptions::idle_timeout, std::chrono::seconds(330)), _))
      .WillOnce([](const Request&, LineSink& sink, const StreamOptions&, const std::stop_token&) {
        sink.OnLine("{}");
        return StreamEnd{.cause = StreamEnd::Cause::kServer, .response = {.status = 200}};
      });
  testing::CollectingSink sink;
  const auto end =
      client_.Watch(resources::Pods(),
                    {.selection = {"", "", "metadata.name=x"}, .resource_version = "7"}, sink, {});
  ASSERT_TRUE(end);
  EXPECT_EQ(sink.Lines(), std::vector<std::string>{"{}"});
}

TEST_F(ClientVerbsTest, WatchThatIsTooOldIsGone) {
  EXPECT_CALL(transport_, Stream)
      .WillOnce(Return(StreamEnd{
          .response = {.status = 410, .body = R"({"kind":"Status","reason":"Expired"})"}}));
  testing::CollectingSink sink;
  EXPECT_EQ(client_.Watch(resources::Pods(), {}, sink, {}).error().code, ErrorCode::kGone);
}

TEST_F(ClientVerbsTest, FollowedLogsMayBeginLate) {
  EXPECT_CALL(transport_,
              Stream(_, _, Field(&StreamOptions::head_timeout, std::chrono::minutes(5)), _))
      .WillOnce(Return(StreamEnd{.response = {.status = 200}}));
  testing::CollectingSink sink;
  EXPECT_TRUE(client_.FollowLogs({resources::Pods(), "shop", "p"}, {}, sink,
                                 {.idle_timeout = std::chrono::minutes(5)}, {}));
}

TEST_F(ClientVerbsTest, FollowedLogs) {
  EXPECT_CALL(
      transport_,
      Stream(Field(&Request::target, "/api/v1/namespaces/shop/pods/p/log?follow=true"), _, _, _))
      .WillOnce(Return(StreamEnd{.response = {.status = 200}}));
  testing::CollectingSink sink;
  EXPECT_TRUE(client_.FollowLogs({resources::Pods(), "shop", "p"}, {}, sink, {}, {}));
}

}  // namespace
}  // namespace sextant::kube
