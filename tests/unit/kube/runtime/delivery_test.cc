#include "kube/runtime/delivery.h"

#include "tests/unit/kube/runtime/await.h"
#include "tests/unit/kube/runtime/mocked_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <stdexcept>

namespace sextant::kube::runtime {
namespace {

using ::testing::ElementsAre;

SnapshotPtr Of(const std::string& name, const std::string& version, const std::string& uid = "") {
  return Snapshot::Make(ConfigMap(name, version, uid));
}

// "added a 1", "updated a 1-2", "deleted a 2", "missed a 2".
std::string InWords(const Change& change) {
  const std::string name = change.Newest().GetKey().name + " ";
  const std::string version(change.Newest().ResourceVersion());
  if (change.IsAddition()) return "added " + name + version;
  if (change.IsDeletion()) return (change.missed ? "missed " : "deleted ") + name + version;
  return "updated " + name + std::string(change.before->ResourceVersion()) + "-" + version;
}

// A handler that is stuck at the object "first" until it is let go.
class DeliveryTest : public ::testing::Test {
 protected:
  DeliveryTest() {
    delivery_.Push({.before = nullptr, .after = Of("first", "0")});
    is_stuck_.wait();
  }

  void Push(SnapshotPtr before, SnapshotPtr after, bool missed = false) {
    delivery_.Push({.before = std::move(before), .after = std::move(after), .missed = missed});
  }

  std::vector<std::string> Told(std::size_t count) {
    // The last word shows that nothing more comes for the objects before.
    delivery_.Push({.before = nullptr, .after = Of("last", "0")});
    let_go_.count_down();
    std::vector<std::string> words = journal_.Await(count + 1);
    EXPECT_EQ(words.back(), "added last 0");
    words.pop_back();
    return words;
  }

  Journal journal_;
  std::latch is_stuck_{1};
  std::latch let_go_{1};
  Delivery delivery_{[this](const Change& change) {
    if (change.Newest().GetKey().name == "first") {
      is_stuck_.count_down();
      let_go_.wait();
      return;
    }
    journal_.Write(InWords(change));
  }};
};

TEST_F(DeliveryTest, ObjectsInTheOrderOfTheirFirstNews) {
  Push(nullptr, Of("a", "1"));
  Push(nullptr, Of("b", "2"));
  Push(Of("a", "1"), Of("a", "3"));
  EXPECT_THAT(Told(2), ElementsAre("added a 3", "added b 2"));
}

TEST_F(DeliveryTest, UpdatesOfAKnownObjectAreOne) {
  Push(Of("a", "1"), Of("a", "2"));
  Push(Of("a", "2"), Of("a", "3"));
  EXPECT_THAT(Told(1), ElementsAre("updated a 1-3"));
}

TEST_F(DeliveryTest, DeletionTellsTheLastState) {
  Push(Of("a", "1"), Of("a", "2"));
  Push(Of("a", "3"), nullptr);
  EXPECT_THAT(Told(1), ElementsAre("deleted a 3"));
}

TEST_F(DeliveryTest, ObjectThatCameAndWentIsTold) {
  Push(nullptr, Of("a", "1"));
  Push(Of("a", "2"), nullptr);
  EXPECT_THAT(Told(1), ElementsAre("deleted a 2"));
}

TEST_F(DeliveryTest, DeletedAndMadeAgainIsBoth) {
  Push(Of("a", "1", "x"), nullptr);
  Push(nullptr, Of("a", "2", "y"));
  Push(Of("a", "2", "y"), Of("a", "3", "y"));
  EXPECT_THAT(Told(2), ElementsAre("deleted a 1", "added a 3"));
}

TEST_F(DeliveryTest, ObjectReplacedUnseenIsBoth) {
  Push(Of("a", "1", "x"), Of("a", "5", "y"));
  EXPECT_THAT(Told(2), ElementsAre("missed a 1", "added a 5"));
}

TEST_F(DeliveryTest, MissedDeletionIsMarked) {
  Push(Of("a", "1"), nullptr, /*missed=*/true);
  EXPECT_THAT(Told(1), ElementsAre("missed a 1"));
}

TEST_F(DeliveryTest, DestructorDropsWhatWaits) {
  Push(nullptr, Of("a", "1"));
  let_go_.count_down();
}

TEST(DeliveryExceptionTest, HandlerThatThrowsIsToldTheNext) {
  Journal journal;
  Delivery delivery([&](const Change& change) {
    journal.Write(InWords(change));
    if (change.Newest().GetKey().name == "bad") throw std::runtime_error("bad object");
  });
  delivery.Push({.before = nullptr, .after = Of("bad", "1")});
  delivery.Push({.before = nullptr, .after = Of("good", "2")});
  EXPECT_THAT(journal.Await(2), ElementsAre("added bad 1", "added good 2"));
}

}  // namespace
}  // namespace sextant::kube::runtime
