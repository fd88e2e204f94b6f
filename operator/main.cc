// sextant-operator: makes database clusters of DBClusters. docs/operator.md is its manual.
#include "daemon/log.h"
#include "operator/observe/curl_fleet.h"
#include "operator/reconciler.h"
#include "operator/resources/render.h"
#include "sextant/kube/config.h"
#include "sextant/kube/runtime/http_server.h"
#include "sextant/kube/runtime/leader_elector.h"
#include "sextant/kube/runtime/metrics.h"
#include "sextant/kube/transport.h"

#include <CLI/CLI.hpp>
#include <curl/curl.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdlib>
#include <format>
#include <iostream>
#include <malloc.h>
#include <pthread.h>
#include <random>

namespace {

namespace op = sextant::op;
namespace kube = sextant::kube;
namespace runtime = sextant::kube::runtime;

constexpr int kBadStart = 1;
constexpr int kLostLeadership = 3;
// A writer may die together with the operator that leads: who leads next is part of its failover.
constexpr runtime::LeaseTimings kLease = {.lease_duration = std::chrono::seconds(6),
                                          .renew_deadline = std::chrono::seconds(4),
                                          .retry_period = std::chrono::seconds(1)};

struct Options {
  op::Images images = {.storage = "sextant/storage:latest",
                       .volume = "sextant/volume:latest",
                       .postgresql = "sextant/postgresql:latest",
                       .mariadb = "sextant/mariadb:latest"};
  std::string watch_namespace;
  std::string own_namespace = "default";
  std::string identity = "sextant-operator";
  std::string log_level = "info";
  std::uint16_t port = 8080;
  int workers = 8;
  bool elect = true;
};

void AddOptions(CLI::App& app, Options& options) {
  app.add_option("--storage-image", options.images.storage, "image of storage nodes")
      ->envname("SEXTANT_STORAGE_IMAGE")
      ->capture_default_str();
  app.add_option("--volume-image", options.images.volume, "image of volumes")
      ->envname("SEXTANT_VOLUME_IMAGE")
      ->capture_default_str();
  app.add_option("--postgresql-image", options.images.postgresql, "image of PostgreSQL")
      ->envname("SEXTANT_POSTGRESQL_IMAGE")
      ->capture_default_str();
  app.add_option("--mariadb-image", options.images.mariadb, "image of MariaDB")
      ->envname("SEXTANT_MARIADB_IMAGE")
      ->capture_default_str();
  app.add_option("--namespace", options.watch_namespace, "the one to watch (default: all)")
      ->envname("SEXTANT_NAMESPACE");
  app.add_option("--own-namespace", options.own_namespace, "where the Lease is")
      ->envname("POD_NAMESPACE")
      ->capture_default_str();
  app.add_option("--identity", options.identity, "this process, in the Lease and in events")
      ->envname("POD_NAME")
      ->capture_default_str();
  app.add_option("--port", options.port, "/metrics, /healthz, /readyz")->capture_default_str();
  app.add_option("--workers", options.workers, "clusters that are worked on at once")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_flag("!--no-leader-election", options.elect, "for tests: act at once");
  app.add_option("--log-level", options.log_level)
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "warning", "error"}))
      ->capture_default_str();
}

sextant::daemon::LogLevel Level(const std::string& text) {
  using sextant::daemon::LogLevel;
  if (text == "trace" || text == "debug") {
    return LogLevel::kDebug;
  }
  if (text == "warn" || text == "warning") {
    return LogLevel::kWarning;
  }
  return text == "error" ? LogLevel::kError : LogLevel::kInfo;
}

int Fail(const std::string& what) {
  std::cerr << "sextant-operator: " << what << '\n';
  return kBadStart;
}

// Objects of a cluster bring its key; nodes bring all keys, for zones and readiness.
void WatchAll(runtime::Controller& controller, op::Watches& watches) {
  for (const auto& informer : watches.all()) {
    const std::string& kind = informer->Resource().kind;
    if (kind == "DBCluster") {
      controller.Watch(*informer);
    } else if (kind == "Node") {
      controller.Watch(
          *informer,
          [&watches](const runtime::Snapshot&) {
            std::vector<runtime::Key> keys;
            for (const auto& cluster : watches.Of("DBCluster").Objects().List()) {
              keys.push_back(cluster->GetKey());
            }
            return keys;
          },
          runtime::LabelsChanged);
    } else if (kind != "StorageClass" && kind != "Event") {
      controller.Watch(*informer, op::ClusterOf);
    }
  }
}

