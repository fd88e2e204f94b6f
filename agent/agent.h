// An instance: the loop that works toward the last order, and what it shows.
//
// Threads: the one that calls Run starts and buries the engine; the API, the kubelet's pages, the
// engine's prober and the volume's watch have their own.
#pragma once

#include "agent/api_server.h"
#include "agent/engine.h"
#include "agent/planner.h"
#include "agent/prober.h"
#include "agent/process.h"
#include "agent/snapshot.h"
#include "agent/volume_watch.h"
#include "sextant/kube/runtime/http_server.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace sextant::agent {

class Agent {
 public:
  // Blocks SIGTERM and SIGINT in the calling thread and all that it starts from then on.
  [[nodiscard]] static Result<std::unique_ptr<Agent>> Start(const Config& config);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Until SIGTERM or SIGINT has stopped everything. On the thread that called Start.
  void Run();

 private:
  using Steady = std::chrono::steady_clock;
  using Answer = std::function<void(ApiAnswer)>;

  // Somebody who waits until nothing is left of the engine here and all is on the volume.
  struct Waiter {
    std::uint64_t id;
    Steady::time_point deadline;
    Answer answer;
  };

  explicit Agent(const Config& config);
  [[nodiscard]] Result<> Open();
  void WaitForSignals(const std::stop_token& stop);
  void Wake();

  // The API: the server's threads.
  void Handle(const ApiRequest& request, Answer answer);
  [[nodiscard]] ApiAnswer TakeOrder(const Order& order);
  void Demote(const std::string& body, Answer answer);
  [[nodiscard]] std::shared_ptr<const Snapshot> Latest() const;

  // The loop's thread.
  void Turn();
  void Bury();
  void Ended(int code);
  void FinishInitialize();
  void TakeVolumeAnswer();
  void LookAtProbe();
  [[nodiscard]] Situation Look();
  void LookAtMount(VolumeView& view) const;
  void Do(Action action, const Situation& situation);
  void Attach(const Order& order);
  void Flush();
  void Initialize(const Order& order);
  void StartEngine(const Order& order);
  void StopFast();
  void StopImmediately();
  void Kill(const Situation& situation);
  void Failed(const std::string& what);
  void Step(std::string step);
  void Publish();
  void AnswerWaiters(const Situation& situation);
  [[nodiscard]] bool Finished(const Situation& situation) const;

  const Config config_;
  const daemon::Log log_;
  std::unique_ptr<Engine> engine_;

  mutable std::mutex mutex_;
  std::condition_variable woken_;
  bool is_woken_ = false;     // guarded by mutex_, as are
  bool is_stopping_ = false;  // a signal came
  bool is_restored_ = false;  // the order is one from before this process
  std::optional<Order> order_;
  std::vector<Waiter> waiters_;
  std::shared_ptr<const Snapshot> latest_;

  // Of the loop's thread.
  std::unique_ptr<Process> process_;
  EngineView view_;
  Steady::time_point began_;    // the view's state
  Steady::time_point late_at_;  // a stop
  bool wants_signal_ = false;   // a checkpoint is awaited before the stop
  bool was_killed_ = false;
  std::optional<std::chrono::system_clock::time_point> started_at_;
  std::uint64_t failures_ = 0;  // in a row
  Steady::time_point retry_at_;
  std::optional<Order> seen_;  // the order of the last turn
  std::string engine_error_;
  std::uint64_t restarts_ = 0;
  std::uint64_t kills_ = 0;
  std::uint64_t rebases_ = 0;
  bool is_lost_ = false;     // a reader that cannot follow the writer from its image
  bool needs_flush_ = true;  // an engine may have written to this mount since the last flush
  Progress progress_;
  nlohmann::json volume_;
  std::string volume_error_;

  std::unique_ptr<Prober> prober_;  // from here on: threads, which use what is above
  std::unique_ptr<VolumeWatch> volume_watch_;
  std::unique_ptr<ApiServer> api_;
  std::unique_ptr<kube::runtime::HttpServer> http_;
  std::jthread signals_;
};

}  // namespace sextant::agent
