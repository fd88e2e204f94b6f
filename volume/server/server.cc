#include "volume/server/server.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include <csignal>
#include <format>

namespace sextant::volume::server {
namespace {

namespace asio = boost::asio;
using kube::runtime::HttpAnswer;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

// Of the flush at the end: what the engine did not sync may be lost, as with any crash. A kubelet
// whose patience with the pod is used up leaves a sidecar two seconds, and a mount that is still
// there afterwards keeps the pod from going.
constexpr auto kLastFlush = std::chrono::seconds(1);

std::string Dump(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// Answers once: with what came of a command, or that it took too long.
class Reply : public std::enable_shared_from_this<Reply> {
 public:
  Reply(asio::io_context& io, ControlServer::Answer answer)
      : io_(io), answer_(std::move(answer)), timer_(io) {}

  // On io's thread.
  void Expire(std::chrono::milliseconds timeout) {
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) {
        self->Finish(Failure({"timeout", "not done in time; it goes on"}));
      }
    });
  }
  // Any thread.
  void Send(Json json) {
    asio::post(io_, [self = shared_from_this(), json = std::move(json)] { self->Finish(json); });
  }

 private:
  void Finish(const Json& json) {
    timer_.cancel();
    if (auto answer = std::exchange(answer_, nullptr)) {
      answer(Dump(json));
    }
  }

  asio::io_context& io_;
  ControlServer::Answer answer_;
  asio::steady_timer timer_;
};

// Carries a command out.
struct Executor {
  Session& session;
  std::shared_ptr<Reply> reply;
  client::Deadline deadline;
  std::function<void()> stop;

  [[nodiscard]] auto AnswerWithStatus() const {
    return [&from = session, to = reply](const std::expected<void, Problem>& outcome) {
      to->Send(outcome ? Describe(from.status()) : Failure(outcome.error()));
    };
  }

  void operator()(const StatusCommand&) const { reply->Send(Describe(session.status())); }
  void operator()(const AttachCommand& attach) const {
    session.Attach(attach.target, deadline,
                   [&from = session, to = reply](const std::expected<void, Problem>& outcome) {
                     const SessionStatus status = from.status();
                     if (!outcome) {
                       Json answer = Failure(outcome.error());
                       if (status.fenced_by) {
                         answer["fenced_by"] = *status.fenced_by;
                       }
                       return to->Send(std::move(answer));
                     }
                     Json answer = Describe(status);
                     answer["empty"] = status.tree && status.tree->empty;
                     to->Send(std::move(answer));
                   });
  }
  void operator()(const DetachCommand&) const { session.Detach(deadline, AnswerWithStatus()); }
  void operator()(const FlushCommand& flush) const {
    session.Flush(flush.idle, deadline, AnswerWithStatus());
  }
  void operator()(const BranchCommand& branch) const {
    session.MakeBranch(branch.parent, branch.at, branch.id, deadline,
                       [to = reply](const std::expected<protocol::Branch, Problem>& made) {
                         to->Send(made ? Json{{"ok", true},
                                              {"branch", made->id},
                                              {"parent", made->parent},
                                              {"lsn", made->fork}}
                                       : Failure(made.error()));
                       });
  }
  void operator()(const StopCommand&) const {
    reply->Send({{"ok", true}});
    stop();
  }
};

}  // namespace

std::expected<std::unique_ptr<Server>, std::string> Server::Start(const Config& config,
                                                                  Volume& volume,
                                                                  const daemon::Log& log) {
  std::unique_ptr<Server> server(new Server(config, volume, log));
  if (const auto listens = server->Listen(); !listens) {
    return std::unexpected(listens.error());
  }
  log.Info("started", {{"version", SEXTANT_VERSION},
                       {"mount", config.mount.string()},
                       {"control", config.control.string()},
                       {"http", net::ToString({config.http.host, server->http_port()})},
                       {"nodes", config.nodes.size()},
                       {"tls", config.tls.has_value()}});
  server->thread_ = std::jthread([raw = server.get()] { raw->io_.run(); });
  if (config.attach) {
    server->session_.Attach(*config.attach, client::kNoDeadline,
                            [](const std::expected<void, Problem>&) {});
  }
  return server;
}

Server::Server(const Config& config, Volume& volume, const daemon::Log& log)
    : config_(config), log_(log), session_(volume, log) {}

Server::~Server() {
  io_.stop();
  if (thread_.joinable()) {
    thread_.join();
  }
  http_.reset();
  control_.reset();
}

std::expected<void, std::string> Server::Listen() {
  auto control = ControlServer::Listen(
      io_.get_executor(),
      {.path = config_.control, .uid = config_.owner_uid, .gid = config_.owner_gid},
      [this](const std::string& line, ControlServer::Answer answer) {
        Handle(line, std::move(answer));
      });
  if (!control) {
    return std::unexpected(control.error());
  }
  control_ = std::move(*control);
  auto http = kube::runtime::HttpServer::Start(
      {.address = config_.http.host, .port = config_.http.port},
      {{"/healthz", [] { return HttpAnswer{.body = "ok\n"}; }},
       {"/readyz",
        [this] {
          const State state = session_.status().state;
          return HttpAnswer{.status = state == State::kAttached ? 200 : 503,
                            .body = std::string(ToString(state)) + "\n"};
        }},
       {"/metrics",
        [this] {
          return HttpAnswer{.body = MakeMetrics(session_.status()),
                            .content_type = "text/plain; version=0.0.4; charset=utf-8"};
        }},
       {"/status", [this] {
          return HttpAnswer{.body = Dump(Describe(session_.status()), 2) + "\n",
                            .content_type = "application/json"};
        }}});
  if (!http) {
    return std::unexpected(
        std::format("listen on {} for HTTP: {}", net::ToString(config_.http), http.error()));
  }
  http_ = std::move(*http);
  return {};
}

void Server::Handle(const std::string& line, ControlServer::Answer answer) {
  const auto reply = std::make_shared<Reply>(io_, std::move(answer));
  const auto command = ParseCommand(line);
  if (!command) {
    return reply->Send(Failure(command.error()));
  }
  reply->Expire(command->timeout);
  std::visit(Executor{.session = session_,
                      .reply = reply,
                      .deadline = Clock::now() + command->timeout,
                      .stop = [this] { Stop(); }},
             command->what);
}

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
  asio::post(io_, [this] {
    if (std::exchange(stopping_, true)) {
      return;
    }
    cut_.expires_after(kLastFlush);
    cut_.async_wait([this](const boost::system::error_code&) { session_.Cut(); });
    session_.Abandon(Clock::now() + kLastFlush, [this](const std::expected<void, Problem>&) {
      log_.Info("stopped", nlohmann::json::object());
      ended_.set_value();
    });
  });
}

}  // namespace sextant::volume::server
