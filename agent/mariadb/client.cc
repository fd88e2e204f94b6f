#include "agent/files.h"
#include "agent/mariadb/adapter.h"
#include "agent/mariadb/settings.h"
#include "agent/user.h"

#include <mysql.h>

#include <algorithm>
#include <charconv>
#include <format>
#include <map>
#include <thread>

namespace sextant::agent::mariadb {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kConnectSeconds = 2;
constexpr unsigned kAnswerSeconds = 15;
constexpr std::size_t kMaxRows = 1000;
// Writers keep some pages dirty; a stop writes so many within a few milliseconds.
constexpr std::uint64_t kFewPages = 64;
constexpr milliseconds kFlushTime{2000};
constexpr milliseconds kLookInterval{10};
constexpr std::uint64_t kMasterHasNot = 1236;  // ER_MASTER_FATAL_ERROR_READING_BINLOG

struct ConnectionDeleter {
  void operator()(MYSQL* connection) const { mysql_close(connection); }
};
struct ResultDeleter {
  void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};

using Row = std::map<std::string, std::string>;  // by column; NULL is not there

std::optional<std::uint64_t> Number(const Row& row, const std::string& column) {
  const auto found = row.find(column);
  if (found == row.end()) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  const char* end = found->second.data() + found->second.size();
  return std::from_chars(found->second.data(), end, value).ec == std::errc() ? std::optional(value)
                                                                             : std::nullopt;
}

std::string Text(const Row& row, const std::string& column) {
  const auto found = row.find(column);
  return found == row.end() ? "" : found->second;
}

class Client final : public EngineClient {
 public:
  explicit Client(const Config& config) : config_(config) {}

  [[nodiscard]] EngineAnswer Ask(Role role) override {
    EngineAnswer answer;
    const auto rows = Query(
        "SELECT @@version AS version, @@read_only AS read_only, @@gtid_binlog_pos AS written, "
        "@@gtid_slave_pos AS replayed, "
        "(SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = "
        "'THREADS_CONNECTED') AS connections, "
        "(SELECT SUM(VARIABLE_VALUE) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN "
        "('COM_COMMIT', 'COM_ROLLBACK', 'BINLOG_COMMITS')) AS transactions");
    if (!rows || rows->empty()) {
      answer.error = rows ? "an unexpected answer" : rows.error();
      return answer;
    }
    const Row& row = rows->front();
    const bool is_reader = Number(row, "read_only").value_or(0) != 0;
    answer.version = Text(row, "version");
    answer.position = Text(row, is_reader ? "replayed" : "written");
    const auto connections = Number(row, "connections").value_or(1);
    answer.connections = connections == 0 ? 0 : connections - 1;
    answer.transactions = Number(row, "transactions").value_or(0);
    answer.accepts = is_reader == (role == Role::kReader);
    answer.error = answer.accepts ? "" : "the engine is in another role";
    if (is_reader) {
      AskReplication(answer);
    }
    return answer;
  }

  [[nodiscard]] Result<> Provision(Role role) override {
    auto done = role == Role::kReader ? Follow() : MakeUsers();
    if (done) {  // by a thread of the engine's; without it, it is slower for a while
      (void)Run("SET GLOBAL innodb_buffer_pool_load_now = ON");
    }
    return done;
  }

  // Dirty pages are what a clean stop writes; binary logs are on the volume already.
  [[nodiscard]] Result<> Checkpoint(milliseconds time) override {
    const auto deadline = std::chrono::steady_clock::now() + std::min(time, kFlushTime);
    auto asked = Run("SET GLOBAL innodb_max_dirty_pages_pct = 0");
    if (!asked) {
      return asked;
    }
    while (std::chrono::steady_clock::now() < deadline) {
      const auto rows = Query("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'");
      if (!rows) {
        return std::unexpected(rows.error());
      }
      if (rows->empty() || Number(rows->front(), "Value").value_or(0) <= kFewPages) {
        break;
      }
      std::this_thread::sleep_for(kLookInterval);  // the engine tells nobody
    }
    return {};
  }

