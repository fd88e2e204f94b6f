#include "agent/files.h"
#include "agent/postgresql/adapter.h"
#include "agent/postgresql/connection.h"
#include "agent/postgresql/settings.h"

#include <charconv>
#include <format>

namespace sextant::agent::postgresql {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnectTime{2000};
constexpr milliseconds kAskTime{3000};
constexpr milliseconds kProvisionTime{30'000};  // a commit waits for the volume
// The writer is asked whether it still has what a reader needs when that has not streamed for so
// long, and again after so long; one that has just lost a writer may be about to become it.
constexpr milliseconds kStreamPatience{5000};
constexpr milliseconds kWriterTime{1000};

// One row. Lag: what the writer had when the receiver last heard of it, and has not been replayed;
// in time, since the last transaction that was, unless nothing is missing.
constexpr const char* kAsk = R"(
SELECT pg_is_in_recovery(), current_setting('server_version'),
  CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
  CASE WHEN pg_is_in_recovery() THEN greatest(0, pg_wal_lsn_diff(
    coalesce(r.latest_end_lsn, pg_last_wal_receive_lsn()), pg_last_wal_replay_lsn()))::bigint END,
  CASE WHEN pg_is_in_recovery() THEN CASE
    WHEN r.status = 'streaming' AND r.latest_end_lsn <= pg_last_wal_replay_lsn()
      THEN 0
    ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000 END END::bigint,
  coalesce(r.status = 'streaming', false),
  (SELECT count(*) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()),
  (SELECT coalesce(sum(xact_commit + xact_rollback), 0)::bigint FROM pg_stat_database),
  CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_replay_lsn(), pg_last_wal_receive_lsn()) END
FROM (SELECT 1) AS one LEFT JOIN pg_stat_wal_receiver AS r ON true)";

std::uint64_t Number(const std::optional<std::string>& text) {
  std::uint64_t value = 0;
  if (text) {
    std::from_chars(text->data(), text->data() + text->size(), value);
  }
  return value;
}

class Client final : public EngineClient {
 public:
  explicit Client(const Config& config) : config_(config) {}

  [[nodiscard]] EngineAnswer Ask(Role role) override {
    EngineAnswer answer;
    const auto rows = Query(kAsk, kAskTime);
    if (!rows || rows->empty() || rows->front().size() != 9) {
      answer.error = rows ? "an unexpected answer" : rows.error();
      return answer;
    }
    const Row& row = rows->front();
    const bool is_reader = row[0] == "t";
    answer.version = row[1].value_or("");
    answer.position = row[2].value_or("");
    if (is_reader) {
      answer.lag_bytes = row[3] ? std::optional(Number(row[3])) : std::nullopt;
      answer.lag_ms = row[4] ? std::optional(Number(row[4])) : std::nullopt;
      answer.replicating = row[5] == "t";
      answer.is_left_behind = IsLeftBehind(row[5] == "t", row[8].value_or(""));
    }
    answer.connections = Number(row[6]);
    answer.transactions = Number(row[7]);
    answer.accepts = is_reader == (role == Role::kReader);
    answer.error = answer.accepts ? "" : "the engine is in another role";
    return answer;
  }

  [[nodiscard]] Result<> Provision(Role role) override {
    if (role != Role::kWriter) {
      return {};
    }
    return SetPassword(config_.owner, "app-password", "LOGIN")
        .and_then([&] {
          return SetPassword(std::string(kReplicationUser), "replication-password",
                             "LOGIN REPLICATION");
        })
        .and_then([&] { return SetSuperuser(); })
        .and_then([&] { return MakeDatabase(); });
  }

  [[nodiscard]] Result<> Checkpoint(milliseconds time) override { return Run("CHECKPOINT", time); }

  [[nodiscard]] Result<> LoadCertificate() override {
    return CopyKey(config_).and_then([&] { return Run("SELECT pg_reload_conf()"); });
  }

  void Close() override {
    connection_.reset();
    is_left_behind_ = false;
    ask_writer_at_ = std::chrono::steady_clock::now() + kStreamPatience;
  }

