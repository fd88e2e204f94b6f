#include "volume/server/session.h"

#include <nlohmann/json.hpp>

#include <array>
#include <format>

namespace sextant::volume::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kLookInterval = std::chrono::milliseconds(100);
constexpr auto kEpochPatience = std::chrono::seconds(1);
constexpr std::size_t kMaxTasks = 64;

std::int64_t MillisecondsSince(Clock::time_point then) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - then).count();
}

nlohmann::json Fields(const Target& target) {
  nlohmann::json fields = {{"mode", ToString(target.mode)}, {"branch", target.branch}};
  if (target.mode == Mode::kWriter) {
    fields["epoch"] = target.epoch;
  }
  return fields;
}

void Tell(std::vector<Session::Done<>>& waiters, const std::expected<void, Problem>& outcome) {
  for (auto& waiter : waiters) {
    waiter(outcome);
  }
}

const Problem kClosed{"closed", "the program ends"};

}  // namespace

std::string_view ToString(State state) {
  constexpr std::array<std::string_view, 6> kNames = {"detached",  "attaching", "attached",
                                                      "detaching", "fenced",    "failed"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view ToString(Mode mode) { return mode == Mode::kWriter ? "writer" : "reader"; }

Problem ProblemOf(const client::Error& error) {
  constexpr std::array<std::string_view, 8> kCodes = {
      "timeout", "closed", "fenced", "superseded", "collected", "too_large", "invalid", "lost"};
  return {std::string(kCodes[static_cast<std::size_t>(error.code)]), error.message};
}

Session::Session(Volume& volume, const daemon::Log& log)
    : volume_(volume), log_(log), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Session::~Session() {
  std::stop_source cancel;
  {
    const std::scoped_lock lock(mutex_);
    cancel = cancel_;
  }
  thread_.request_stop();
  cancel.request_stop();
  thread_.join();
  if (next_) {
    Tell(next_->waiters, std::unexpected(kClosed));
  }
  for (auto& task : tasks_) {
    task(true);
  }
}

// --- Orders. ---

void Session::Attach(const Target& target, client::Deadline deadline, Done<> done) {
  Order order{.target = target, .abandon = false, .deadline = deadline, .waiters = {}};
  order.waiters.push_back(std::move(done));
  Give(std::move(order));
}

void Session::Detach(client::Deadline deadline, Done<> done) {
  Order order{.target = {}, .abandon = false, .deadline = deadline, .waiters = {}};
  order.waiters.push_back(std::move(done));
  Give(std::move(order));
}

void Session::Abandon(client::Deadline deadline, Done<> done) {
  Order order{.target = {}, .abandon = true, .deadline = deadline, .waiters = {}};
  order.waiters.push_back(std::move(done));
  Give(std::move(order));
}

void Session::Cut() {
  std::shared_ptr<Tree> tree;
  {
    const std::scoped_lock lock(mutex_);
    tree = tree_;
  }
  if (tree) {
    tree->Cut();
  }
}

void Session::Give(Order order) {
  std::stop_source cancel(std::nostopstate);
  std::optional<Order> replaced;
  {
    std::unique_lock lock(mutex_);
    const auto same = [&](const std::optional<Order>& other) {
      return other && other->target == order.target && (other->abandon || !order.abandon) &&
             other->waiters.size() < kMaxTasks;
    };
    const State there = order.target ? State::kAttached : State::kDetached;
    if (same(next_) || (!next_ && same(current_))) {
      auto& waiters = next_ ? next_->waiters : current_->waiters;
      waiters.push_back(std::move(order.waiters.front()));
      return;
    }
    if (!next_ && !current_ && state_ == there && (!order.target || target_ == order.target)) {
      lock.unlock();
      Tell(order.waiters, {});
      return;
    }
    replaced = std::exchange(next_, std::move(order));
    cancel = cancel_;
    changed_.notify_all();
  }
  if (cancel.stop_possible()) {
    cancel.request_stop();  // without the lock: it ends what the session's thread waits for
  }
  if (replaced) {
    Tell(replaced->waiters, std::unexpected(Problem{"superseded", "another order came"}));
  }
}

void Session::Post(std::move_only_function<void(bool)> task) {
  const std::scoped_lock lock(mutex_);
  tasks_.push_back(std::move(task));
  changed_.notify_all();
}

void Session::Flush(bool idle, client::Deadline deadline, Done<> done) {
  Post([this, idle, deadline, done = std::move(done)](bool closed) mutable {
    if (closed) {
      return done(std::unexpected(kClosed));
    }
    const std::shared_ptr<Tree> tree = tree_;
    if (!tree) {
      return done(std::unexpected(Problem{"detached", "nothing is mounted"}));
    }
    done(tree->Flush(idle, deadline).transform_error(ProblemOf));
  });
}

void Session::MakeBranch(protocol::BranchId parent, const client::Point& at, protocol::BranchId id,
                         client::Deadline deadline, Done<protocol::Branch> done) {
  Post([this, parent, at, id, deadline, done = std::move(done)](bool closed) mutable {
    if (closed) {
      return done(std::unexpected(kClosed));
    }
    done(volume_.MakeBranch(parent, at, id, deadline).transform_error(ProblemOf));
  });
}

SessionStatus Session::status() const {
  std::shared_ptr<Tree> tree;
  SessionStatus status;
  {
    const std::scoped_lock lock(mutex_);
    tree = tree_;
    status = {
        .state = state_, .target = target_, .tree = {}, .fenced_by = fenced_by_, .error = error_};
  }
  if (tree) {
    status.tree = tree->status();
  }
  return status;
}

// --- The session's thread: it alone changes what is mounted. ---

void Session::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::move_only_function<void(bool)> task;
    bool order = false;
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, kLookInterval, [&] { return next_ || !tasks_.empty(); });
      if (stop.stop_requested()) {
        break;
      }
      if (next_) {
        current_ = std::exchange(next_, std::nullopt);
        cancel_ = std::stop_source();
        order = true;
      } else if (!tasks_.empty()) {
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
    }
    if (order) {
      Carry(stop);
    } else if (task) {
      task(false);
    } else {
      Look();
    }
  }
}