  [[nodiscard]] Result<> LoadCertificate() override { return Run("FLUSH LOCAL SSL"); }

  void Close() override { connection_.reset(); }

 private:
  [[nodiscard]] std::string Error() const {
    const std::string text = mysql_error(connection_.get());
    return text.empty() ? "no reason given" : text;
  }

  [[nodiscard]] Result<> Connect() {
    if (connection_) {
      return {};
    }
    const auto user = UserName();
    if (!user) {
      return std::unexpected(user.error());
    }
    connection_.reset(mysql_init(nullptr));
    if (!connection_) {
      return std::unexpected("no memory for a connection");
    }
    mysql_options(connection_.get(), MYSQL_OPT_CONNECT_TIMEOUT, &kConnectSeconds);
    mysql_options(connection_.get(), MYSQL_OPT_READ_TIMEOUT, &kAnswerSeconds);
    mysql_options(connection_.get(), MYSQL_OPT_WRITE_TIMEOUT, &kAnswerSeconds);
    const std::string socket = Files(config_).socket.string();
    if (mysql_real_connect(connection_.get(), nullptr, user->c_str(), nullptr, nullptr, 0,
                           socket.c_str(), 0) == nullptr) {
      const std::string why = Error();
      connection_.reset();
      return std::unexpected(why);
    }
    return {};
  }

  [[nodiscard]] Result<std::vector<Row>> Query(const std::string& statement) {
    const auto connected = Connect();
    if (!connected) {
      return std::unexpected(connected.error());
    }
    MYSQL* native = connection_.get();
    if (mysql_real_query(native, statement.data(), statement.size()) != 0) {
      const std::string why = Error();
      if (mysql_errno(native) >= 2000 && mysql_errno(native) < 3000) {  // the client's own: lost
        connection_.reset();
      }
      return std::unexpected(why);
    }
    const std::unique_ptr<MYSQL_RES, ResultDeleter> result(mysql_store_result(native));
    std::vector<Row> rows;
    if (!result) {
      return rows;
    }
    const MYSQL_FIELD* fields = mysql_fetch_fields(result.get());
    while (MYSQL_ROW values = mysql_fetch_row(result.get())) {
      const unsigned long* sizes = mysql_fetch_lengths(result.get());
      Row& row = rows.emplace_back();
      for (unsigned i = 0; i < mysql_num_fields(result.get()); ++i) {
        if (values[i] != nullptr) {
          row[fields[i].name] = std::string(values[i], sizes[i]);
        }
      }
      if (rows.size() == kMaxRows) {
        break;
      }
    }
    return rows;
  }

  [[nodiscard]] Result<> Run(const std::string& statement) {
    return Query(statement).transform([](const auto&) {});
  }

  [[nodiscard]] Result<> RunAll(const std::vector<std::string>& statements) {
    for (const std::string& statement : statements) {
      if (auto done = Run(statement); !done) {
        return done;
      }
    }
    return {};
  }

  void AskReplication(EngineAnswer& answer) {
    const auto rows = Query("SHOW SLAVE STATUS");
    if (!rows || rows->empty()) {
      answer.replicating = false;
      return;
    }
    const Row& row = rows->front();
    answer.replicating =
        Text(row, "Slave_IO_Running") == "Yes" && Text(row, "Slave_SQL_Running") == "Yes";
    // The writer's binary log begins behind our position, or what it says cannot be replayed here:
    // neither heals.
    answer.is_left_behind =
        Number(row, "Last_IO_Errno") == kMasterHasNot ||
        (Text(row, "Slave_SQL_Running") == "No" && Number(row, "Last_SQL_Errno").value_or(0) != 0);
    if (const auto seconds = Number(row, "Seconds_Behind_Master")) {
      answer.lag_ms = *seconds * 1000;
    }
    const auto read = Number(row, "Read_Master_Log_Pos");
    const auto done = Number(row, "Exec_Master_Log_Pos");
    if (read && done && *read >= *done &&
        Text(row, "Master_Log_File") == Text(row, "Relay_Master_Log_File")) {
      answer.lag_bytes = *read - *done;
    }
    if (answer.accepts) {
      answer.error = Text(row, "Last_SQL_Error");
    }
    if (answer.accepts && answer.error.empty()) {
      answer.error = Text(row, "Last_IO_Error");
    }
  }