 private:
  // Asked of the writer, because a standby tells only its log, in words, why it does not stream.
  [[nodiscard]] bool IsLeftBehind(bool streams, const std::string& next) {
    const auto now = std::chrono::steady_clock::now();
    if (streams) {
      is_left_behind_ = false;
      ask_writer_at_ = now + kStreamPatience;
    } else if (now >= ask_writer_at_ && !next.empty()) {
      auto parameters = WriterConnection(config_);
      parameters.emplace_back("replication", "true");
      is_left_behind_ =
          Connection::Open(parameters, kWriterTime)
              .and_then([&](Connection writer) { return writer.HasDropped(next, kWriterTime); })
              .value_or(false);
      ask_writer_at_ = std::chrono::steady_clock::now() + kStreamPatience;
    }
    return is_left_behind_;
  }

  // A connection before its time would be a line in the engine's log.
  [[nodiscard]] bool IsReady() const {
    const auto lock = ReadSmallFile(Home(config_) / "postmaster.pid");
    return lock && TakesConnections(*lock);
  }

  [[nodiscard]] Result<std::vector<Row>> Query(const std::string& statement, milliseconds time) {
    if (!connection_ && !IsReady()) {
      return std::unexpected("the engine does not take connections yet");
    }
    if (!connection_) {
      auto opened = Connection::Open({{"host", config_.run.string()},
                                      {"port", std::to_string(Port(config_))},
                                      {"user", std::string(kSuperuser)},
                                      {"dbname", "postgres"},
                                      {"application_name", "sextant-agent"},
                                      {"options", "-c log_statement=none"}},
                                     kConnectTime);
      if (!opened) {
        return std::unexpected(opened.error());
      }
      connection_.emplace(std::move(*opened));
    }
    const auto started = std::chrono::steady_clock::now();
    auto rows = connection_->Query(statement, time);
    if (!rows && (!connection_->is_good() || std::chrono::steady_clock::now() - started >= time)) {
      connection_.reset();
    }
    return rows;
  }

  [[nodiscard]] Result<> Run(const std::string& statement, milliseconds time = kProvisionTime) {
    return Query(statement, time).transform([](const auto&) {});
  }

  [[nodiscard]] Result<bool> Exists(const std::string& query) {
    // A query also makes sure that the connection, which quotes, is there.
    return Query(query, kProvisionTime).transform([](const auto& rows) { return !rows.empty(); });
  }

  [[nodiscard]] Result<> SetPassword(const std::string& user, const char* secret,
                                     const char* attributes) {
    const auto password = ReadSecret(config_.secrets / secret);
    if (!password) {
      return std::unexpected(password.error());
    }
    const auto ready = Exists("SELECT 1");
    if (!ready) {
      return std::unexpected(ready.error());
    }
    const auto exists =
        Exists("SELECT 1 FROM pg_roles WHERE rolname = " + connection_->Literal(user));
    if (!exists) {
      return std::unexpected(exists.error());
    }
    const auto verifier = connection_->Verifier(user, *password);
    if (!verifier) {
      return std::unexpected(verifier.error());
    }
    return Run(std::format("{} ROLE {} {} PASSWORD {}", *exists ? "ALTER" : "CREATE",
                           connection_->Identifier(user), attributes,
                           connection_->Literal(*verifier)));
  }

  // Without its secret the superuser has no way in but the agent's socket.
  [[nodiscard]] Result<> SetSuperuser() {
    if (std::filesystem::exists(config_.secrets / "superuser-password")) {
      return SetPassword(std::string(kSuperuser), "superuser-password", "LOGIN");
    }
    return Run(std::format("ALTER ROLE {} PASSWORD NULL", kSuperuser));
  }

  [[nodiscard]] Result<> MakeDatabase() {
    const auto exists = Exists("SELECT 1 FROM pg_database WHERE datname = " +
                               connection_->Literal(config_.database));
    if (!exists || *exists) {
      return exists.transform([](bool) {});
    }
    return Run(std::format("CREATE DATABASE {} OWNER {}", connection_->Identifier(config_.database),
                           connection_->Identifier(config_.owner)));
  }

  const Config& config_;
  std::optional<Connection> connection_;
  bool is_left_behind_ = false;
  std::chrono::steady_clock::time_point ask_writer_at_ =
      std::chrono::steady_clock::now() + kStreamPatience;
};

}  // namespace

std::unique_ptr<EngineClient> MakeClient(const Config& config) {
  return std::make_unique<Client>(config);
}

}  // namespace sextant::agent::postgresql
