#include "tests/e2e/ledger/database.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <format>
#include <poll.h>
#include <string>

namespace sextant::ledger {
namespace {

using Clock = std::chrono::steady_clock;
using ConnectionPointer = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using ResultPointer = std::unique_ptr<PGresult, decltype(&PQclear)>;
using Answer = std::expected<ResultPointer, Failure>;

std::string OneLine(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

bool WaitFor(int socket, short events, Clock::time_point deadline) {
  pollfd waited{.fd = socket, .events = events, .revents = 0};
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 && poll(&waited, 1, static_cast<int>(left)) > 0;
}

class Postgresql : public Database {
 public:
  Postgresql(ConnectionPointer connection, const Limits& limits, std::string table)
      : connection_(std::move(connection)), limits_(limits), table_(std::move(table)) {}

  std::expected<void, Failure> Prepare() override {
    return Nothing(
        Run(std::format("CREATE TABLE IF NOT EXISTS {0} (client int, sequence bigint, payload "
                        "text); CREATE INDEX IF NOT EXISTS {0}_index ON {0} (client, sequence)",
                        table_)));
  }

  std::expected<void, Failure> Insert(int client, std::int64_t sequence,
                                      const std::string& payload) override {
    return Nothing(Run(
        std::format("INSERT INTO {} VALUES ({}, {}, '{}')", table_, client, sequence, payload)));
  }

  std::expected<std::vector<std::int64_t>, Failure> Newest(int clients) override {
    std::string statement = "SELECT ";
    for (int client = 0; client < clients; ++client) {
      statement += std::format("{}COALESCE((SELECT max(sequence) FROM {} WHERE client = {}), -1)",
                               client == 0 ? "" : ", ", table_, client);
    }
    Answer answer = Run(statement);
    if (!answer) return std::unexpected(answer.error());
    std::vector<std::int64_t> newest;
    for (int client = 0; client < clients; ++client) {
      newest.push_back(std::stoll(PQgetvalue(answer->get(), 0, client)));
    }
    return newest;
  }

  std::expected<void, Failure> All(const RowSink& sink) override {
    const Answer answer =
        Run("SELECT client, sequence, payload FROM " + table_ + " ORDER BY client, sequence");
    if (!answer) return std::unexpected(answer.error());
    for (int row = 0; row < PQntuples(answer->get()); ++row) {
      sink(std::stoi(PQgetvalue(answer->get(), row, 0)),
           std::stoll(PQgetvalue(answer->get(), row, 1)), PQgetvalue(answer->get(), row, 2));
    }
    return {};
  }

 private:
  static std::expected<void, Failure> Nothing(const Answer& answer) {
    if (!answer) return std::unexpected(answer.error());
    return {};
  }

  // What the server says to a statement that is one transaction. It refused for certain only when
  // it said so itself, in words that are not about its own end (classes 57 and 58, and XX).
  Answer Run(const std::string& statement) {
    const auto deadline = Clock::now() + limits_.statement;
    if (PQsendQuery(connection_.get(), statement.c_str()) == 0) return Failed(false);
    ResultPointer last(nullptr, &PQclear);
    while (true) {
      while (PQisBusy(connection_.get()) != 0) {
        if (!WaitFor(PQsocket(connection_.get()), POLLIN, deadline)) {
          return std::unexpected(Failure{.refused = false, .why = "no answer in time"});
        }
        if (PQconsumeInput(connection_.get()) == 0) return Failed(false);
      }
      ResultPointer result(PQgetResult(connection_.get()), &PQclear);
      if (result == nullptr) return last;
      const ExecStatusType status = PQresultStatus(result.get());
      if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        const char* const state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
        const std::string kind = state == nullptr ? "" : std::string(state).substr(0, 2);
        return Failed(kind == "25" || kind == "42" || kind == "53");
      }
      last = std::move(result);
    }
  }

  [[nodiscard]] std::unexpected<Failure> Failed(bool refused) const {
    return std::unexpected(
        Failure{.refused = refused, .why = OneLine(PQerrorMessage(connection_.get()))});
  }

  ConnectionPointer connection_;
  Limits limits_;
  std::string table_;
};

}  // namespace

Connected ConnectPostgresql(const Place& place, const Limits& limits) {
  const std::array<const char*, 8> keys{
      "host", "port", "user", "password", "dbname", "application_name", "sslmode", nullptr};
  const std::array<const char*, 8> values{
      place.host.c_str(),     place.port.c_str(), place.user.c_str(), place.password.c_str(),
      place.database.c_str(), "ledger",           "require",          nullptr};
  const auto deadline = Clock::now() + limits.connect;
  ConnectionPointer connection(PQconnectStartParams(keys.data(), values.data(), 0), &PQfinish);
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (state == PGRES_POLLING_FAILED || PQstatus(connection.get()) == CONNECTION_BAD ||
        !WaitFor(PQsocket(connection.get()), events, deadline)) {
      std::string why = OneLine(PQerrorMessage(connection.get()));
      return std::unexpected(
          Failure{.refused = true, .why = why.empty() ? "no connection in time" : why});
    }
    state = PQconnectPoll(connection.get());
  }
  PQsetnonblocking(connection.get(), 0);
  return std::make_unique<Postgresql>(std::move(connection), limits, place.table);
}

}  // namespace sextant::ledger
