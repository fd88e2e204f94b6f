#include "volume/server/session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace sextant::volume::server {
namespace {

using client::ErrorCode;
using Outcome = std::expected<void, Problem>;

constexpr auto kPatience = std::chrono::seconds(10);

client::Deadline Soon() { return std::chrono::steady_clock::now() + kPatience; }

// What happens to a tree, as the test wants it.
struct Fate {
  std::mutex mutex;
  TreeStatus status;
  client::Result<> flush;
  int flushes = 0;
  int idle_flushes = 0;
  bool unmounted = false;
  bool hangs = false;  // storage does not answer a flush
  std::condition_variable changed;
  std::promise<void> gone;
};

class FakeTree : public Tree {
 public:
  explicit FakeTree(std::shared_ptr<Fate> fate) : fate_(std::move(fate)) {}
  ~FakeTree() override { fate_->gone.set_value(); }
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;

  client::Result<> Flush(bool idle, client::Deadline) override {
    std::unique_lock lock(fate_->mutex);
    ++fate_->flushes;
    fate_->idle_flushes += idle ? 1 : 0;
    fate_->changed.notify_all();
    fate_->changed.wait(lock, [this] { return !fate_->hangs; });
    return fate_->flush;
  }
  void Cut() override {
    const std::scoped_lock lock(fate_->mutex);
    fate_->hangs = false;
    fate_->flush = std::unexpected(client::Error{ErrorCode::kClosed, "cut"});
    fate_->changed.notify_all();
  }
  client::Result<> Unmount(client::Deadline) override {
    const std::scoped_lock lock(fate_->mutex);
    fate_->unmounted = true;
    return {};
  }
  TreeStatus status() const override {
    const std::scoped_lock lock(fate_->mutex);
    return fate_->status;
  }

 private:
  const std::shared_ptr<Fate> fate_;
};

class FakeVolume : public Volume {
 public:
  std::expected<std::shared_ptr<Tree>, OpenError> Open(const Target& target,
                                                       std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    opened.push_back(target);
    changed_.notify_all();
    changed_.wait(lock, stop, [&] { return !holds; });
    if (stop.stop_requested()) {
      return std::unexpected(OpenError{"closed", "the client was closed"});
    }
    if (refuses) {
      return std::unexpected(*refuses);
    }
    fate = std::make_shared<Fate>();
    return std::make_shared<FakeTree>(fate);
  }
  client::Result<protocol::Branch> MakeBranch(protocol::BranchId parent, const client::Point& at,
                                              protocol::BranchId id, client::Deadline) override {
    return protocol::Branch{.id = id, .parent = parent, .fork = at.lsn.value_or(0)};
  }
  std::optional<protocol::Epoch> NewestEpoch(protocol::BranchId, client::Deadline) override {
    return 99;
  }

  void Hold(bool held) {
    const std::scoped_lock lock(mutex_);
    holds = held;
    changed_.notify_all();
  }
  void AwaitOpen(std::size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, kPatience, [&] { return opened.size() >= count; }));
  }

  std::vector<Target> opened;
  std::optional<OpenError> refuses;
  std::shared_ptr<Fate> fate;

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool holds = false;
};

class SessionTest : public ::testing::Test {
 protected:
  // A call of the session, and what came of it.
  template <class Call>
  static std::future<Outcome> Begin(Call call) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    auto future = promise->get_future();
    call([promise](const Outcome& outcome) { promise->set_value(outcome); });
    return future;
  }
  std::future<Outcome> Attach(const Target& target) {
    return Begin([&](auto done) { session_.Attach(target, Soon(), std::move(done)); });
  }
  std::future<Outcome> Detach() {
    return Begin([&](auto done) { session_.Detach(Soon(), std::move(done)); });
  }
  static std::string CodeOf(std::future<Outcome> future) {
    const Outcome outcome = future.get();
    return outcome ? "ok" : outcome.error().code;
  }
  void Await(State state) {
    const auto deadline = Soon();
    while (session_.status().state != state && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    EXPECT_EQ(session_.status().state, state);
  }

  static Target Writer(protocol::Epoch epoch) {
    return {.mode = Mode::kWriter, .branch = 1, .epoch = epoch, .at = {}};
  }
  static Target Reader() { return {.mode = Mode::kReader, .branch = 1, .epoch = 0, .at = {}}; }

  FakeVolume volume_;
  daemon::Log log_{daemon::LogLevel::kError};
  Session session_{volume_, log_};
};

TEST_F(SessionTest, AttachesAndDetaches) {
  EXPECT_EQ(session_.status().state, State::kDetached);
  EXPECT_EQ(CodeOf(Attach(Writer(1))), "ok");
  EXPECT_EQ(session_.status().state, State::kAttached);
  EXPECT_EQ(session_.status().target, Writer(1));
  EXPECT_TRUE(session_.status().tree);
  EXPECT_EQ(CodeOf(Detach()), "ok");
  EXPECT_TRUE(volume_.fate->unmounted);
  EXPECT_EQ(session_.status().state, State::kDetached);
  EXPECT_FALSE(session_.status().target);
  EXPECT_EQ(CodeOf(Detach()), "ok") << "already";
}

TEST_F(SessionTest, TheSameTargetIsThereAlready) {
  EXPECT_EQ(CodeOf(Attach(Writer(1))), "ok");
  EXPECT_EQ(CodeOf(Attach(Writer(1))), "ok");
  EXPECT_EQ(volume_.opened.size(), 1U);
}

