// The fleet over the network: agents by HTTPS with certificates on both sides, storage nodes by
// plain HTTP for their status and by the storage protocol for their members.
#pragma once

#include "operator/observe/fleet.h"
#include "operator/observe/http_call.h"

#include <chrono>
#include <functional>
#include <mutex>
#include <thread>

namespace sextant::op {

struct CurlFleetOptions {
  Milliseconds agent_interval{1000};  // between questions to one agent
  // To one storage node: six of them tell of a writer's silence, which counts from when it began.
  Milliseconds storage_interval{2000};
  Milliseconds often_interval{250};  // while something is under way, or wrong
  Milliseconds timeout{1000};        // of a question
  std::size_t at_once = 256;         // questions under way, of all clusters together
};

class CurlFleet final : public Fleet {
 public:
  // `changed` is called from the fleet's thread when something was said that matters, and every
  // time a process does not answer. Must not block.
  CurlFleet(CurlFleetOptions options, std::function<void(const Key&)> changed);
  ~CurlFleet() override;

  void Watch(const Key& cluster, Watched watched) override;
  void Often(const Key& cluster, bool often) override;
  void Forget(const Key& cluster) override;
  [[nodiscard]] FleetHealth Look(const Key& cluster) override;
  [[nodiscard]] Done Send(const Key& cluster, const std::string& instance,
                          const Order& order) override;
  [[nodiscard]] Done Demote(const Key& cluster, const std::string& instance, std::int64_t order_id,
                            Milliseconds timeout) override;
  [[nodiscard]] Done Configure(const MembersRequest& request) override;
  [[nodiscard]] Done Renew(const RenewRequest& request) override;

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Process {
    Target target;
    AgentHealth agent;
    StorageHealth storage;
    TimePoint heard;        // or when it was first to be asked
    TimePoint next;         // question
    std::uint64_t era = 0;  // answers to questions of an earlier one are out of date
    bool asked = false;     // a question is under way
    bool trouble = false;
    std::string digest;              // of what matters in the last answer
    std::unique_ptr<HttpCall> call;  // the last one, to be made again
  };
  struct Cluster {
    Watched watched;
    bool often = false;
    std::map<std::string, Process> processes;  // by name
  };
  struct Question {
    Key cluster;
    std::string name;
    std::string uid;
    std::uint64_t era = 0;
    std::int64_t branch = 1;
    std::unique_ptr<HttpCall> call;
  };
  struct FreeMulti {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };

  void Run(const std::stop_token& stop);
  [[nodiscard]] std::vector<std::unique_ptr<Question>> Due(std::size_t room);
  [[nodiscard]] HttpCall::Request RequestFor(const Cluster& cluster, const Target& target) const;
  // The process's last call again, if it says the same.
  [[nodiscard]] std::unique_ptr<HttpCall> CallFor(const Cluster& cluster, Process& process) const;
  [[nodiscard]] Milliseconds IntervalOf(const Target& target, bool trouble) const;
  void Answered(Question& question);
  [[nodiscard]] Done Post(const Key& cluster, const std::string& instance, const std::string& path,
                          const kube::Json& body, Milliseconds timeout);

  const CurlFleetOptions options_;
  const std::function<void(const Key&)> changed_;
  const std::unique_ptr<CURLM, FreeMulti> multi_;
  std::mutex mutex_;
  std::map<Key, Cluster> clusters_;  // guarded by mutex_
  std::jthread thread_;
};

}  // namespace sextant::op
