// What a storage node is at one moment, as values: made on the node's strand, shown by /status and
// /metrics.
#pragma once

#include "sextant/net/connection.h"
#include "sextant/protocol/node.h"
#include "storage/index/index.h"

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sextant::storage::server {

using SteadyTime = std::chrono::steady_clock::time_point;

// Why groups of a branch are not taken.
enum class Refusing : std::uint8_t { kDiskFull, kBehind, kStopping };
inline constexpr std::size_t kRefusings = 3;

[[nodiscard]] constexpr std::string_view ToString(Refusing reason) {
  constexpr std::array<std::string_view, kRefusings> kNames = {"disk_full", "behind", "stopping"};
  return kNames[static_cast<std::size_t>(reason)];
}

// A peer's log of a branch, as its gossip told.
struct PeerSnapshot {
  protocol::Lsn scl = 0;
  protocol::Lsn vdl = 0;
  SteadyTime heard;
};

struct BranchSnapshot {
  protocol::Branch branch;
  protocol::Promise promise;
  protocol::History history;
  protocol::Lsn scl = 0;
  protocol::Lsn vdl = 0;
  protocol::Lsn end = 0;
  protocol::Lsn start = 0;  // where the log begins
  protocol::Lsn horizon = 0;
  std::map<protocol::Uuid, protocol::Pin> pins;
  std::map<protocol::BranchId, protocol::Lsn> forks;
  std::vector<protocol::LsnRange> damaged;
  IndexStatus index;
  std::map<protocol::MemberId, PeerSnapshot> peers;
  // When the writer that is promised last sent anything; none since this process began.
  std::optional<SteadyTime> writer_heard;
  std::optional<Refusing> refusing;

  // Durable in the volume and not here yet.
  [[nodiscard]] std::uint64_t missing_bytes() const;
};

struct ConnectionSnapshot {
  net::Hello hello;
  std::string common_name;
  std::string address;
  std::size_t queued_bytes = 0;
};

// Sums since the process began.
struct Counters {
  std::uint64_t groups_received = 0;
  std::uint64_t group_bytes_received = 0;
  std::array<std::uint64_t, kRefusings> groups_refused{};
  std::uint64_t messages_not_permitted = 0;
  std::uint64_t messages_unsent = 0;  // to nobody, or to a full queue
};

struct Snapshot {
  SteadyTime taken;
  protocol::MemberId member;
  protocol::Configuration configuration;
  std::vector<BranchSnapshot> branches;
  std::vector<ConnectionSnapshot> connections;
  Counters counters;
  bool disk_full = false;
  bool stopping = false;
  bool broken = false;
  std::string failure;  // what the disk said when it failed; empty while it has not
  std::optional<std::chrono::system_clock::time_point> certificate_expiry;
  std::string certificate_error;
};

}  // namespace sextant::storage::server
