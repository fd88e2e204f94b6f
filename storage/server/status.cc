#include "storage/server/status.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sextant::storage::server {
namespace {

using Json = nlohmann::ordered_json;

// A snapshot is made four times a second; one this old means that the node does nothing.
constexpr auto kStuckAfter = std::chrono::seconds(5);

std::int64_t Age(SteadyTime then, SteadyTime now) {
  return std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::milliseconds>(now - then).count());
}

Json Uuids(const std::vector<protocol::MemberId>& members) {
  Json list = Json::array();
  for (const protocol::MemberId& member : members) {
    list.push_back(net::ToString(member));
  }
  return list;
}

Json Describe(const protocol::Configuration& configuration) {
  constexpr std::array kKinds = {"stable", "joint", "rebuild"};
  return {{"generation", configuration.generation},
          {"kind", kKinds.at(static_cast<std::size_t>(configuration.kind))},
          {"members", Uuids(configuration.members)},
          {"next", Uuids(configuration.next)},
          {"write_quorum", configuration.write_quorum},
          {"takeover_quorum", configuration.takeover_quorum}};
}

// 0 means for ever, so a short lease is rounded up.
std::int64_t LeaseMs(const protocol::Pin& pin) {
  return pin.dropped() ? -1 : (pin.lease.count() + 999) / 1000;
}

Json Describe(const std::map<protocol::Uuid, protocol::Pin>& pins) {
  Json list = Json::array();
  for (const auto& [id, pin] : pins) {
    list.push_back({{"pin", net::ToString(id)}, {"lsn", pin.lsn}, {"lease_ms", LeaseMs(pin)}});
  }
  return list;
}

Json Describe(const protocol::History& history) {
  Json list = Json::array();
  for (const protocol::HistoryEntry& entry : history.entries()) {
    list.push_back({{"epoch", entry.epoch}, {"first", entry.first}});
  }
  return list;
}

Json Describe(const BranchSnapshot& branch, const DiskUsage& usage, SteadyTime now) {
  Json forks = Json::array();
  for (const auto& [child, lsn] : branch.forks) {
    forks.push_back({{"branch", child}, {"lsn", lsn}});
  }
  Json damaged = Json::array();
  std::uint64_t damaged_bytes = 0;
  for (const protocol::LsnRange& range : branch.damaged) {
    damaged.push_back({{"first", range.first}, {"end", range.end}});
    damaged_bytes += range.end - range.first;
  }
  Json peers = Json::array();
  for (const auto& [member, peer] : branch.peers) {
    peers.push_back({{"member", net::ToString(member)},
                     {"scl", peer.scl},
                     {"vdl", peer.vdl},
                     {"heard_ms_ago", Age(peer.heard, now)}});
  }
  const auto log = usage.logs.find(branch.branch.id);
  return {{"branch", branch.branch.id},
          {"parent", branch.branch.parent},
          {"fork", branch.branch.fork},
          {"epoch_promised", branch.promise.epoch},
          {"history_epoch", branch.history.last_epoch()},
          {"history", Describe(branch.history)},
          {"scl", branch.scl},
          {"vdl", branch.vdl},
          {"end", branch.end},
          {"start", branch.start},
          {"horizon", branch.horizon},
          {"pins", Describe(branch.pins)},
          {"forks", forks},
          {"writer",
           {{"uuid", net::ToString(branch.promise.writer)},
            {"heard_ms_ago",
             branch.writer_heard ? Json(Age(*branch.writer_heard, now)) : Json(nullptr)}}},
          {"takes_groups", !branch.refusing.has_value()},
          {"refuses_because", branch.refusing ? Json(ToString(*branch.refusing)) : Json(nullptr)},
          {"repair",
           {{"missing_bytes", branch.missing_bytes()},
            {"damaged_bytes", damaged_bytes},
            {"damaged", damaged}}},
          {"index",
           {{"ingested", branch.index.ingested},
            {"flushed", branch.index.flushed},
            {"log_bytes_in_memory", branch.index.log_bytes_in_memory},
            {"pages_in_memory", branch.index.pages_in_memory}}},
          {"log_bytes_on_disk", log == usage.logs.end() ? 0 : log->second},
          {"peers", peers}};
}

Json Describe(const ConnectionSnapshot& connection) {
  return {{"uuid", net::ToString(connection.hello.uuid)},
          {"kind", connection.hello.kind == net::PartyKind::kNode ? "node" : "client"},
          {"name", connection.common_name},
          {"address", connection.address},
          {"queued_bytes", connection.queued_bytes}};
}

}  // namespace

std::string_view StateOf(const Snapshot& snapshot, SteadyTime now) {
  if (!snapshot.failure.empty()) {
    return "disk_failed";
  }
  if (snapshot.broken) {
    return "broken";
  }
  if (snapshot.stopping) {
    return "stopping";
  }
  return now - snapshot.taken > kStuckAfter ? "stuck" : "ready";
}

Json MakeStatus(const Snapshot& snapshot, const DiskUsage& usage, const Config& config,
                SteadyTime now) {
  Json branches = Json::array();
  for (const BranchSnapshot& branch : snapshot.branches) {
    branches.push_back(Describe(branch, usage, now));
  }
  Json connections = Json::array();
  for (const ConnectionSnapshot& connection : snapshot.connections) {
    connections.push_back(Describe(connection));
  }
  Json peers = Json::array();
  for (const PeerConfig& peer : config.peers) {
    peers.push_back({{"address", net::ToString(peer.address)}, {"zone", peer.zone}});
  }
  return {{"version", SEXTANT_VERSION},
          {"member", net::ToString(snapshot.member)},
          {"zone", config.zone},
          {"state", StateOf(snapshot, now)},
          {"age_ms", Age(snapshot.taken, now)},
          {"broken", snapshot.broken},
          {"configuration", Describe(snapshot.configuration)},
          {"disk",
           {{"full", snapshot.disk_full},
            {"failure", snapshot.failure},
            {"used_bytes", usage.used()},
            {"index_bytes", usage.index},
            {"free_bytes", usage.free},
            {"capacity_bytes", usage.capacity}}},
          {"branches", branches},
          {"peers", peers},
          {"connections", connections},
          {"certificate_error", snapshot.certificate_error}};
}

}  // namespace sextant::storage::server
