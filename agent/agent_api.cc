// How an agent begins, and what it answers.
#include "agent/agent.h"
#include "agent/status.h"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <format>

namespace sextant::agent {
namespace {

using kube::runtime::HttpAnswer;
using std::chrono::milliseconds;

constexpr auto kStuckAfter = std::chrono::seconds(30);
constexpr std::uint64_t kMaxDemoteTime = 600'000;

sigset_t StopSignalSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

ApiAnswer Error(int status, const std::string& what) {
  return {.status = status, .body = nlohmann::json{{"error", what}}.dump()};
}

std::string Dump(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::Start(const Config& config) {
  const sigset_t set = StopSignalSet();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  (void)std::signal(SIGPIPE, SIG_IGN);
  AdoptOrphans();
  std::unique_ptr<Agent> agent(new Agent(config));
  const auto opened = agent->Open();
  if (!opened) {
    return std::unexpected(opened.error());
  }
  return agent;
}

Agent::Agent(const Config& config) : config_(config), log_(config.log_level) {}

Agent::~Agent() {
  signals_ = {};
  http_.reset();
  api_.reset();
  volume_watch_.reset();
  prober_.reset();
}

Result<> Agent::Open() {
  auto engine = MakeEngine(config_);
  if (!engine) {
    return std::unexpected(engine.error());
  }
  engine_ = std::move(*engine);
  order_ = LoadOrder(config_.run / "order.json");
  is_restored_ = order_.has_value();
  progress_ = {.step = order_ ? "taking up the last order" : "waiting for an order",
               .since = Steady::now(),
               .error = ""};
  prober_ = std::make_unique<Prober>(engine_->MakeClient(), config_.server_tls.certificate, log_,
                                     [this] { Wake(); });
  volume_watch_ = std::make_unique<VolumeWatch>(config_.volume, [this] { Wake(); });
  Publish();
  auto api = ApiServer::Start(
      config_.listen, config_.tls,
      [this](ApiRequest request, Answer answer) { Handle(request, std::move(answer)); });
  if (!api) {
    return std::unexpected(api.error());
  }
  api_ = std::move(*api);
  auto http = kube::runtime::HttpServer::Start(
      {.address = config_.http.host, .port = config_.http.port},
      {{"/healthz",
        [this] {
          // The loop publishes at every turn.
          const bool turns = Steady::now() - Latest()->taken_at < kStuckAfter;
          return HttpAnswer{.status = turns ? 200 : 503, .body = turns ? "ok\n" : "stuck\n"};
        }},
       {"/readyz",
        [this] {
          const bool ready = Accepts(*Latest(), Steady::now());
          return HttpAnswer{.status = ready ? 200 : 503, .body = ready ? "ready\n" : "not ready\n"};
        }},
       {"/metrics", [this] {
          return HttpAnswer{.body = MakeMetrics(*Latest(), config_, Steady::now()),
                            .content_type = "text/plain; version=0.0.4; charset=utf-8"};
        }}});
  if (!http) {
    return std::unexpected(
        std::format("listen on {} for HTTP: {}", net::ToString(config_.http), http.error()));
  }
  http_ = std::move(*http);
  signals_ = std::jthread([this](const std::stop_token& stop) { WaitForSignals(stop); });
  log_.Info("started", {{"version", SEXTANT_VERSION},
                        {"instance", config_.instance},
                        {"engine", ToString(config_.engine)},
                        {"listen", net::ToString({config_.listen.host, api_->port()})},
                        {"http", net::ToString({config_.http.host, http_->Port()})},
                        {"order", order_ ? nlohmann::json(ToJson(*order_)) : nlohmann::json()}});
  return {};
}

void Agent::WaitForSignals(const std::stop_token& stop) {
  const sigset_t set = StopSignalSet();
  const timespec patience{.tv_sec = 0, .tv_nsec = 100'000'000};
  while (!stop.stop_requested()) {
    if (sigtimedwait(&set, nullptr, &patience) > 0) {
      log_.Info("stopping", nlohmann::json::object());
      {
        const std::scoped_lock lock(mutex_);
        is_stopping_ = true;
      }
      Wake();
    }
  }
}

void Agent::Wake() {
  {
    const std::scoped_lock lock(mutex_);
    is_woken_ = true;
  }
  woken_.notify_all();
}

std::shared_ptr<const Snapshot> Agent::Latest() const {
  const std::scoped_lock lock(mutex_);
  return latest_;
}

// --- The API. ---

void Agent::Handle(const ApiRequest& request, Answer answer) {
  const bool is_post = request.method == "POST";
  if (request.target == "/v1/status") {
    return answer(request.method == "GET"
                      ? ApiAnswer{.body = Dump(MakeStatus(*Latest(), config_, Steady::now()))}
                      : Error(405, "only GET"));
  }
  if (request.target == "/v1/order") {
    if (!is_post) {
      return answer(Error(405, "only POST"));
    }
    const auto order = ParseOrder(request.body);
    return answer(order ? TakeOrder(*order) : Error(400, order.error()));
  }
  if (request.target == "/v1/demote") {
    return is_post ? Demote(request.body, std::move(answer)) : answer(Error(405, "only POST"));
  }
  answer(Error(404, "no such page"));
}

ApiAnswer Agent::TakeOrder(const Order& order) {
  {
    const std::scoped_lock lock(mutex_);
    if (order_ && (order.id < order_->id || (order.id == order_->id && order != *order_))) {
      return Error(409, std::format("order {} is the current one", order_->id));
    }
    if (order_ == order) {
      return {.status = 202, .body = Dump(ToJson(order))};
    }
    const auto saved = SaveOrder(config_.run / "order.json", order);
    if (!saved) {
      return Error(500, saved.error());
    }
    order_ = order;
    is_restored_ = false;
  }
  log_.Info("order", ToJson(order));
  Wake();
  return {.status = 202, .body = Dump(ToJson(order))};
}

void Agent::Demote(const std::string& body, Answer answer) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const auto number = [&](const char* key) -> std::optional<std::uint64_t> {
    const auto found = json.is_object() ? json.find(key) : json.end();
    return json.is_object() && found != json.end() && found->is_number_unsigned()
               ? std::optional(found->get<std::uint64_t>())
               : std::nullopt;
  };
  const auto id = number("id");
  const auto time = number("timeout_ms");
  if (!id || *id == 0 || !time || json.size() != 2) {
    return answer(Error(400, "id and timeout_ms are wanted, as numbers"));
  }
  if (ApiAnswer taken = TakeOrder({.id = *id, .role = Role::kNone}); taken.status != 202) {
    return answer(std::move(taken));
  }
  {
    const std::scoped_lock lock(mutex_);
    waiters_.push_back({.id = *id,
                        .deadline = Steady::now() + milliseconds(std::min(*time, kMaxDemoteTime)),
                        .answer = std::move(answer)});
  }
  Wake();
}

}  // namespace sextant::agent