int Run(const Options& options, const sigset_t& signals) {
  const sextant::daemon::Log log(Level(options.log_level));
  const auto config = kube::LoadConfig();
  if (!config) {
    return Fail(kube::ToString(config.error()));
  }
  auto transport = kube::MakeTransport(*config, {.user_agent = "sextant-operator"});
  if (!transport) {
    return Fail(kube::ToString(transport.error()));
  }
  const kube::SystemClock clock;
  runtime::Metrics metrics(clock);
  const kube::Client client(
      std::move(*transport),
      {.requests_per_second = 500,
       .burst = 1000,
       .field_manager = "sextant-operator",
       .on_call = [&metrics](const kube::CallRecord& call) { metrics.Api().Finished(call); }});
  runtime::EventRecorder events(
      client, {.controller = "sextant.dev/operator", .instance = options.identity}, clock,
      &metrics.Events());
  op::Watches watches(client, clock, &metrics, options.watch_namespace);
  const auto http = runtime::HttpServer::Start(
      {.port = options.port},
      {{"/metrics", runtime::AnswerMetrics(metrics)},
       {"/healthz", [] { return runtime::HttpAnswer{.body = "ok\n"}; }},
       {"/readyz",
        runtime::AnswerChecks({{"informers", [&watches] { return watches.IsSynced(); }}})}});
  if (!http) {
    return Fail(http.error());
  }

  runtime::Controller* running = nullptr;
  op::Applied applied;
  op::CurlFleet fleet({}, [&running](const runtime::Key& key) {
    if (running != nullptr) {
      running->Enqueue(key);
    }
  });
  const op::Executor executor(client, fleet, applied, events);
  const runtime::LeaderElector* leader = nullptr;
  op::Reconciler reconciler(watches, fleet, applied, executor, options.images, clock, log,
                            [&leader] { return leader == nullptr || leader->IsLeading(); });
  runtime::Controller controller({.name = "dbcluster", .workers = options.workers},
                                 std::ref(reconciler), clock, &metrics);
  running = &controller;
  WatchAll(controller, watches);
  watches.Start();
  log.Info("started", {{"version", SEXTANT_VERSION}, {"identity", options.identity}});
  const auto term = [] { kill(getpid(), SIGTERM); };
  bool lost = false;
  std::random_device random;
  runtime::LeaderElector elector(client,
                                 {.ns = options.own_namespace,
                                  .name = "sextant-operator",
                                  .identity = std::format("{}_{:08x}", options.identity, random()),
                                  .timings = kLease},
                                 {.on_started =
                                      [&] {
                                        log.Info("leads", {});
                                        controller.Start();
                                      },
                                  .on_lost =
                                      [&] {
                                        lost = true;
                                        term();
                                      }},
                                 clock, &metrics.Leader("sextant-operator"));
  // The first lists may take as long as they do; a signal ends the wait.
  std::jthread begin([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && !watches.WaitUntilSynced(std::chrono::seconds(1))) {
    }
    if (stop.stop_requested()) {
      return;
    }
    if (!options.elect) {
      controller.Start();
      return;
    }
    leader = &elector;
    if (const auto started = elector.Start(); !started) {
      log.Error("no leader election", {{"error", kube::ToString(started.error())}});
      term();
    }
  });
  int signal = 0;
  sigwait(&signals, &signal);
  if (lost) {
    log.Error("another operator may lead now", {});
    std::_Exit(kLostLeadership);  // what is under way must not go on
  }
  log.Info("stops", {{"signal", signal}});
  begin.request_stop();
  begin.join();
  controller.Stop();
  elector.Stop();
  watches.Stop();
  (void)events.Flush(std::chrono::seconds(2));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  kube::InitializeTransport();
  CLI::App app{"Makes database clusters of DBClusters"};
  Options options;
  AddOptions(app, options);
  app.set_version_flag("--version", std::string("sextant-operator ") + SEXTANT_VERSION);
  CLI11_PARSE(app, count, arguments);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before there are threads: all inherit it
  mallopt(M_ARENA_MAX, 2);  // else each thread keeps for itself what it once needed
  curl_global_init(CURL_GLOBAL_DEFAULT);
  return Run(options, signals);
}
