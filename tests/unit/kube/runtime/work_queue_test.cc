#include "sextant/kube/runtime/work_queue.h"

#include "tests/unit/kube/runtime/fake_clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace sextant::kube::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Key kA{"default", "a"};
const Key kB{"default", "b"};

class WorkQueueTest : public ::testing::Test {
 protected:
  // What the next worker gets, held no longer than this call.
  std::string Next() {
    const auto item = queue_.TryGet();
    return item ? item->GetKey().name : "nothing";
  }

  FakeClock clock_;
  WorkQueue queue_{clock_, {.base_delay = milliseconds(5), .max_delay = milliseconds(1000)}};
};

TEST_F(WorkQueueTest, FirstInFirstOut) {
  queue_.Add(kB);
  queue_.Add(kA);
  EXPECT_EQ(queue_.Depth(), 2U);
  EXPECT_EQ(Next(), "b");
  EXPECT_EQ(Next(), "a");
  EXPECT_EQ(Next(), "nothing");
}

TEST_F(WorkQueueTest, KeyWaitsOnce) {
  for (int i = 0; i < 5; ++i) queue_.Add(kA);
  EXPECT_EQ(queue_.Depth(), 1U);
  EXPECT_EQ(Next(), "a");
  EXPECT_EQ(Next(), "nothing");
}

TEST_F(WorkQueueTest, KeyIsNeverWithTwoWorkers) {
  queue_.Add(kA);
  const auto item = queue_.TryGet();
  ASSERT_TRUE(item.has_value());
  queue_.Add(kA);
  EXPECT_EQ(Next(), "nothing");
}

TEST_F(WorkQueueTest, AdditionDuringTheWorkIsNotLost) {
  queue_.Add(kA);
  {
    const auto item = queue_.TryGet();
    queue_.Add(kA);
    queue_.Add(kA);
  }
  EXPECT_EQ(Next(), "a");
  EXPECT_EQ(Next(), "nothing");
}

TEST_F(WorkQueueTest, MovedItemIsDoneOnce) {
  queue_.Add(kA);
  auto item = queue_.TryGet();
  {
    const WorkItem moved = std::move(*item);
    queue_.Add(kA);
    EXPECT_EQ(Next(), "nothing");
  }
  item.reset();
  EXPECT_EQ(Next(), "a");
}

TEST_F(WorkQueueTest, DelayedKeyComesWhenItIsTime) {
  queue_.AddAfter(kA, seconds(10));
  EXPECT_EQ(Next(), "nothing");
  clock_.Advance(seconds(9));
  EXPECT_EQ(Next(), "nothing");
  clock_.Advance(seconds(1));
  EXPECT_EQ(Next(), "a");
  clock_.Advance(seconds(100));
  EXPECT_EQ(Next(), "nothing");
}

TEST_F(WorkQueueTest, EarliestOfSeveralDelaysCounts) {
  queue_.AddAfter(kA, seconds(10));
  queue_.AddAfter(kA, seconds(3));
  queue_.AddAfter(kA, seconds(20));
  clock_.Advance(seconds(3));
  EXPECT_EQ(Next(), "a");
  clock_.Advance(seconds(100));
  EXPECT_EQ(Next(), "nothing");
}

TEST_F(WorkQueueTest, DelayedKeysComeInTheOrderOfTheirTimes) {
  queue_.AddAfter(kA, seconds(2));
  queue_.AddAfter(kB, seconds(1));
  clock_.Advance(seconds(5));
  EXPECT_EQ(Next(), "b");
  EXPECT_EQ(Next(), "a");
}

TEST_F(WorkQueueTest, NoDelayIsAPlainAddition) {
  queue_.AddAfter(kA, seconds(0));
  EXPECT_EQ(Next(), "a");
}

TEST_F(WorkQueueTest, DelayGrowsWithEachFailureUntilForgotten) {
  queue_.AddRateLimited(kA);
  clock_.Advance(milliseconds(5));
  EXPECT_EQ(Next(), "a");
  queue_.AddRateLimited(kA);
  EXPECT_EQ(queue_.Failures(kA), 2);
  clock_.Advance(milliseconds(9));
  EXPECT_EQ(Next(), "nothing");
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(Next(), "a");
  queue_.Forget(kA);
  queue_.AddRateLimited(kA);
  clock_.Advance(milliseconds(5));
  EXPECT_EQ(Next(), "a");
}

