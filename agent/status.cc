#include "agent/status.h"

#include "daemon/metric_families.h"

#include <format>

namespace sextant::agent {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::steady_clock;

// An engine that has not answered for so long is stuck.
constexpr auto kStaleAfter = std::chrono::seconds(5);

Json Text(const std::string& text) { return text.empty() ? Json() : Json(text); }

template <class T>
Json Maybe(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

bool IsAlive(const Snapshot& snapshot) { return snapshot.engine.state != EngineState::kStopped; }

std::string EngineError(const Snapshot& snapshot) {
  if (!snapshot.engine_error.empty()) {
    return snapshot.engine_error;
  }
  if (!snapshot.probe.provision_error.empty()) {
    return snapshot.probe.provision_error;
  }
  return IsAlive(snapshot) ? snapshot.probe.answer.error : "";
}

Json DescribeEngine(const Snapshot& snapshot, const Config& config, steady_clock::time_point now) {
  const EngineAnswer& answer = snapshot.probe.answer;
  const bool alive = IsAlive(snapshot);
  return {{"type", ToString(config.engine)},
          {"version", Text(answer.version)},
          {"state", snapshot.engine_failed ? "failed" : ToString(snapshot.engine.state)},
          {"role", ToString(alive ? snapshot.engine.order.role : Role::kNone)},
          {"accepting", Accepts(snapshot, now)},
          {"started_at",
           snapshot.started_at && alive
               ? Json(std::format("{:%FT%TZ}",
                                  std::chrono::floor<std::chrono::seconds>(*snapshot.started_at)))
               : Json()},
          {"position", Text(answer.position)},
          {"lag_bytes", Maybe(answer.lag_bytes)},
          {"lag_ms", Maybe(answer.lag_ms)},
          {"replicating", Maybe(answer.replicating)},
          {"connections", answer.connections},
          {"restarts", snapshot.restarts},
          {"rebases", snapshot.rebases},
          {"error", Text(EngineError(snapshot))}};
}

}  // namespace

bool Accepts(const Snapshot& snapshot, steady_clock::time_point now) {
  return snapshot.order && snapshot.order->role != Role::kNone &&
         snapshot.engine.state == EngineState::kRunning &&
         snapshot.engine.order.role == snapshot.order->role && snapshot.probe.answer.accepts &&
         snapshot.probe.is_provisioned && now - snapshot.probe.answered_at < kStaleAfter;
}

Json MakeStatus(const Snapshot& snapshot, const Config& config, steady_clock::time_point now) {
  return {{"instance", config.instance},
          {"version", SEXTANT_VERSION},
          {"order", snapshot.order ? ToJson(*snapshot.order) : Json()},
          {"engine", DescribeEngine(snapshot, config, now)},
          {"volume", snapshot.volume},
          {"volume_error", Text(snapshot.volume_error)},
          {"progress",
           {{"step", snapshot.progress.step},
            {"since_ms",
             std::chrono::duration_cast<std::chrono::milliseconds>(now - snapshot.progress.since)
                 .count()},
            {"error", Text(snapshot.progress.error)}}}};
}

std::string MakeMetrics(const Snapshot& snapshot, const Config& config,
                        steady_clock::time_point now) {
  const EngineAnswer& answer = snapshot.probe.answer;
  const bool alive = IsAlive(snapshot);
  daemon::MetricFamilies out("sextant_agent_");
  out.Gauge("build_info", "Always 1", std::uint64_t{1},
            {{.name = "version", .value = SEXTANT_VERSION},
             {.name = "instance", .value = config.instance},
             {.name = "engine", .value = std::string(ToString(config.engine))},
             {.name = "engine_version", .value = answer.version}});
  for (const Role role : {Role::kWriter, Role::kReader}) {
    out.Gauge("role", "1 for the role in which the engine runs",
              std::uint64_t{alive && snapshot.engine.order.role == role ? 1U : 0U},
              {{.name = "role", .value = std::string(ToString(role))}});
  }
  out.Gauge("engine_up", "1 while the engine's process is there", std::uint64_t{alive ? 1U : 0U});
  out.Gauge("engine_accepting", "1 while it accepts queries in the role that was ordered",
            std::uint64_t{Accepts(snapshot, now) ? 1U : 0U});
  out.Gauge("volume_up", "1 while the volume's daemon answers",
            std::uint64_t{snapshot.volume.is_null() ? 0U : 1U});
  out.Gauge("order_id", "Id of the last order", snapshot.order ? snapshot.order->id : 0);
  out.Gauge("connections", "Clients of the engine", answer.connections);
  if (answer.lag_bytes) {
    out.Gauge("lag_bytes", "What the writer has told of and is not replayed", *answer.lag_bytes);
  }
  if (answer.lag_ms) {
    out.Gauge("lag_seconds", "Age of what was last replayed, or 0 when nothing is missing",
              static_cast<double>(*answer.lag_ms) / 1000);
  }
  if (answer.replicating) {
    out.Gauge("replicating", "1 while connected to the writer",
              std::uint64_t{*answer.replicating ? 1U : 0U});
  }
  out.Counter("transactions_total", "Transactions that ended, as the engine counts them",
              answer.transactions);
  out.Counter("engine_restarts_total", "Times that the engine ended by itself", snapshot.restarts);
  out.Counter("engine_kills_total", "Times that the engine was killed for its lost volume",
              snapshot.kills);
  out.Counter("reader_rebases_total",
              "Times that a reader could not follow any more and took a newer image",
              snapshot.rebases);
  return out.Text();
}

}  // namespace sextant::agent
