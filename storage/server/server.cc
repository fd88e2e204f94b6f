#include "storage/server/server.h"

#include "storage/server/metrics.h"
#include "storage/server/status.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include <csignal>
#include <format>
#include <random>

namespace sextant::storage::server {
namespace {

namespace asio = boost::asio;
using kube::runtime::HttpAnswer;
using std::chrono::steady_clock;

constexpr auto kPublishInterval = std::chrono::milliseconds(250);
constexpr auto kDrainInterval = std::chrono::milliseconds(20);
// For what is here to become durable in the volume, which others decide; and then for the index.
constexpr auto kQuietDeadline = std::chrono::seconds(2);
constexpr auto kFlushDeadline = std::chrono::seconds(10);

MemberOptions OptionsOf(const Config& config) {
  std::random_device random;
  return {.node = {.gossip_interval = config.gossip_interval,
                   .scrub_interval = config.scrub_interval,
                   .random_seed = (std::uint64_t{random()} << 32) | random()},
          .disk = {.store = {.directory = config.data_directory,
                             .segment_size = config.segment_size,
                             .index = {.directory = {},
                                       .table_log_bytes = config.limits.table_log,
                                       .cache_bytes = config.limits.index_cache}},
                   .read_threads = config.read_threads,
                   .queued_bytes = config.limits.queued_groups,
                   .unindexed_bytes = config.limits.unindexed_log,
                   .compaction_log_bytes = config.compact_after,
                   .trim_log_bytes = config.trim_after}};
}

nlohmann::json Fields(const net::ConnectionPtr& connection) {
  const net::Peer& peer = connection->peer();
  return {{"address", connection->address()},
          {"uuid", net::ToString(peer.hello.uuid)},
          {"kind", peer.hello.kind == net::PartyKind::kNode ? "node" : "client"},
          {"name", peer.common_name}};
}

}  // namespace

std::expected<std::unique_ptr<Server>, std::string> Server::Start(Config config,
                                                                  FileSystem& files) {
  std::unique_ptr<Server> server(new Server(std::move(config)));
  auto opened = server->Open(files);
  if (opened) {
    opened = server->Listen();
  }
  if (opened) {
    opened = server->ListenHttp();
  }
  if (!opened) {
    return std::unexpected(opened.error());
  }
  server->Run();
  return server;
}

Server::Server(Config config)
    : config_(std::move(config)),
      log_(config_.log_level),
      io_(static_cast<int>(config_.network_threads)),
      strand_(asio::make_strand(io_)),
      signals_(strand_),
      publish_timer_(strand_),
      drain_timer_(strand_) {}

Server::~Server() {
  io_.stop();
  threads_.clear();
  http_.reset();
}

std::expected<void, std::string> Server::Open(FileSystem& files) {
  if (config_.tls) {
    auto loaded = net::Credentials::Load(*config_.tls);
    if (!loaded) {
      return std::unexpected(loaded.error());
    }
    credentials_ = std::move(*loaded);
  }
  auto member = Member::Open(
      files, OptionsOf(config_), strand_, log_,
      {.send = [this](protocol::Outgoing outgoing) { return routes_.Send(std::move(outgoing)); },
       .failed = [this](const DiskError&) { End(Ending::kDiskFailed); },
       .snapshot_ready = [this] { End(Ending::kSnapshot); }});
  if (!member) {
    return std::unexpected(
        std::format("open {}: {}", config_.data_directory.string(), member.error().what));
  }
  member_ = std::move(*member);
  usage_.emplace(config_.data_directory);  // which is there now
  return {};
}

std::expected<void, std::string> Server::Listen() {
  const net::Context context{
      .io = io_.get_executor(),
      .owner = strand_,
      .self = {.kind = net::PartyKind::kNode, .uuid = member_->node().member()},
      .credentials = credentials_,
      .limits = {.send_queue_bytes = config_.limits.send_queue},
      .traffic = traffic_};
  auto acceptor =
      net::Acceptor::Listen(context, config_.listen, config_.limits.connections, Events());
  if (!acceptor) {
    return std::unexpected(acceptor.error());
  }
  acceptor_ = std::move(*acceptor);
  dialer_ = std::make_unique<net::Dialer>(context, net::DialerOptions(), Events());
  return {};
}

std::expected<void, std::string> Server::ListenHttp() {
  latest_ = std::make_shared<const Snapshot>(member_->TakeSnapshot());
  const auto check = [this](auto holds) {
    return [this, holds] {
      const auto state = StateOf(*Latest(), steady_clock::now());
      return HttpAnswer{.status = holds(state) ? 200 : 503, .body = std::string(state) + "\n"};
    };
  };
  auto http = kube::runtime::HttpServer::Start(
      {.address = config_.http.host, .port = config_.http.port},
      {{"/healthz", check([](std::string_view state) { return state != "stuck"; })},
       {"/readyz", check([](std::string_view state) { return state == "ready"; })},
       {"/metrics",
        [this] {
          return HttpAnswer{
              .body = MakeMetrics(*Latest(), usage_->Latest(), *traffic_, steady_clock::now()),
              .content_type = "text/plain; version=0.0.4; charset=utf-8"};
        }},
       {"/status", [this] {
          const auto status = MakeStatus(*Latest(), usage_->Latest(), config_, steady_clock::now());
          return HttpAnswer{
              .body = status.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
                      "\n",
              .content_type = "application/json"};
        }}});
  if (!http) {
    return std::unexpected(
        std::format("listen on {} for HTTP: {}", net::ToString(config_.http), http.error()));
  }
  http_ = std::move(*http);
  return {};
}

net::ConnectionEvents Server::Events() {
  return {.opened = [this](const net::ConnectionPtr& connection) { OnOpened(connection); },
          .received =
              [this](const net::ConnectionPtr& connection, protocol::Frame frame) {
                member_->Receive(connection->peer().hello, std::move(frame.message));
              },
          .closed =
              [this](const net::ConnectionPtr& connection, const std::string& why) {
                routes_.Remove(connection);
                nlohmann::json fields = Fields(connection);
                fields["reason"] = why;
                log_.Info("connection closed", fields);
              },
          .failed =
              [this](const std::string& address, const std::string& why) {
                if (why != net::kLeadsBack) {  // the list of peers may have this node as well
                  log_.Warning("no connection", {{"address", address}, {"reason", why}});
                }
              }};
}

// A client that took a member's name would get the member's answers.
void Server::OnOpened(const net::ConnectionPtr& connection) {
  const net::Hello& hello = connection->peer().hello;
  const net::ConnectionPtr other = routes_.Find(hello.uuid);
  if (hello.kind == net::PartyKind::kClient &&
      (member_->node().configuration().Contains(hello.uuid) ||
       (other && other->peer().hello.kind == net::PartyKind::kNode))) {
    log_.Warning("a client calls itself a member", Fields(connection));
    connection->Close();
    return;
  }
  routes_.Add(connection);
  log_.Info("connection opened", Fields(connection));
}

void Server::Run() {
  asio::post(strand_, [this] {
    member_->Start();
    std::vector<net::Address> addresses;
    for (const PeerConfig& peer : config_.peers) {
      addresses.push_back(peer.address);
    }
    dialer_->SetAddresses(addresses);
    Publish();
  });
  log_.Info("started", {{"version", SEXTANT_VERSION},
                        {"member", net::ToString(member_->node().member())},
                        {"listen", net::ToString({config_.listen.host, port()})},
                        {"http", net::ToString({config_.http.host, http_port()})},
                        {"tls", config_.tls.has_value()}});
  for (std::uint64_t i = 0; i < config_.network_threads; ++i) {
    threads_.emplace_back([this] { io_.run(); });
  }
}

// --- The status. ---

void Server::Publish() {
  Snapshot snapshot = member_->TakeSnapshot();
  for (const auto& [uuid, connections] : routes_.all()) {
    for (const net::ConnectionPtr& connection : connections) {
      snapshot.connections.push_back({.hello = connection->peer().hello,
                                      .common_name = connection->peer().common_name,
                                      .address = connection->address(),
                                      .queued_bytes = connection->queued_bytes()});
    }
  }
  if (credentials_) {
    snapshot.certificate_expiry = credentials_->expiry();
    snapshot.certificate_error = credentials_->error();
  }
  {
    const std::scoped_lock lock(mutex_);
    latest_ = std::make_shared<const Snapshot>(std::move(snapshot));
  }
  PublishLater();
}

void Server::PublishLater() {
  publish_timer_.expires_after(kPublishInterval);
  publish_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) {
      Publish();
    }
  });
}

