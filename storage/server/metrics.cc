#include "storage/server/metrics.h"

#include "daemon/metric_families.h"
#include "storage/server/status.h"

#include <chrono>

namespace sextant::storage::server {
namespace {

using Families = daemon::MetricFamilies;
using daemon::Labels;

void AddBranch(const BranchSnapshot& branch, const DiskUsage& usage, SteadyTime now,
               Families& out) {
  const Labels labels = {{.name = "branch", .value = std::to_string(branch.branch.id)}};
  out.Gauge("scl_bytes", "End of the part of the log that is on this disk without a gap",
            branch.scl, labels);
  out.Gauge("vdl_bytes", "End of the part of the log known to be durable in the volume", branch.vdl,
            labels);
  out.Gauge("end_bytes", "End of the log, synced or not", branch.end, labels);
  out.Gauge("horizon_bytes", "LSN below which versions of pages may be gone", branch.horizon,
            labels);
  out.Gauge("epoch_promised", "Greatest epoch promised to a writer", branch.promise.epoch, labels);
  out.Gauge("history_epoch", "Epoch of the log's last part", branch.history.last_epoch(), labels);
  out.Gauge("missing_bytes", "Durable in the volume and not on this disk yet",
            branch.missing_bytes(), labels);
  out.Gauge("damaged_ranges", "Groups that were found bad and are not repaired yet",
            std::uint64_t{branch.damaged.size()}, labels);
  out.Gauge("pins", "Claims that keep a part of the past readable",
            std::uint64_t{branch.pins.size()}, labels);
  out.Gauge("takes_groups", "1 while new groups are taken, 0 while they are refused",
            std::uint64_t{branch.refusing ? 0U : 1U}, labels);
  if (branch.writer_heard) {
    out.Gauge("writer_silence_seconds", "Since the promised writer was last heard",
              std::chrono::duration<double>(now - *branch.writer_heard).count(), labels);
  }
  out.Gauge("index_ingested_bytes", "LSN up to which the page index has the log",
            branch.index.ingested, labels);
  out.Gauge("index_flushed_bytes", "LSN up to which the page index is on disk",
            branch.index.flushed, labels);
  out.Gauge("index_memory_log_bytes", "Log whose index entries are in memory only",
            branch.index.log_bytes_in_memory, labels);
  out.Gauge("index_memory_pages", "Pages in the index's tables in memory",
            branch.index.pages_in_memory, labels);
  const auto log = usage.logs.find(branch.branch.id);
  out.Gauge("log_disk_bytes", "Size of the log's files", log == usage.logs.end() ? 0 : log->second,
            labels);
}

void AddNode(const Snapshot& snapshot, const DiskUsage& usage, SteadyTime now, Families& out) {
  const auto flag = [](bool set) { return std::uint64_t{set ? 1U : 0U}; };
  out.Gauge("build_info", "Always 1", std::uint64_t{1},
            {{.name = "version", .value = SEXTANT_VERSION},
             {.name = "member", .value = net::ToString(snapshot.member)}});
  out.Gauge("ready", "1 while the node takes part", flag(StateOf(snapshot, now) == "ready"));
  out.Gauge("disk_full", "1 while groups are refused for want of space", flag(snapshot.disk_full));
  out.Gauge("disk_failed", "1 when the disk failed", flag(!snapshot.failure.empty()));
  out.Gauge("broken", "1 when a durable part of a log would have been cut", flag(snapshot.broken));
  out.Gauge("configuration_generation", "Generation of the configuration in force",
            snapshot.configuration.generation);
  out.Gauge("disk_free_bytes", "Free space of the file system", usage.free);
  out.Gauge("disk_capacity_bytes", "Size of the file system", usage.capacity);
  out.Gauge("index_disk_bytes", "Size of the page index's files", usage.index);
  if (snapshot.certificate_expiry) {
    out.Gauge(
        "certificate_expiry_timestamp_seconds", "When the certificate in use ends",
        std::chrono::duration<double>(snapshot.certificate_expiry->time_since_epoch()).count());
  }
  std::uint64_t nodes = 0;
  for (const ConnectionSnapshot& connection : snapshot.connections) {
    nodes += connection.hello.kind == net::PartyKind::kNode ? 1U : 0U;
  }
  out.Gauge("connections", "Open connections", nodes, {{.name = "kind", .value = "node"}});
  out.Gauge("connections", "Open connections", snapshot.connections.size() - nodes,
            {{.name = "kind", .value = "client"}});
}

void AddCounters(const Counters& counters, const net::Traffic& traffic, Families& out) {
  out.Counter("groups_received_total", "Groups that writers sent", counters.groups_received);
  out.Counter("group_bytes_received_total", "Bytes of groups that writers sent",
              counters.group_bytes_received);
  for (std::size_t i = 0; i < kRefusings; ++i) {
    out.Counter("groups_refused_total", "Groups that were not taken", counters.groups_refused[i],
                {{.name = "reason", .value = std::string(ToString(static_cast<Refusing>(i)))}});
  }
  out.Counter("messages_not_permitted_total", "Messages that only a member may send",
              counters.messages_not_permitted);
  out.Counter("messages_unsent_total",
              "Messages for nobody, or for a connection whose queue was full",
              counters.messages_unsent);
  out.Counter("frames_sent_total", "Frames sent", traffic.frames_sent);
  out.Counter("bytes_sent_total", "Bytes of frames sent", traffic.bytes_sent);
  out.Counter("frames_received_total", "Frames received", traffic.frames_received);
  out.Counter("bytes_received_total", "Bytes received", traffic.bytes_received);
  out.Counter("frames_dropped_total", "Frames that found their send queue full",
              traffic.frames_dropped);
  out.Counter("frames_misaddressed_total", "Frames for another member",
              traffic.frames_misaddressed);
  out.Counter("connections_refused_total", "Connections above the limit",
              traffic.connections_refused);
  out.Counter("connections_malformed_total", "Connections closed for what they sent",
              traffic.connections_malformed);
}

}  // namespace

std::string MakeMetrics(const Snapshot& snapshot, const DiskUsage& usage,
                        const net::Traffic& traffic, SteadyTime now) {
  Families families("sextant_storage_");
  AddNode(snapshot, usage, now, families);
  for (const BranchSnapshot& branch : snapshot.branches) {
    AddBranch(branch, usage, now, families);
  }
  AddCounters(snapshot.counters, traffic, families);
  return families.Text();
}

}  // namespace sextant::storage::server