void Session::Carry(const std::stop_token& stop) {
  const auto begun = Clock::now();
  auto outcome = Leave(*current_);
  if (outcome && current_->target) {
    outcome = Enter(*current_->target, stop);
  }
  if (outcome && current_->target) {
    nlohmann::json fields = Fields(*current_->target);
    fields["took_ms"] = MillisecondsSince(begun);
    log_.Info("attached", fields);
  }
  std::vector<Done<>> waiters;
  {
    const std::scoped_lock lock(mutex_);
    waiters = std::move(current_->waiters);
    current_.reset();
  }
  Tell(waiters, outcome);
}

std::expected<void, Problem> Session::Leave(const Order& order) {
  std::shared_ptr<Tree> tree = tree_;
  if (!tree) {
    SetState(State::kDetached);
    const std::scoped_lock lock(mutex_);
    target_.reset();
    return {};
  }
  const State before = state_;
  const TreeStatus status = tree->status();
  SetState(State::kDetaching);
  nlohmann::json fields = Fields(*target_);
  if (before == State::kAttached && !status.fenced) {
    const auto flushed = tree->Flush(false, order.deadline);
    if (!flushed && !order.abandon && !tree->status().fenced) {
      SetState(before);
      return std::unexpected(ProblemOf(flushed.error()));
    }
    const auto unmounted = flushed ? tree->Unmount(order.deadline) : flushed;
    if (!unmounted) {
      fields["error"] = unmounted.error().message;
      log_.Warning("not flushed", fields);
    }
  }
  {
    const std::scoped_lock lock(mutex_);
    tree_.reset();
    target_.reset();
    fenced_by_.reset();
  }
  tree.reset();
  SetState(State::kDetached);
  log_.Info("detached", fields);
  return {};
}

std::expected<void, Problem> Session::Enter(const Target& target, const std::stop_token& stop) {
  std::stop_token cancelled;
  {
    const std::scoped_lock lock(mutex_);
    if (next_ || stop.stop_requested()) {
      return std::unexpected(Problem{"superseded", "another order came"});
    }
    cancelled = cancel_.get_token();
    target_ = target;
    fenced_by_.reset();
  }
  SetState(State::kAttaching);
  log_.Info("attaching", Fields(target));
  auto opened = volume_.Open(target, cancelled);
  if (opened) {
    {
      const std::scoped_lock lock(mutex_);
      tree_ = std::move(*opened);
    }
    SetState(State::kAttached);
    return {};
  }
  {
    const std::scoped_lock lock(mutex_);
    target_.reset();
    fenced_by_ = opened.error().fenced_by;
  }
  if (cancelled.stop_requested()) {
    SetState(State::kDetached);
    return std::unexpected(Problem{"superseded", "another order came"});
  }
  const bool failed = opened.error().code == "mount_failed";
  SetState(failed ? State::kFailed : State::kDetached, opened.error().message);
  nlohmann::json fields = Fields(target);
  fields["code"] = opened.error().code;
  fields["error"] = opened.error().message;
  log_.Error("not attached", fields);
  return std::unexpected(Problem{opened.error().code, opened.error().message});
}

// Whether the mount is well.
void Session::Look() {
  if (!tree_ || state_ != State::kAttached) {
    return;
  }
  const TreeStatus status = tree_->status();
  nlohmann::json fields = Fields(*target_);
  if (status.fenced) {
    const auto by = status.fenced_by
                        ? status.fenced_by
                        : volume_.NewestEpoch(target_->branch, Clock::now() + kEpochPatience);
    {
      const std::scoped_lock lock(mutex_);
      fenced_by_ = by;
    }
    SetState(State::kFenced, by ? std::format("fenced by epoch {}", *by) : "fenced");
    fields["fenced_by"] = by ? nlohmann::json(*by) : nlohmann::json(nullptr);
    log_.Error("fenced", fields);
  } else if (!status.failure.empty()) {
    SetState(State::kFailed, status.failure);
    fields["error"] = status.failure;
    log_.Error("the mount failed", fields);
  }
}

void Session::SetState(State state, std::string error) {
  const std::scoped_lock lock(mutex_);
  state_ = state;
  error_ = std::move(error);
}

}  // namespace sextant::volume::server