std::shared_ptr<const Snapshot> Server::Latest() const {
  const std::scoped_lock lock(mutex_);
  return latest_;
}

// --- The end. ---

void Server::HandleSignals() {
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  signals_.async_wait([this](const boost::system::error_code& error, int signal) {
    if (!error) {
      log_.Info("stopping", {{"signal", signal}});
      Stop();
    }
  });
}

void Server::Stop() {
  asio::post(strand_, [this] {
    member_->TakeNoMoreGroups();
    Drain(0, steady_clock::now() + kQuietDeadline);
  });
}

// Step 0 waits for the member to be quiet, step 1 for the index.
void Server::Drain(int step, SteadyTime deadline) {
  const bool late = steady_clock::now() >= deadline;
  if (step == 0 && (late || member_->Quiet())) {
    member_->CloseTables();
    step = 1;
    deadline = steady_clock::now() + kFlushDeadline;
  } else if (step == 1 && (late || member_->Flushed())) {
    dialer_->Stop();
    acceptor_->Stop();
    log_.Info("stopped", {{"index_flushed", !late}});
    End(Ending::kStopped);
    return;
  }
  drain_timer_.expires_after(kDrainInterval);
  drain_timer_.async_wait([this, step, deadline](const boost::system::error_code& error) {
    if (!error) {
      Drain(step, deadline);
    }
  });
}

void Server::End(Ending ending) {
  if (!ended_.exchange(true)) {
    ending_.set_value(ending);
  }
}

}  // namespace sextant::storage::server
