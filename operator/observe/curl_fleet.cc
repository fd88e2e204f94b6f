#include "operator/observe/curl_fleet.h"

#include "operator/api/names.h"
#include "operator/execute/members.h"

#include <algorithm>
#include <format>

namespace sextant::op {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Milliseconds kOrderTimeout{3000};
constexpr Milliseconds kSilence{1000};  // a writer that storage has not heard for so long

std::string AgentUrl(const Target& target, std::string_view path) {
  return std::format("https://{}:{}{}", target.host, kAgentPort, path);
}

std::string ConnectTo(const Target& target) {
  return std::format("{}:{}:{}:{}", target.host, kAgentPort, target.ip, kAgentPort);
}

std::string Digest(const AgentStatus& status) {
  return std::format("{} {} {} {} {} {} {} {} {} {}", status.order.id, status.order.role,
                     status.order.epoch, status.engine_state, status.engine_role, status.accepting,
                     status.volume_state, status.volume_mode, status.volume_epoch,
                     status.progress_error);
}

std::string Digest(const StorageStatus& status) {
  return std::format("{} {} {} {} {} {}", status.member, status.state, status.generation,
                     status.kind, status.epoch_promised, status.disk_full);
}

bool IsSilent(const StorageStatus& status) {
  return status.writer_heard_ms && Milliseconds(*status.writer_heard_ms) >= kSilence;
}

template <class Status>
void Take(Polled<Status>& polled, std::expected<Status, std::string> status) {
  polled.reachable = status.has_value();
  if (status) {
    polled.status = std::move(*status);
    polled.error.clear();
  } else {
    polled.error = status.error();
  }
}

}  // namespace

CurlFleet::CurlFleet(CurlFleetOptions options, std::function<void(const Key&)> changed)
    : options_(options), changed_(std::move(changed)), multi_(curl_multi_init()) {
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 4096L);
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

CurlFleet::~CurlFleet() {
  thread_.request_stop();
  curl_multi_wakeup(multi_.get());
  thread_.join();
}

void CurlFleet::Watch(const Key& cluster, Watched watched) {
  const std::scoped_lock lock(mutex_);
  Cluster& entry = clusters_[cluster];
  if (entry.watched.tls && watched.tls && *entry.watched.tls == *watched.tls) {
    watched.tls = entry.watched.tls;  // calls can be made again
  }
  std::erase_if(entry.processes, [&watched](const auto& process) {
    return std::ranges::none_of(watched.targets, [&process](const Target& target) {
      return target == process.second.target;
    });
  });
  for (const Target& target : watched.targets) {
    const auto [process, added] = entry.processes.try_emplace(target.name);
    if (added) {
      process->second.target = target;
      process->second.heard = process->second.next = Clock::now();
    }
  }
  entry.watched = std::move(watched);
}

void CurlFleet::Often(const Key& cluster, bool often) {
  const std::scoped_lock lock(mutex_);
  const auto entry = clusters_.find(cluster);
  if (entry == clusters_.end()) {
    return;
  }
  if (often && !entry->second.often) {
    for (auto& [name, process] : entry->second.processes) {
      process.next = Clock::now();
    }
  }
  entry->second.often = often;
}

void CurlFleet::Forget(const Key& cluster) {
  const std::scoped_lock lock(mutex_);
  clusters_.erase(cluster);
}

FleetHealth CurlFleet::Look(const Key& cluster) {
  const std::scoped_lock lock(mutex_);
  FleetHealth health;
  const auto entry = clusters_.find(cluster);
  if (entry == clusters_.end()) {
    return health;
  }
  const auto now = Clock::now();
  for (const auto& [name, process] : entry->second.processes) {
    const auto silent = std::chrono::duration_cast<Milliseconds>(now - process.heard);
    if (process.target.kind == Target::Kind::kAgent) {
      health.agents[name] = process.agent;
      health.agents[name].silent = silent;
    } else {
      health.storage[name] = process.storage;
      health.storage[name].silent = silent;
    }
  }
  return health;
}

HttpCall::Request CurlFleet::RequestFor(const Cluster& cluster, const Target& target) const {
  if (target.kind == Target::Kind::kAgent) {
    return {.url = AgentUrl(target, "/v1/status"),
            .connect_to = ConnectTo(target),
            .tls = cluster.watched.tls,
            .timeout = options_.timeout};
  }
  return {.url = std::format("http://{}:{}/status", target.ip, kStorageHttpPort),
          .timeout = options_.timeout};
}

std::unique_ptr<HttpCall> CurlFleet::CallFor(const Cluster& cluster, Process& process) const {
  HttpCall::Request request = RequestFor(cluster, process.target);
  if (process.call == nullptr || process.call->request() != request) {
    return std::make_unique<HttpCall>(std::move(request));
  }
  process.call->Clear();
  return std::move(process.call);
}

Milliseconds CurlFleet::IntervalOf(const Target& target, bool trouble) const {
  if (trouble) {
    return options_.often_interval;
  }
  return target.kind == Target::Kind::kAgent ? options_.agent_interval : options_.storage_interval;
}

std::vector<std::unique_ptr<CurlFleet::Question>> CurlFleet::Due(std::size_t room) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::unique_ptr<Question>> due;
  const auto now = Clock::now();
  for (auto& [key, cluster] : clusters_) {
    const bool trouble =
        cluster.often || std::ranges::any_of(cluster.processes, [](const auto& process) {
          return process.second.trouble;
        });
    for (auto& [name, process] : cluster.processes) {
      const bool possible =
          process.target.kind == Target::Kind::kStorage || cluster.watched.tls != nullptr;
      if (process.asked || process.next > now || !possible || due.size() >= room) {
        continue;
      }
      process.asked = true;
      process.next = now + IntervalOf(process.target, trouble);
      auto question = std::make_unique<Question>();
      question->cluster = key;
      question->name = name;
      question->uid = process.target.uid;
      question->era = process.era;
      question->branch = cluster.watched.branch;
      question->call = CallFor(cluster, process);
      due.push_back(std::move(question));
    }
  }
  return due;
}

