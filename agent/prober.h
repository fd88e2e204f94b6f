// Asks the engine how it is, on a thread of its own, because an engine whose volume stands still
// does not answer in time.
#pragma once

#include "agent/engine.h"
#include "daemon/log.h"

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace sextant::agent {

// What was last heard. Ages count from `at`.
struct Probe {
  EngineAnswer answer;
  bool is_provisioned = false;
  std::string provision_error;
  bool is_checkpointed = false;  // after RequestCheckpoint: it was done, or it failed
  std::chrono::steady_clock::time_point at;
  std::chrono::steady_clock::time_point answered_at;  // last time that it accepted
};

// Any thread.
class Prober {
 public:
  // `certificate` is what the engine shows to clients; it loads it again when the file changes.
  // `on_change` is called on the prober's thread and must only post.
  Prober(std::unique_ptr<EngineClient> client, std::filesystem::path certificate,
         const daemon::Log& log, std::function<void()> on_change);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // A new engine process is there, in this role; what was heard of the one before is forgotten.
  void Watch(Role role);
  void Forget();
  // Ends as soon as possible with is_checkpointed.
  void RequestCheckpoint();

  [[nodiscard]] Probe Latest() const;

 private:
  void Run(const std::stop_token& stop);
  void RenewCertificate();
  void Publish(std::uint64_t generation, const std::function<void(Probe&)>& change);

  const std::unique_ptr<EngineClient> client_;
  const std::filesystem::path certificate_;
  std::string loaded_certificate_;  // of the prober's thread, as is the next; empty: not known
  std::string certificate_error_;
  const daemon::Log& log_;
  const std::function<void()> on_change_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Role> role_;      // guarded by mutex_, as are
  std::uint64_t generation_ = 0;  // of engine processes
  bool wants_checkpoint_ = false;
  Probe latest_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace sextant::agent
