#include "agent/volume_watch.h"

namespace sextant::agent {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kInterval{250};
constexpr milliseconds kStatusTime{2000};

}  // namespace

VolumeWatch::VolumeWatch(std::filesystem::path socket, std::function<void()> on_change)
    : client_(std::move(socket)),
      on_change_(std::move(on_change)),
      poller_([this](const std::stop_token& stop) { Poll(stop); }),
      worker_([this](const std::stop_token& stop) { Work(stop); }) {}

VolumeWatch::~VolumeWatch() = default;

void VolumeWatch::Begin(nlohmann::json command, milliseconds time) {
  {
    const std::scoped_lock lock(mutex_);
    job_ = Job{.command = std::move(command), .time = time};
    is_busy_ = true;
  }
  changed_.notify_all();
}

bool VolumeWatch::is_busy() const {
  const std::scoped_lock lock(mutex_);
  return is_busy_;
}

std::optional<VolumeAnswer> VolumeWatch::TakeAnswer() {
  const std::scoped_lock lock(mutex_);
  // What the command changed must be known before the next step is planned.
  if (!answer_ || !told_) {
    return std::nullopt;
  }
  is_busy_ = false;
  return std::exchange(answer_, std::nullopt);
}

std::optional<VolumeWatch::Told> VolumeWatch::Latest() const {
  const std::scoped_lock lock(mutex_);
  return told_;
}

void VolumeWatch::Poll(const std::stop_token& stop) {
  std::uint64_t seen = 0;
  while (!stop.stop_requested()) {
    {
      const std::scoped_lock lock(mutex_);
      seen = ended_;
    }
    const auto status = client_.Call({{"command", "status"}}, kStatusTime);
    {
      std::unique_lock lock(mutex_);
      if (seen == ended_) {
        told_ = Told{.status = status ? *status : nlohmann::json(),
                     .error = status ? "" : status.error().message,
                     .is_gone = !status && status.error().code == "gone",
                     .at = std::chrono::steady_clock::now()};
      }
    }
    on_change_();
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, kInterval, [&] { return ended_ != seen; });
  }
}

void VolumeWatch::Work(const std::stop_token& stop) {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return job_.has_value(); })) {
        return;
      }
      job = std::move(*job_);
      job_.reset();
    }
    auto answer = client_.Call(job.command, job.time);
    {
      const std::scoped_lock lock(mutex_);
      answer_ = VolumeAnswer{.command = std::move(job.command), .answer = std::move(answer)};
      told_.reset();  // older than the command
      ++ended_;
    }
    changed_.notify_all();
    on_change_();
  }
}

}  // namespace sextant::agent
