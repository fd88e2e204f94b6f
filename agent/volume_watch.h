// What the volume's daemon says, asked again and again, and one command to it at a time.
#pragma once

#include "agent/volume_client.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace sextant::agent {

// How a command ended.
struct VolumeAnswer {
  nlohmann::json command;
  std::expected<nlohmann::json, VolumeError> answer;
};

// Any thread. Asks four times a second, and at once after a command.
class VolumeWatch {
 public:
  struct Told {
    nlohmann::json status;  // null: the daemon did not answer
    std::string error;
    bool is_gone = false;  // no process listens there
    std::chrono::steady_clock::time_point at;
  };

  // `on_change` is called on our threads and must only post.
  VolumeWatch(std::filesystem::path socket, std::function<void()> on_change);
  ~VolumeWatch();
  VolumeWatch(const VolumeWatch&) = delete;
  VolumeWatch& operator=(const VolumeWatch&) = delete;

  // Begins a command; none may be under way.
  void Begin(nlohmann::json command, std::chrono::milliseconds time);
  // The one that was begun has not ended, or its end was not taken.
  [[nodiscard]] bool is_busy() const;
  [[nodiscard]] std::optional<VolumeAnswer> TakeAnswer();
  // The status of after the last command that ended; nothing before the first answer.
  [[nodiscard]] std::optional<Told> Latest() const;

 private:
  struct Job {
    nlohmann::json command;
    std::chrono::milliseconds time;
  };

  void Poll(const std::stop_token& stop);
  void Work(const std::stop_token& stop);

  const VolumeClient client_;
  const std::function<void()> on_change_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Job> job_;  // guarded by mutex_, as are
  bool is_busy_ = false;
  std::uint64_t ended_ = 0;  // commands
  std::optional<VolumeAnswer> answer_;
  std::optional<Told> told_;
  std::jthread poller_;  // last: they use all of the above
  std::jthread worker_;
};

}  // namespace sextant::agent