TEST_F(SessionTest, AnotherTargetDetachesFirst) {
  EXPECT_EQ(CodeOf(Attach(Reader())), "ok");
  const auto reader = volume_.fate;
  EXPECT_EQ(CodeOf(Attach(Writer(7))), "ok");
  EXPECT_TRUE(reader->unmounted);
  EXPECT_EQ(reader->gone.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(session_.status().target, Writer(7));
}

TEST_F(SessionTest, ANewerOrderEndsAnAttach) {
  volume_.Hold(true);
  auto first = Attach(Writer(1));
  volume_.AwaitOpen(1);
  EXPECT_EQ(session_.status().state, State::kAttaching);
  auto second = Attach(Writer(2));
  EXPECT_EQ(CodeOf(std::move(first)), "superseded");
  volume_.AwaitOpen(2);
  auto again = Attach(Writer(2));
  auto gone = Detach();
  EXPECT_EQ(CodeOf(std::move(second)), "superseded");
  EXPECT_EQ(CodeOf(std::move(again)), "superseded");
  EXPECT_EQ(CodeOf(std::move(gone)), "ok");
  EXPECT_EQ(session_.status().state, State::kDetached);
}

TEST_F(SessionTest, ARefusedAttachLeavesNothing) {
  volume_.refuses = OpenError{"fenced", "epoch 3 was fenced", 8};
  EXPECT_EQ(CodeOf(Attach(Writer(3))), "fenced");
  EXPECT_EQ(session_.status().state, State::kDetached);
  EXPECT_EQ(session_.status().fenced_by, 8U);
  EXPECT_EQ(session_.status().error, "epoch 3 was fenced");
  volume_.refuses = OpenError{"mount_failed", "no /dev/fuse"};
  EXPECT_EQ(CodeOf(Attach(Writer(9))), "mount_failed");
  EXPECT_EQ(session_.status().state, State::kFailed);
  volume_.refuses.reset();
  EXPECT_EQ(CodeOf(Attach(Writer(10))), "ok");
  EXPECT_EQ(session_.status().error, "");
}

TEST_F(SessionTest, AFencedWriterStaysUntilTheNextOrder) {
  EXPECT_EQ(CodeOf(Attach(Writer(1))), "ok");
  {
    const std::scoped_lock lock(volume_.fate->mutex);
    volume_.fate->status.fenced = true;
    volume_.fate->flush = std::unexpected(client::Error{ErrorCode::kFenced, "fenced"});
  }
  Await(State::kFenced);
  EXPECT_EQ(session_.status().fenced_by, 99U);
  const auto old = volume_.fate;
  EXPECT_EQ(CodeOf(Attach(Reader())), "ok");
  EXPECT_FALSE(old->unmounted) << "there is nothing to flush for";
  EXPECT_EQ(old->gone.get_future().wait_for(kPatience), std::future_status::ready);
  EXPECT_FALSE(session_.status().fenced_by);
}

TEST_F(SessionTest, AMountThatFailedIsTold) {
  EXPECT_EQ(CodeOf(Attach(Reader())), "ok");
  {
    const std::scoped_lock lock(volume_.fate->mutex);
    volume_.fate->status.failure = "the overlay's disk is full";
  }
  Await(State::kFailed);
  EXPECT_EQ(session_.status().error, "the overlay's disk is full");
}

TEST_F(SessionTest, WhatCannotBeFlushedStaysMountedUnlessAbandoned) {
  EXPECT_EQ(CodeOf(Attach(Writer(1))), "ok");
  {
    const std::scoped_lock lock(volume_.fate->mutex);
    volume_.fate->flush = std::unexpected(client::Error{ErrorCode::kTimeout, "no quorum"});
  }
  EXPECT_EQ(CodeOf(Detach()), "timeout");
  EXPECT_EQ(session_.status().state, State::kAttached);
  EXPECT_EQ(CodeOf(Begin([&](auto done) { session_.Abandon(Soon(), std::move(done)); })), "ok");
  EXPECT_EQ(session_.status().state, State::kDetached);
}

TEST_F(SessionTest, ACutEndsADetachThatWaitsForStorage) {
  EXPECT_EQ(CodeOf(Attach(Writer(1))), "ok");
  const auto fate = volume_.fate;
  fate->hangs = true;
  auto detached = Detach();
  {
    std::unique_lock lock(fate->mutex);
    ASSERT_TRUE(fate->changed.wait_for(lock, kPatience, [&] { return fate->flushes == 1; }));
  }
  auto abandoned = Begin([&](auto done) { session_.Abandon(Soon(), std::move(done)); });
  session_.Cut();
  EXPECT_EQ(CodeOf(std::move(detached)), "closed");
  EXPECT_EQ(CodeOf(std::move(abandoned)), "ok");
  EXPECT_EQ(session_.status().state, State::kDetached);
}

TEST_F(SessionTest, FlushesWhatIsMounted) {
  const auto flush = [&](bool idle) {
    return Begin([&](auto done) { session_.Flush(idle, Soon(), std::move(done)); });
  };
  EXPECT_EQ(CodeOf(flush(false)), "detached");
  EXPECT_EQ(CodeOf(Attach(Writer(1))), "ok");
  EXPECT_EQ(CodeOf(flush(false)), "ok");
  EXPECT_EQ(volume_.fate->idle_flushes, 0);
  EXPECT_EQ(CodeOf(flush(true)), "ok");
  EXPECT_EQ(volume_.fate->flushes, 2);
  EXPECT_EQ(volume_.fate->idle_flushes, 1);
}

TEST_F(SessionTest, MakesBranches) {
  std::promise<std::expected<protocol::Branch, Problem>> made;
  session_.MakeBranch(1, {.lsn = 42, .time = {}}, 2, Soon(),
                      [&](const auto& branch) { made.set_value(branch); });
  EXPECT_EQ(made.get_future().get()->fork, 42U);
}

}  // namespace
}  // namespace sextant::volume::server
