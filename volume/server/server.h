// sextant-volume without its command line: a session, the control socket, and HTTP.
//
// Threads: one for the socket, its timers and signals; one of the session; one answers HTTP; the
// mount and the client have theirs.
#pragma once

#include "sextant/kube/runtime/http_server.h"
#include "volume/server/command.h"
#include "volume/server/config.h"
#include "volume/server/control.h"
#include "volume/server/session.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <future>

namespace sextant::volume::server {

class Server {
 public:
  // `volume` outlives it. The error says what could not be listened on.
  [[nodiscard]] static std::expected<std::unique_ptr<Server>, std::string> Start(
      const Config& config, Volume& volume, const daemon::Log& log);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Stops on SIGTERM and SIGINT.
  void HandleSignals();
  // Detaches, for a while with a flush, and ends.
  void Stop();
  // Waits for the end, once.
  void Wait() { ended_.get_future().wait(); }

  [[nodiscard]] std::uint16_t http_port() const { return http_->Port(); }

 private:
  Server(const Config& config, Volume& volume, const daemon::Log& log);
  [[nodiscard]] std::expected<void, std::string> Listen();
  void Handle(const std::string& line, ControlServer::Answer answer);

  const Config& config_;
  const daemon::Log& log_;
  boost::asio::io_context io_{1};
  boost::asio::signal_set signals_{io_};
  boost::asio::steady_timer cut_{io_};
  Session session_;
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<kube::runtime::HttpServer> http_;
  bool stopping_ = false;  // on io_
  std::promise<void> ended_;
  std::jthread thread_;
};

}  // namespace sextant::volume::server
