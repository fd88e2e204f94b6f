#include "sextant/kube/runtime/informer.h"

#include "sextant/kube/runtime/metrics.h"
#include "tests/unit/kube/runtime/await.h"
#include "tests/unit/kube/runtime/fake_clock.h"
#include "tests/unit/kube/runtime/mocked_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <optional>

namespace sextant::kube::runtime {
namespace {

using std::chrono::seconds;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::InSequence;

std::string Summary(const Change& change) {
  const std::string name = change.Newest().GetKey().name;
  if (change.IsAddition()) return "added " + name;
  if (change.IsDeletion()) return (change.missed ? "missed " : "deleted ") + name;
  return "updated " + name;
}

class InformerTest : public ::testing::Test {
 protected:
  void Start() {
    informer_.emplace(mocked_.client,
                      ReflectorOptions{.resource = resources::ConfigMaps(),
                                       .page_size = 2,
                                       .watcher = {.stream_list = streams_list_}},
                      clock_, Indexes{}, &metrics_.Watch("configmaps"));
    informer_->AddHandler([this](const Change& change) { journal_.Write(Summary(change)); });
    informer_->Start();
  }

  void ExpectList(const Json& list, const std::string& target = "limit=2") {
    EXPECT_CALL(mocked_.transport, Stream(IsRequest(Method::kGet, target), _, _, _))
        .WillOnce(StreamOf(list));
  }

  template <typename Action>
  void ExpectWatch(const std::string& version, Action action) {
    EXPECT_CALL(mocked_.transport,
                Stream(IsRequest(Method::kGet, "resourceVersion=" + version), _, _, _))
        .WillOnce(action);
  }

  // The last watch of a test, which stays open.
  void ExpectLastWatch(const std::string& version, std::vector<std::string> lines = {}) {
    ExpectWatch(version, LastStream(last_watch_, std::move(lines)));
    waits_for_last_watch_ = true;
  }

  void TearDown() override {
    if (waits_for_last_watch_) last_watch_.wait();
  }

  // Lets the reflector's back-off pass.
  void PassBackOff() {
    clock_.AwaitSleeper();
    clock_.Advance(seconds(60));
  }