void CurlFleet::Answered(Question& question) {
  bool tell = false;
  {
    const std::scoped_lock lock(mutex_);
    const auto cluster = clusters_.find(question.cluster);
    if (cluster == clusters_.end()) {
      return;
    }
    const auto entry = cluster->second.processes.find(question.name);
    if (entry == cluster->second.processes.end() || entry->second.target.uid != question.uid) {
      return;
    }
    Process& process = entry->second;
    process.asked = false;
    if (process.era != question.era) {
      process.next = Clock::now();
      return;
    }
    const HttpCall& call = *question.call;
    const bool was_reachable = process.agent.reachable || process.storage.reachable;
    bool reachable = false;
    std::string digest;
    if (process.target.kind == Target::Kind::kAgent) {
      Take(process.agent,
           call.Succeeded() ? ParseAgentStatus(call.body()) : std::unexpected(call.error()));
      reachable = process.agent.reachable;
      digest = reachable ? Digest(*process.agent.status) : process.digest;
      process.trouble = !reachable;
    } else {
      Take(process.storage, call.Succeeded() ? ParseStorageStatus(call.body(), question.branch)
                                             : std::unexpected(call.error()));
      reachable = process.storage.reachable;
      digest = reachable ? Digest(*process.storage.status) : process.digest;
      process.trouble = reachable && IsSilent(*process.storage.status);
    }
    if (reachable) {
      process.heard = Clock::now();
    }
    tell = digest != process.digest || reachable != was_reachable || !reachable || process.trouble;
    process.digest = std::move(digest);
    process.call = std::move(question.call);
  }
  if (tell) {
    changed_(question.cluster);
  }
}

void CurlFleet::Run(const std::stop_token& stop) {
  std::map<CURL*, std::unique_ptr<Question>> under_way;
  while (!stop.stop_requested()) {
    for (auto& question : Due(options_.at_once - std::min(options_.at_once, under_way.size()))) {
      CURL* handle = question->call->handle();
      curl_multi_add_handle(multi_.get(), handle);
      under_way[handle] = std::move(question);
    }
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) {
        continue;
      }
      const auto done = under_way.find(message->easy_handle);
      const CURLcode code = message->data.result;
      curl_multi_remove_handle(multi_.get(), done->first);
      done->second->call->Finish(code);
      Answered(*done->second);
      under_way.erase(done);
    }
    curl_multi_poll(multi_.get(), nullptr, 0, 50, nullptr);
  }
  for (const auto& [handle, question] : under_way) {
    curl_multi_remove_handle(multi_.get(), handle);
  }
}

CurlFleet::Done CurlFleet::Post(const Key& cluster, const std::string& instance,
                                const std::string& path, const kube::Json& body,
                                Milliseconds timeout) {
  HttpCall::Request request{.url = {}, .body = body.dump(), .timeout = timeout};
  {
    const std::scoped_lock lock(mutex_);
    const auto entry = clusters_.find(cluster);
    if (entry == clusters_.end() || entry->second.watched.tls == nullptr ||
        !entry->second.processes.contains(instance)) {
      return std::unexpected(std::format("{} is not known any more", instance));
    }
    const Target& target = entry->second.processes.at(instance).target;
    request.url = AgentUrl(target, path);
    request.connect_to = ConnectTo(target);
    request.tls = entry->second.watched.tls;
  }
  HttpCall call(std::move(request));
  call.Perform();
  if (!call.Succeeded()) {
    return std::unexpected(std::format("{}: {}", instance, call.error()));
  }
  return {};
}

CurlFleet::Done CurlFleet::Send(const Key& cluster, const std::string& instance,
                                const Order& order) {
  auto done = Post(cluster, instance, "/v1/order", ToJson(order), kOrderTimeout);
  const std::scoped_lock lock(mutex_);
  const auto entry = clusters_.find(cluster);
  if (done && entry != clusters_.end() && entry->second.processes.contains(instance)) {
    Process& process = entry->second.processes.at(instance);
    ++process.era;
    process.next = Clock::now();
    if (process.agent.status && !process.agent.status->order.SameAs(order)) {
      process.agent.status->accepting = false;
      process.agent.status->engine_state = "starting";
      process.agent.status->volume_state = "attaching";
    }
    if (process.agent.status) {
      process.agent.status->order = order;
    }
  }
  return done;
}

CurlFleet::Done CurlFleet::Demote(const Key& cluster, const std::string& instance,
                                  std::int64_t order_id, Milliseconds timeout) {
  auto done =
      Post(cluster, instance, "/v1/demote", {{"id", order_id}, {"timeout_ms", timeout.count()}},
           timeout + Milliseconds(2000));
  const std::scoped_lock lock(mutex_);
  const auto entry = clusters_.find(cluster);
  if (entry != clusters_.end() && entry->second.processes.contains(instance)) {
    Process& process = entry->second.processes.at(instance);
    ++process.era;
    process.next = Clock::now();
  }
  return done;
}

CurlFleet::Done CurlFleet::Configure(const MembersRequest& request) {
  return ConfigureMembers(request);
}

CurlFleet::Done CurlFleet::Renew(const RenewRequest& request) { return RenewBranch(request); }

}  // namespace sextant::op
