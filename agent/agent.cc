#include "agent/agent.h"

#include "agent/status.h"

#include <format>
#include <linux/magic.h>
#include <sys/statfs.h>

namespace sextant::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kTurn{50};  // the least often that it looks around
constexpr milliseconds kAttachTime{60'000};
constexpr milliseconds kDetachTime{60'000};
constexpr milliseconds kFlushTime{10'000};
constexpr milliseconds kFirstPause{200};
constexpr milliseconds kLongestPause{10'000};
constexpr std::uint64_t kBadImage = 3;  // failures of a reader in a row

}  // namespace

// --- The loop. ---

void Agent::Run() {
  const auto done = [this] {
    Turn();
    return Finished(Look());
  };
  while (!done()) {
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, kTurn, [this] { return is_woken_; });
    is_woken_ = false;
  }
  log_.Info("stopped", nlohmann::json::object());
}

void Agent::Turn() {
  Bury();
  TakeVolumeAnswer();
  LookAtProbe();
  const Situation situation = Look();
  const Action action = agent::Step(situation);
  if (action != Action::kWait) {
    Do(action, situation);
  }
  Publish();
  AnswerWaiters(situation);
}

Situation Agent::Look() {
  Situation now;
  {
    const std::scoped_lock lock(mutex_);
    now.order = order_.value_or(Order{});
    now.may_attach = !is_restored_;
    if (is_stopping_) {
      now.order = {.id = now.order.id};
    }
    if (order_ != seen_) {  // what went wrong with another order is of no matter
      seen_ = order_;
      failures_ = 0;
      is_lost_ = false;
      retry_at_ = {};
      engine_error_.clear();
      progress_.error.clear();
    }
  }
  if (const auto told = volume_watch_->Latest()) {
    volume_ = told->status;
    volume_error_ = told->error;
    now.volume = volume_.is_null() ? VolumeView{.state = told->is_gone ? VolumeState::kGone
                                                                       : VolumeState::kUnknown}
                                   : ParseVolumeStatus(volume_);
  }
  now.volume.is_flushed = !needs_flush_;
  now.volume.is_busy = volume_watch_->is_busy();
  if (view_.state == EngineState::kStopped && now.volume.state == VolumeState::kAttached) {
    LookAtMount(now.volume);
  }
  if (now.volume.state == VolumeState::kFenced && now.order.role == Role::kWriter &&
      now.volume.epoch == now.order.epoch) {
    const auto by = volume_.value("fenced_by", nlohmann::json());
    engine_error_ = by.is_number() ? std::format("fenced by epoch {}", by.get<std::uint64_t>())
                                   : "fenced by a later epoch";
  }
  const auto time = Steady::now();
  now.engine = view_;
  now.engine.stop_is_late = view_.state == EngineState::kStopping && time >= late_at_;
  now.may_retry = time >= retry_at_;
  now.reader_is_bad = failures_ >= kBadImage;
  now.reader_is_lost = is_lost_;
  return now;
}

void Agent::LookAtMount(VolumeView& view) const {
  struct statfs system{};
  view.is_visible = statfs(config_.data.c_str(), &system) == 0 &&
                    (config_.local_directory || system.f_type == FUSE_SUPER_MAGIC);
  std::error_code error;
  view.has_engine = *view.is_visible && std::filesystem::exists(engine_->home(), error);
}

void Agent::Do(Action action, const Situation& situation) {
  switch (action) {
    case Action::kWait:
      return;
    case Action::kAttach:
      return Attach(situation.order);
    case Action::kDetach:
      Step("detaching the volume");
      failures_ = 0;
      is_lost_ = false;
      return volume_watch_->Begin({{"command", "detach"}, {"timeout_ms", kDetachTime.count()}},
                                  kDetachTime + seconds(5));
    case Action::kInitialize:
      return Initialize(situation.order);
    case Action::kFlush:
      return Flush();
    case Action::kStart:
      return StartEngine(situation.order);
    case Action::kStopFast:
      return StopFast();
    case Action::kStopImmediately:
      return StopImmediately();
    case Action::kKill:
      return Kill(situation);
  }
}

void Agent::Attach(const Order& order) {
  Step(std::format("attaching the volume as {}", ToString(order.role)));
  volume_watch_->Begin(AttachCommand(order, kAttachTime), kAttachTime + seconds(5));
}

void Agent::Flush() {
  Step("flushing the volume");
  volume_watch_->Begin({{"command", "flush"}, {"idle", true}, {"timeout_ms", kFlushTime.count()}},
                       kFlushTime + seconds(5));
}

void Agent::TakeVolumeAnswer() {
  const auto ended = volume_watch_->TakeAnswer();
  if (!ended) {
    return;
  }
  if (!ended->answer) {
    const VolumeError& error = ended->answer.error();
    Failed(std::format("volume: {}: {}: {}", ended->command.value("command", ""), error.code,
                       error.message));
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    is_restored_ = false;
  }
  const std::string command = ended->command.value("command", "");
  if (command == "detach") {
    Step("detached");
  }
  needs_flush_ = command != "flush";
}

void Agent::Failed(const std::string& what) {
  progress_.error = what;
  const auto pause =
      std::min(kLongestPause, kFirstPause * (1U << std::min<std::uint64_t>(failures_, 8)));
  ++failures_;
  retry_at_ = Steady::now() + pause;
  log_.Warning("failed", {{"what", what}, {"pause_ms", pause.count()}});
}

void Agent::Step(std::string step) {
  log_.Info("step", {{"step", step}});
  progress_.step = std::move(step);
  progress_.since = Steady::now();
}

// --- What it shows. ---

void Agent::Publish() {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->engine = view_;
  snapshot->engine_failed = view_.state == EngineState::kStopped && !engine_error_.empty();
  snapshot->probe = prober_->Latest();
  snapshot->started_at = started_at_;
  snapshot->restarts = restarts_;
  snapshot->kills = kills_;
  snapshot->rebases = rebases_;
  snapshot->engine_error = engine_error_;
  snapshot->volume = volume_;
  snapshot->volume_error = volume_error_;
  snapshot->progress = progress_;
  const std::scoped_lock lock(mutex_);
  snapshot->order = order_;
  latest_ = std::move(snapshot);
}

void Agent::AnswerWaiters(const Situation& situation) {
  std::vector<std::pair<Answer, ApiAnswer>> answers;
  {
    const std::scoped_lock lock(mutex_);
    const bool clean = view_.state == EngineState::kStopped && !situation.volume.is_busy &&
                       situation.volume.state == VolumeState::kDetached;
    std::erase_if(waiters_, [&](Waiter& waiter) {
      ApiAnswer answer;
      const auto current = order_ ? order_->id : 0;
      if (current != waiter.id) {
        answer = {.status = 409, .body = R"({"error":"another order came"})"};
      } else if (clean && situation.order.id == waiter.id && situation.order.role == Role::kNone) {
        answer = {.status = 200, .body = R"({"demoted":true})"};
      } else if (Steady::now() >= waiter.deadline) {
        answer = {
            .status = 504,
            .body = nlohmann::json{{"error", "not done in time"}, {"step", progress_.step}}.dump()};
      } else {
        return false;
      }
      answers.emplace_back(std::move(waiter.answer), std::move(answer));
      return true;
    });
  }
  for (auto& [answer, text] : answers) {
    answer(std::move(text));
  }
}

bool Agent::Finished(const Situation& situation) const {
  const std::scoped_lock lock(mutex_);
  if (!is_stopping_ || view_.state != EngineState::kStopped || situation.volume.is_busy) {
    return false;
  }
  // A reader's mount, and one whose daemon is gone, has nothing to be kept.
  return situation.volume.state == VolumeState::kUnknown ||
         situation.volume.state == VolumeState::kGone ||
         situation.volume.state == VolumeState::kDetached ||
         situation.volume.mode != Role::kWriter || situation.volume.state == VolumeState::kFenced ||
         !progress_.error.empty();
}

}  // namespace sextant::agent
