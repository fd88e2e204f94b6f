// A storage node: a Member, its connections, and what it shows over HTTP.
//
// Threads: a few run the connections and, one at a time, the member; the disk has its own; one
// answers HTTP; one measures the disk. All functions may be called from any thread.
#pragma once

#include "sextant/kube/runtime/http_server.h"
#include "sextant/net/acceptor.h"
#include "sextant/net/dialer.h"
#include "sextant/net/routes.h"
#include "storage/server/config.h"
#include "storage/server/disk_usage.h"
#include "storage/server/member.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/strand.hpp>

#include <future>

namespace sextant::storage::server {

enum class Ending : std::uint8_t {
  kStopped,
  kDiskFailed,  // a new process must find out what the disk holds
  kSnapshot,    // a new process installs what was fetched
};

class Server {
 public:
  // The error says what could not be opened or listened on.
  [[nodiscard]] static std::expected<std::unique_ptr<Server>, std::string> Start(Config config,
                                                                                 FileSystem& files);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Stops in order on SIGTERM and SIGINT.
  void HandleSignals();
  // Takes no more groups, waits a little until what it has is durable in the volume and indexed,
  // and ends.
  void Stop();
  // Waits for the end, once.
  [[nodiscard]] Ending Wait() { return ending_.get_future().get(); }

  [[nodiscard]] std::uint16_t port() const { return acceptor_->port(); }
  [[nodiscard]] std::uint16_t http_port() const { return http_->Port(); }

 private:
  explicit Server(Config config);
  [[nodiscard]] std::expected<void, std::string> Open(FileSystem& files);
  [[nodiscard]] std::expected<void, std::string> Listen();
  [[nodiscard]] std::expected<void, std::string> ListenHttp();
  [[nodiscard]] net::ConnectionEvents Events();
  void Run();
  void End(Ending ending);

  // On the strand.
  void OnOpened(const net::ConnectionPtr& connection);
  void Publish();
  void PublishLater();
  void Drain(int step, SteadyTime deadline);

  // Any thread.
  [[nodiscard]] std::shared_ptr<const Snapshot> Latest() const;

  const Config config_;
  const daemon::Log log_;
  boost::asio::io_context io_;
  boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer publish_timer_;
  boost::asio::steady_timer drain_timer_;

  std::shared_ptr<net::Credentials> credentials_;
  const std::shared_ptr<net::Traffic> traffic_ = std::make_shared<net::Traffic>();
  std::unique_ptr<Member> member_;
  net::Routes routes_;
  std::unique_ptr<net::Dialer> dialer_;
  std::unique_ptr<net::Acceptor> acceptor_;

  std::optional<DiskUsageSampler> usage_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> latest_;  // guarded by mutex_
  std::atomic<bool> ended_ = false;
  std::promise<Ending> ending_;
  std::unique_ptr<kube::runtime::HttpServer> http_;
  std::vector<std::jthread> threads_;
};

}  // namespace sextant::storage::server
