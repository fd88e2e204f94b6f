#include "agent/prober.h"

#include "agent/files.h"

#include <nlohmann/json.hpp>

namespace sextant::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kStartingInterval{50};
constexpr milliseconds kRunningInterval{500};
constexpr milliseconds kCheckpointTime{15'000};

}  // namespace

Prober::Prober(std::unique_ptr<EngineClient> client, std::filesystem::path certificate,
               const daemon::Log& log, std::function<void()> on_change)
    : client_(std::move(client)),
      certificate_(std::move(certificate)),
      log_(log),
      on_change_(std::move(on_change)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

Prober::~Prober() = default;

void Prober::Watch(Role role) {
  {
    const std::scoped_lock lock(mutex_);
    role_ = role;
    ++generation_;
    wants_checkpoint_ = false;
    latest_ = {};
  }
  changed_.notify_all();
}

void Prober::Forget() {
  {
    const std::scoped_lock lock(mutex_);
    role_.reset();
    ++generation_;
    wants_checkpoint_ = false;
    latest_ = {};
  }
  changed_.notify_all();
}

void Prober::RequestCheckpoint() {
  {
    const std::scoped_lock lock(mutex_);
    wants_checkpoint_ = true;
  }
  changed_.notify_all();
}

Probe Prober::Latest() const {
  const std::scoped_lock lock(mutex_);
  return latest_;
}

void Prober::Publish(std::uint64_t generation, const std::function<void(Probe&)>& change) {
  {
    const std::scoped_lock lock(mutex_);
    if (generation != generation_) {
      return;
    }
    change(latest_);
  }
  on_change_();
}

void Prober::RenewCertificate() {
  const auto certificate = ReadSmallFile(certificate_);
  if (certificate && *certificate == loaded_certificate_) {
    return;
  }
  const Result<> done = certificate.transform([](const auto&) {}).and_then([this] {
    return client_->LoadCertificate();
  });
  if (done) {
    loaded_certificate_ = *certificate;
  } else if (done.error() != certificate_error_) {
    log_.Warning("the engine does not take its new certificate", {{"reason", done.error()}});
  }
  certificate_error_ = done ? "" : done.error();
}

void Prober::Run(const std::stop_token& stop) {
  std::uint64_t watched = 0;
  bool is_provisioned = false;
  auto pause = milliseconds(0);
  while (!stop.stop_requested()) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, pause,
                      [&] { return generation_ != watched || wants_checkpoint_; });
    if (generation_ != watched) {
      watched = generation_;
      is_provisioned = false;
      loaded_certificate_.clear();
      client_->Close();
    }
    if (!role_) {
      changed_.wait(lock, stop, [&] { return generation_ != watched; });
      continue;
    }
    const Role role = *role_;
    const bool checkpoint = std::exchange(wants_checkpoint_, false);
    lock.unlock();
    if (checkpoint) {
      if (const auto done = client_->Checkpoint(kCheckpointTime); !done) {
        log_.Warning("no checkpoint before the stop", {{"reason", done.error()}});
      }
      Publish(watched, [](Probe& probe) { probe.is_checkpointed = true; });
      continue;
    }
    EngineAnswer answer = client_->Ask(role);
    std::string error;
    if (answer.accepts && !is_provisioned) {
      const auto done = client_->Provision(role);
      is_provisioned = done.has_value();
      error = done ? "" : done.error();
      if (done) {
        answer = client_->Ask(role);  // its position is another one now
      }
    }
    Publish(watched, [&](Probe& probe) {
      const auto now = steady_clock::now();
      probe.answer = answer;
      probe.is_provisioned = is_provisioned;
      probe.provision_error = error;
      probe.at = now;
      probe.answered_at = answer.accepts ? now : probe.answered_at;
    });
    if (is_provisioned) {
      RenewCertificate();
    }
    pause = is_provisioned ? kRunningInterval : kStartingInterval;
  }
}

}  // namespace sextant::agent
