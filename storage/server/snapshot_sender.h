// Gives other members the index of this one, one of them at a time: docs/adr/0009.
#pragma once

#include "sextant/protocol/message.h"
#include "storage/disk_host.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace sextant::storage::server {

// All functions on `executor`; files are read on `worker`, whose only thread must end first.
class SnapshotSender {
 public:
  using Send = std::function<void(protocol::Outgoing)>;
  // The time of the last group of a branch's log.
  using LastTime = std::function<std::uint64_t(BranchId)>;

  SnapshotSender(Store& store, boost::asio::any_io_executor executor,
                 boost::asio::thread_pool& worker, Send send, LastTime last_time);

  void On(const protocol::Uuid& from, const protocol::AskSnapshot& ask);
  void On(const protocol::Uuid& from, const protocol::AskPiece& ask);

 private:
  struct Offer {
    protocol::Uuid to;
    std::uint64_t request = 0;
    std::optional<protocol::SnapshotManifest> manifest;  // none: it is being made
    std::chrono::steady_clock::time_point used;
  };

  void Made(Result<protocol::SnapshotManifest> manifest);

  Store& store_;
  const boost::asio::any_io_executor executor_;
  boost::asio::thread_pool& worker_;
  const Send send_;
  const LastTime last_time_;
  std::optional<Offer> offer_;
};

}  // namespace sextant::storage::server