  FakeClock clock_;
  Metrics metrics_{clock_};
  MockedClient mocked_;
  Journal journal_;
  InSequence in_sequence_;
  std::latch last_watch_{1};
  bool waits_for_last_watch_ = false;
  bool streams_list_ = false;
  std::optional<Informer> informer_;
};

TEST_F(InformerTest, ListsAllPagesThenWatches) {
  ExpectList(ListOf({ConfigMap("a", "1"), ConfigMap("b", "2")}, "9", "next"));
  ExpectList(ListOf({ConfigMap("c", "3")}, "9"), "continue=next");
  std::latch listed(1);
  ExpectWatch("9", [&](const Request&, LineSink&, const StreamOptions&, const std::stop_token&) {
    listed.wait();  // else the news of the list and of the watch would be merged
    return Result<StreamEnd>(EndBy(StreamEnd::Cause::kServer));
  });
  ExpectLastWatch("9",
                  {Event("ADDED", ConfigMap("d", "10")), Event("MODIFIED", ConfigMap("a", "11")),
                   Event("DELETED", ConfigMap("b", "12"))});
  Start();
  ASSERT_TRUE(informer_->WaitUntilSynced(seconds(20)));
  (void)journal_.Await(3);
  listed.count_down();
  PassBackOff();
  const auto words = journal_.Await(6);
  EXPECT_THAT((std::vector(words.begin() + 3, words.end())),
              ElementsAre("added d", "updated a", "deleted b"));
  EXPECT_EQ(informer_->Objects().Size(), 3U);
  EXPECT_EQ(informer_->Objects().Get({"default", "a"})->ResourceVersion(), "11");
}

TEST_F(InformerTest, ListThatBeginsTheWatchIsOneList) {
  streams_list_ = true;
  Json end = ConfigMap("", "9");
  end["metadata"]["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  std::latch listed(1);
  EXPECT_CALL(mocked_.transport, Stream(IsRequest(Method::kGet, "sendInitialEvents=true"), _, _, _))
      .WillOnce([&](const Request&, LineSink& sink, const StreamOptions&,
                    const std::stop_token& stop) -> Result<StreamEnd> {
        (void)sink.OnLine(Event("ADDED", ConfigMap("a", "1")));
        EXPECT_EQ(informer_->Objects().Size(), 0U) << "not yet whole";
        (void)sink.OnLine(Event("ADDED", ConfigMap("b", "2")));
        (void)sink.OnLine(Event("ADDED", ConfigMap("c", "3")));
        (void)sink.OnLine(Event("MODIFIED", ConfigMap("b", "4")));
        (void)sink.OnLine(Event("DELETED", ConfigMap("c", "5")));
        (void)sink.OnLine(Event("BOOKMARK", end));
        listed.wait();
        (void)sink.OnLine(Event("DELETED", ConfigMap("a", "10")));
        WaitForStop(stop);
        return std::unexpected(Error{.code = ErrorCode::kCancelled});
      });
  Start();
  ASSERT_TRUE(informer_->WaitUntilSynced(seconds(20)));
  EXPECT_THAT(journal_.Await(2), ElementsAre("added a", "added b"));
  EXPECT_EQ(informer_->Objects().Get({"default", "b"})->ResourceVersion(), "4");
  EXPECT_EQ(informer_->Objects().Size(), 2U);
  listed.count_down();
  EXPECT_EQ(journal_.Await(3).back(), "deleted a");
}

TEST_F(InformerTest, ServerThatDoesNotStreamListsIsAskedForPages) {
  streams_list_ = true;
  EXPECT_CALL(mocked_.transport, Stream(IsRequest(Method::kGet, "sendInitialEvents=true"), _, _, _))
      .WillOnce(StreamThat({}, std::unexpected(Error{.code = ErrorCode::kInvalid, .status = 422})));
  ExpectList(ListOf({ConfigMap("a", "1")}, "9"));
  ExpectLastWatch("9");
  Start();
  EXPECT_THAT(journal_.Await(1), ElementsAre("added a"));
}

TEST_F(InformerTest, BookmarksMoveTheWatchOn) {
  ExpectList(ListOf({}, "9"));
  ExpectWatch(
      "9", StreamThat({Event("BOOKMARK", ConfigMap("", "50"))}, EndBy(StreamEnd::Cause::kServer)));
  ExpectLastWatch("50", {Event("ADDED", ConfigMap("a", "51"))});
  Start();
  EXPECT_THAT(journal_.Await(1), ElementsAre("added a"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("watch_restarts_total{resource=\"configmaps\"} 1"));
}

TEST_F(InformerTest, GoneAsAnEventListsAgainAndTellsWhatWasMissed) {
  ExpectList(ListOf({ConfigMap("a", "1"), ConfigMap("b", "2")}, "9"));
  const Json status = {{"kind", "Status"},
                       {"status", "Failure"},
                       {"code", 410},
                       {"reason", "Expired"},
                       {"message", "too old resource version"}};
  ExpectWatch("9", StreamThat({Event("ERROR", status)}));
  ExpectList(ListOf({ConfigMap("b", "2"), ConfigMap("c", "30")}, "40"));
  ExpectLastWatch("40");
  Start();
  (void)journal_.Await(2);
  PassBackOff();
  const auto words = journal_.Await(4);
  EXPECT_THAT((std::vector(words.begin() + 2, words.end())),
              ::testing::UnorderedElementsAre("missed a", "added c"));
  EXPECT_THAT(metrics_.Text(), HasSubstr("watch_relists_total{resource=\"configmaps\"} 1"));
}

TEST_F(InformerTest, GoneOnOpeningListsAgain) {
  ExpectList(ListOf({ConfigMap("a", "1")}, "9"));
  ExpectWatch("9", StreamThat({}, std::unexpected(Error{.code = ErrorCode::kGone, .status = 410})));
  ExpectList(ListOf({}, "40"));
  ExpectLastWatch("40");
  Start();
  (void)journal_.Await(1);
  PassBackOff();
  EXPECT_THAT(journal_.Await(2), ElementsAre("added a", "missed a"));
}

TEST_F(InformerTest, SilenceListsAgain) {
  ExpectList(ListOf({}, "9"));
  ExpectWatch("9",
              [this](const Request&, LineSink& sink, const StreamOptions& options,
                     const std::stop_token&) -> Result<StreamEnd> {
                EXPECT_EQ(options.idle_timeout, std::chrono::minutes(3));
                (void)sink.OnLine(Event("ADDED", ConfigMap("a", "10")));
                clock_.Advance(options.idle_timeout);
                return std::unexpected(Error{.code = ErrorCode::kTimeout});
              });
  ExpectList(ListOf({ConfigMap("a", "10"), ConfigMap("b", "11")}, "12"));
  ExpectLastWatch("12");
  Start();
  EXPECT_THAT(journal_.Await(2), ElementsAre("added a", "added b"));
}

TEST_F(InformerTest, GarbageListsAgain) {
  ExpectList(ListOf({}, "9"));
  ExpectWatch("9", StreamThat({"{\"type\": \"ADD"}));
  ExpectList(ListOf({ConfigMap("a", "10")}, "12"));
  ExpectLastWatch("12");
  Start();
  PassBackOff();
  EXPECT_THAT(journal_.Await(1), ElementsAre("added a"));
}

TEST_F(InformerTest, BrokenWatchGoesOnWhereItWas) {
  ExpectList(ListOf({}, "9"));
  ExpectWatch("9", StreamThat({Event("ADDED", ConfigMap("a", "10"))},
                              std::unexpected(Error{.code = ErrorCode::kUnavailable})));
  ExpectLastWatch("10", {Event("ADDED", ConfigMap("b", "11"))});
  Start();
  EXPECT_THAT(journal_.Await(2), ElementsAre("added a", "added b"));
}

TEST_F(InformerTest, FailedListIsTriedAgainFromTheBeginning) {
  ExpectList(ListOf({ConfigMap("a", "1"), ConfigMap("b", "2")}, "9", "next"));
  EXPECT_CALL(mocked_.transport, Stream(IsRequest(Method::kGet, "continue=next"), _, _, _))
      .WillOnce(StreamThat({}, std::unexpected(Error{.code = ErrorCode::kGone, .status = 410})));
  ExpectList(ListOf({ConfigMap("a", "1")}, "20"));
  ExpectLastWatch("20");
  Start();
  PassBackOff();
  EXPECT_THAT(journal_.Await(1), ElementsAre("added a"));
  EXPECT_EQ(informer_->Objects().Size(), 1U);
}

TEST_F(InformerTest, ListThatIsNoneIsTriedAgain) {
  for (const Json& none : {Json::array(), Json{{"items", {1}}}, Json{{"kind", "PodList"}}}) {
    ExpectList(none);
  }
  EXPECT_CALL(mocked_.transport, Stream(IsRequest(Method::kGet, "limit=2"), _, _, _))
      .WillOnce(StreamThat({"{\"items\":[{\"metadata\""}, EndBy(StreamEnd::Cause::kServer)));
  ExpectList(ListOf({ConfigMap("a", "1")}, "20"));
  ExpectLastWatch("20");
  Start();
  for (int i = 0; i < 4; ++i) PassBackOff();
  EXPECT_THAT(journal_.Await(1), ElementsAre("added a"));
}

TEST_F(InformerTest, LateHandlerIsToldOfEverythingThereIs) {
  ExpectList(ListOf({ConfigMap("a", "1")}, "9"));
  ExpectLastWatch("9");
  Start();
  (void)journal_.Await(1);
  Journal late;
  informer_->AddHandler([&](const Change& change) { late.Write(Summary(change)); });
  EXPECT_THAT(late.Await(1), ElementsAre("added a"));
  last_watch_.wait();  // a reflector that is stopped earlier never opens it
  informer_->Stop();
}

TEST_F(InformerTest, SlowHandlerDelaysNobodyElse) {
  ExpectList(ListOf({ConfigMap("a", "1")}, "9"));
  ExpectLastWatch("9",
                  {Event("ADDED", ConfigMap("b", "10")), Event("ADDED", ConfigMap("c", "11"))});
  std::latch let_go(1);
  Start();
  informer_->AddHandler([&](const Change&) { let_go.wait(); });
  EXPECT_THAT(journal_.Await(3), ElementsAre("added a", "added b", "added c"));
  let_go.count_down();
  last_watch_.wait();
  informer_->Stop();
}

TEST_F(InformerTest, StopEndsABackOffAndAWaitForTheList) {
  EXPECT_CALL(mocked_.transport, Stream(_, _, _, _))
      .WillOnce(StreamThat({}, std::unexpected(Error{.code = ErrorCode::kUnavailable})));
  Start();
  clock_.AwaitSleeper();
  std::jthread waiter([this] { EXPECT_FALSE(informer_->WaitUntilSynced(seconds(60))); });
  informer_->Stop();
}

}  // namespace
}  // namespace sextant::kube::runtime