TEST_F(WorkQueueTest, StoppedQueueForgetsWhatWaitsAndTakesNoMore) {
  queue_.Add(kA);
  queue_.AddAfter(kB, seconds(1));
  queue_.Stop();
  queue_.Add(kB);
  clock_.Advance(seconds(10));
  EXPECT_FALSE(queue_.Get().has_value());
  EXPECT_EQ(queue_.Depth(), 0U);
}

TEST_F(WorkQueueTest, ItemOutlivesTheStop) {
  queue_.Add(kA);
  const auto item = queue_.TryGet();
  queue_.Add(kA);
  queue_.Stop();
  EXPECT_EQ(item->GetKey(), kA);
}

TEST_F(WorkQueueTest, StopWakesWaitingWorkers) {
  std::vector<std::jthread> workers;
  std::atomic<int> ended = 0;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      while (queue_.Get()) {
      }
      ++ended;
    });
  }
  queue_.Stop();
  workers.clear();
  EXPECT_EQ(ended, 4);
}

TEST_F(WorkQueueTest, DrainWaitsForWhatWaited) {
  for (int i = 0; i < 100; ++i) queue_.Add({"default", std::to_string(i)});
  std::atomic<int> finished = 0;
  std::vector<std::jthread> workers;
  for (int i = 0; i < 3; ++i) {
    workers.emplace_back([&] {
      while (const auto item = queue_.Get()) ++finished;
    });
  }
  queue_.Drain();
  EXPECT_EQ(finished, 100);
  queue_.Add(kA);
  EXPECT_EQ(Next(), "nothing");
}

// Two workers wait; the delays end one after another. A worker that takes the first key must hand
// the watch over the clock to the other, or the second key would wait for the end of the first's
// work.
TEST(WorkQueueThreadsTest, DelayedKeyFindsTheFreeWorker) {
  const SystemClock clock;
  WorkQueue queue(clock);
  std::mutex mutex;
  std::condition_variable changed;
  bool second_came = false;
  bool first_saw_it = false;
  std::vector<std::jthread> workers;
  for (int i = 0; i < 2; ++i) {
    workers.emplace_back([&] {
      while (const auto item = queue.Get()) {
        std::unique_lock lock(mutex);
        if (item->GetKey() == kA) {
          first_saw_it = changed.wait_for(lock, seconds(20), [&] { return second_came; });
          return;
        }
        second_came = true;
        changed.notify_all();
        return;
      }
    });
  }
  queue.AddAfter(kA, milliseconds(20));
  queue.AddAfter(kB, milliseconds(40));
  workers.clear();
  EXPECT_TRUE(first_saw_it);
}

// The invariant: between taking a key and being done with it a worker is alone with that key; and
// every key is worked on after its last addition. Each worker counts a key's visitors and marks the
// additions that it must have seen.
TEST(WorkQueueThreadsTest, ManyWorkersNeverShareAKeyAndMissNone) {
  constexpr int kKeys = 20;
  constexpr int kAdditions = 2000;
  const SystemClock clock;
  WorkQueue queue(clock);
  struct State {
    std::atomic<int> visitors = 0;
    std::atomic<int> added = 0;
    std::atomic<int> seen = 0;
  };
  std::map<std::string, State> states;
  for (int i = 0; i < kKeys; ++i) states[std::to_string(i)];
  std::atomic<bool> shared = false;

  std::vector<std::jthread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      while (const auto item = queue.Get()) {
        State& state = states.at(item->GetKey().name);
        if (state.visitors.fetch_add(1) != 0) shared = true;
        state.seen = state.added.load();
        std::this_thread::yield();
        state.visitors.fetch_sub(1);
      }
    });
  }
  {
    std::vector<std::jthread> producers;
    for (int producer = 0; producer < 2; ++producer) {
      producers.emplace_back([&, producer] {
        for (int i = 0; i < kAdditions; ++i) {
          const Key key{"default", std::to_string((i * 7 + producer) % kKeys)};
          ++states.at(key.name).added;
          if (i % 5 == 0) {
            queue.AddAfter(key, std::chrono::microseconds(i % 50));
          }
          queue.Add(key);
        }
      });
    }
  }
  queue.Drain();
  workers.clear();
  EXPECT_FALSE(shared);
  for (const auto& [name, state] : states) EXPECT_EQ(state.seen, state.added) << name;
}

}  // namespace
}  // namespace sextant::kube::runtime
