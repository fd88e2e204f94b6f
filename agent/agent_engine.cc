// The loop's hands on the engine's process.
#include "agent/agent.h"

#include <csignal>
#include <fcntl.h>
#include <format>
#include <unistd.h>

namespace sextant::agent {
namespace {

using std::chrono::seconds;

constexpr seconds kCheckpointPatience{15};
constexpr seconds kFastStop{25};
constexpr seconds kImmediateStop{3};
constexpr seconds kGoodRun{60};  // after so long the failures before it count no more

std::filesystem::path Unfinished(const std::filesystem::path& home) {
  return home.string() + ".new";
}

// Nothing is there but what an initialization left that was broken off.
bool IsEmpty(const std::filesystem::path& directory, const std::filesystem::path& unfinished) {
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (entries->path() != unfinished) {
      return false;
    }
  }
  return !error;
}

// The renaming of something in it becomes durable.
bool SyncDirectory(const std::filesystem::path& directory) {
  const int file = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) {
    return false;
  }
  const bool synced = fsync(file) == 0;
  close(file);
  return synced;
}

}  // namespace

void Agent::Initialize(const Order& order) {
  if (!IsEmpty(config_.data, Unfinished(engine_->home()))) {
    engine_error_ = "the volume is not empty and has no engine's directory";
    return Failed(engine_error_);
  }
  Step("initializing the engine");
  const auto directory = Unfinished(engine_->home());
  std::error_code error;
  std::filesystem::remove_all(directory, error);
  auto started = Process::Start(engine_->Initialize(directory), log_);
  if (!started) {
    engine_error_ = started.error();
    return Failed(engine_error_);
  }
  process_ = std::move(*started);
  needs_flush_ = true;
  view_ = {.state = EngineState::kInitializing, .order = order};
  began_ = Steady::now();
  was_killed_ = false;
}

void Agent::FinishInitialize() {
  std::error_code error;
  std::filesystem::rename(Unfinished(engine_->home()), engine_->home(), error);
  if (error || !SyncDirectory(config_.data)) {
    engine_error_ = "the new engine's directory could not be given its name";
    return Failed(engine_error_);
  }
  failures_ = 0;
  Step("initialized");
}

void Agent::StartEngine(const Order& order) {
  Step(std::format("starting the engine as {}", ToString(order.role)));
  const auto command = engine_->Prepare(order.role);
  if (!command) {
    engine_error_ = command.error();
    return Failed(engine_error_);
  }
  auto started = Process::Start(*command, log_);
  if (!started) {
    engine_error_ = started.error();
    return Failed(engine_error_);
  }
  process_ = std::move(*started);
  needs_flush_ = true;
  view_ = {.state = EngineState::kStarting, .order = order};
  began_ = Steady::now();
  started_at_ = std::chrono::system_clock::now();
  was_killed_ = false;
  prober_->Watch(order.role);
}

void Agent::LookAtProbe() {
  if (!process_) {
    return;
  }
  const Probe probe = prober_->Latest();
  const auto now = Steady::now();
  if (view_.state == EngineState::kStarting && probe.answer.accepts && probe.is_provisioned) {
    view_.state = EngineState::kRunning;
    began_ = now;
    engine_error_.clear();
    progress_.error.clear();
    Step(std::format("running as {}", ToString(view_.order.role)));
  } else if (view_.state == EngineState::kRunning && probe.answer.is_left_behind && !is_lost_) {
    is_lost_ = true;
    ++rebases_;
    progress_.error =
        "the writer no longer has what this reader needs next; it takes a newer image";
    log_.Warning("left behind", {{"position", probe.answer.position}});
  } else if (view_.state == EngineState::kRunning && now - began_ > kGoodRun) {
    failures_ = 0;
  } else if (wants_signal_ && (probe.is_checkpointed || now - began_ > kCheckpointPatience)) {
    wants_signal_ = false;
    process_->Signal(engine_->stop_signals().fast);
    late_at_ = now + kFastStop;
  }
}

void Agent::StopFast() {
  Step("stopping the engine");
  view_.state = EngineState::kStopping;
  began_ = Steady::now();
  late_at_ = began_ + kCheckpointPatience + kFastStop;
  wants_signal_ = true;
  prober_->RequestCheckpoint();
}

void Agent::StopImmediately() {
  Step("stopping the engine at once");
  view_.state = EngineState::kStopping;
  began_ = Steady::now();
  late_at_ = began_ + kImmediateStop;
  wants_signal_ = false;
  process_->Signal(engine_->stop_signals().immediate);
}

void Agent::Kill(const Situation& situation) {
  if (!was_killed_) {
    const std::string_view why = WhyLost(situation.engine, situation.volume);
    if (!why.empty() && engine_error_.empty()) {
      engine_error_ = why;
    }
    Step(why.empty() ? "killing the engine" : std::format("killing the engine: {}", why));
    kills_ += view_.state == EngineState::kStopping ? 0U : 1U;
    was_killed_ = true;
  }
  view_.state = EngineState::kStopping;
  late_at_ = Steady::now();
  wants_signal_ = false;
  process_->Signal(SIGKILL);
  (void)KillDescendants();
}

void Agent::Bury() {
  if (!process_) {
    return;
  }
  if (const auto code = process_->Ended()) {
    process_.reset();
    Ended(*code);
  }
}

void Agent::Ended(int code) {
  const EngineState state = view_.state;
  view_ = {};
  wants_signal_ = false;
  prober_->Forget();
  log_.Info("engine ended", {{"code", code}, {"while", ToString(state)}});
  if (state == EngineState::kStopping) {
    Step("stopped");
    return;
  }
  if (state == EngineState::kInitializing && code == 0) {
    return FinishInitialize();
  }
  ++restarts_;
  const bool ran_well = state == EngineState::kRunning && failures_ == 0;
  engine_error_ = std::format("the engine ended with code {} while {}", code, ToString(state));
  Failed(engine_error_);
  if (ran_well) {
    retry_at_ = {};  // the first time, at once
  }
}

}  // namespace sextant::agent