  // From where it was; an image that was not followed from yet, from where its binary log ends.
  [[nodiscard]] Result<> Follow() {
    const auto password = ReadSecret(config_.secrets / "replication-password");
    if (!password) {
      return std::unexpected(password.error());
    }
    const auto known = Query("SHOW SLAVE STATUS");
    if (!known) {
      return std::unexpected(known.error());
    }
    const auto reached = Query("SELECT @@gtid_slave_pos AS position");
    if (!reached) {
      return std::unexpected(reached.error());
    }
    std::vector<std::string> statements = {"STOP SLAVE"};
    // Whom to follow is in a file, the position in a table: one may be there without the other. An
    // empty position would mean all that the writer still has.
    if (known->empty() || reached->empty() || Text(reached->front(), "position").empty()) {
      statements.emplace_back("SET GLOBAL gtid_slave_pos = @@gtid_binlog_pos");
    }
    statements.push_back(RenderChangeMaster(config_, *password));
    statements.emplace_back("START SLAVE");
    return RunAll(statements);
  }

  // Each statement that changes something is a commit or two, for which clients would wait.
  [[nodiscard]] Result<> MakeUser(std::string_view name, const char* secret,
                                  const Privileges& privileges) {
    const auto password = ReadSecret(config_.secrets / secret);
    if (!password) {
      return std::unexpected(password.error());
    }
    const std::string user = QuoteText(name) + "@'%'";
    const std::string hash = HashPassword(*password);
    std::vector<std::string> grants;
    // An error here is, above all, that there is no such user.
    for (const Row& row : Query("SHOW GRANTS FOR " + user).value_or(std::vector<Row>())) {
      grants.push_back(row.empty() ? "" : row.begin()->second);
    }
    if (HasGrants(grants, hash, privileges)) {
      return {};
    }
    const std::string identified = std::format("{} IDENTIFIED BY PASSWORD '{}'", user, hash);
    return RunAll({"CREATE USER IF NOT EXISTS " + identified, "ALTER USER " + identified,
                   RenderGrant(user, privileges)});
  }

  [[nodiscard]] Result<> MakeDatabase() {
    const auto there = Query("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = " +
                             QuoteText(config_.database));
    return there && !there->empty()
               ? Result<>()
               : Run("CREATE DATABASE IF NOT EXISTS " + QuoteName(config_.database));
  }

  [[nodiscard]] Result<> DropSuperuser() {
    const auto there = Query("SELECT 1 FROM mysql.global_priv WHERE Host = '%' AND User = " +
                             QuoteText(kSuperuser));
    return there && there->empty()
               ? Result<>()
               : Run(std::format("DROP USER IF EXISTS {}@'%'", QuoteText(kSuperuser)));
  }

  [[nodiscard]] Result<> MakeUsers() {
    const bool superuser = std::filesystem::exists(config_.secrets / "superuser-password");
    return MakeDatabase()
        .and_then([&] {
          return MakeUser(config_.owner, "app-password",
                          {.what = "ALL PRIVILEGES", .where = QuoteName(config_.database) + ".*"});
        })
        .and_then([&] {
          return MakeUser(kReplicationUser, "replication-password",
                          {.what = "REPLICATION SLAVE, BINLOG MONITOR", .where = "*.*"});
        })
        .and_then([&] {
          return superuser
                     ? MakeUser(
                           kSuperuser, "superuser-password",
                           {.what = "ALL PRIVILEGES", .where = "*.*", .more = " WITH GRANT OPTION"})
                     : DropSuperuser();
        });
  }

  const Config& config_;
  std::unique_ptr<MYSQL, ConnectionDeleter> connection_;
};

}  // namespace

std::unique_ptr<EngineClient> MakeClient(const Config& config) {
  return std::make_unique<Client>(config);
}

}  // namespace sextant::agent::mariadb
