// Fetches the index of another member, file by file, to be installed when this one starts again.
#pragma once

#include "daemon/log.h"
#include "sextant/protocol/message.h"
#include "storage/disk_host.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace sextant::storage::server {

struct ReceiverEvents {
  std::function<void(protocol::Outgoing)> send;
  // It could be installed as things are here now.
  std::function<std::expected<void, std::string>(const protocol::SnapshotManifest&)> fits;
  // All is on disk: start again.
  std::function<void()> ready;
};

// All functions on `executor`; files are written on `worker`, whose only thread must end first.
class SnapshotReceiver {
 public:
  SnapshotReceiver(Store& store, boost::asio::any_io_executor executor,
                   boost::asio::thread_pool& worker, const daemon::Log& log, ReceiverEvents events);

  // Nothing while one is on its way.
  void Fetch(const protocol::MemberId& from);
  void On(const protocol::Uuid& from, const protocol::SnapshotOffer& offer);
  void On(const protocol::Uuid& from, const protocol::SnapshotPiece& piece);

 private:
  using Steady = std::chrono::steady_clock;

  struct Running {
    protocol::MemberId from;
    std::uint64_t request = 0;
    std::optional<protocol::SnapshotManifest> manifest = {};  // none: not offered yet
    std::size_t file = 0;                                     // that is being fetched
    std::uint64_t offset = 0;
    bool is_writing = false;
    Steady::time_point asked = {};
    Steady::time_point advanced = {};
  };

  void Ask();
  // `work` on the worker, then `next` here, unless it failed or the fetch is another one by then.
  void Write(std::function<Result<>()> work, std::function<void()> next);
  void Advance();
  void Finish();
  void GiveUp(const std::string& why);
  void Watch();

  Store& store_;
  const boost::asio::any_io_executor executor_;
  boost::asio::thread_pool& worker_;
  const daemon::Log& log_;
  const ReceiverEvents events_;
  boost::asio::steady_timer timer_;
  std::optional<Running> fetch_;
  std::uint64_t last_request_ = 0;
};

}  // namespace sextant::storage::server
