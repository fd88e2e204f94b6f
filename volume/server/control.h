// The control socket: a Unix socket for the agent beside this program.
//
// A line is at most 64 KiB; a connection has one command under way at a time and is closed when it
// sends a longer one. All callbacks come on the executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace sextant::volume::server {

struct ControlOptions {
  std::filesystem::path path;
  std::uint32_t uid = 0;  // whose it is; both may connect, nobody else
  std::uint32_t gid = 0;
  std::size_t connections = 16;  // more are closed at once
};

class ControlServer {
 public:
  // Gets a line without its end and a function to answer with, once and from any thread.
  using Answer = std::move_only_function<void(std::string)>;
  using Handler = std::function<void(std::string line, Answer answer)>;

  // Replaces a socket that nobody listens on. `executor` runs one handler at a time: a strand.
  [[nodiscard]] static std::expected<std::unique_ptr<ControlServer>, std::string> Listen(
      boost::asio::any_io_executor executor, const ControlOptions& options, Handler handler);
  // The executor must not run any more. Removes the socket.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  class Connection;
  struct Shared;

  ControlServer(boost::asio::any_io_executor executor, ControlOptions options, Handler handler);
  void Accept();

  const ControlOptions options_;
  const std::shared_ptr<Shared> shared_;
  boost::asio::local::stream_protocol::acceptor acceptor_;
};

}  // namespace sextant::volume::server
