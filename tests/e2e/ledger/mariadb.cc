#include "tests/e2e/ledger/database.h"

#include <mysql.h>

#include <algorithm>
#include <format>
#include <string>

namespace sextant::ledger {
namespace {

using ConnectionPointer = std::unique_ptr<MYSQL, decltype(&mysql_close)>;
using ResultPointer = std::unique_ptr<MYSQL_RES, decltype(&mysql_free_result)>;
using Answer = std::expected<ResultPointer, Failure>;

class Mariadb : public Database {
 public:
  Mariadb(ConnectionPointer connection, std::string table)
      : connection_(std::move(connection)), table_(std::move(table)) {}

  std::expected<void, Failure> Prepare() override {
    return Nothing(
        Run(std::format("CREATE TABLE IF NOT EXISTS {} (client int, sequence bigint, payload text, "
                        "INDEX (client, sequence)) ENGINE = InnoDB",
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
    const Answer answer = Run(statement);
    if (!answer) return std::unexpected(answer.error());
    std::vector<std::int64_t> newest;
    const auto row = mysql_fetch_row(answer->get());
    for (int client = 0; row != nullptr && client < clients; ++client)
      newest.push_back(std::stoll(row[client]));
    return newest;
  }

  std::expected<void, Failure> All(const RowSink& sink) override {
    const Answer answer =
        Run("SELECT client, sequence, payload FROM " + table_ + " ORDER BY client, sequence");
    if (!answer) return std::unexpected(answer.error());
    while (const auto row = mysql_fetch_row(answer->get())) {
      sink(std::stoi(row[0]), std::stoll(row[1]), row[2]);
    }
    return {};
  }

 private:
  static std::expected<void, Failure> Nothing(const Answer& answer) {
    if (!answer) return std::unexpected(answer.error());
    return {};
  }

  Answer Run(const std::string& statement) {
    if (mysql_real_query(connection_.get(), statement.c_str(), statement.size()) != 0)
      return Failed();
    ResultPointer result(mysql_store_result(connection_.get()), &mysql_free_result);
    if (result == nullptr && mysql_errno(connection_.get()) != 0) return Failed();
    return result;
  }

  [[nodiscard]] std::unexpected<Failure> Failed() const {
    const unsigned code = mysql_errno(connection_.get());
    const bool refused =
        code == 1290 || code == 1146 || code == 1142;  // read-only, no table, no right
    return std::unexpected(Failure{.refused = refused, .why = mysql_error(connection_.get())});
  }

  ConnectionPointer connection_;
  std::string table_;
};

unsigned Seconds(std::chrono::milliseconds time) {
  return static_cast<unsigned>(std::max<std::int64_t>(1, time.count() / 1000));
}

}  // namespace

Connected ConnectMariadb(const Place& place, const Limits& limits) {
  ConnectionPointer connection(mysql_init(nullptr), &mysql_close);
  const unsigned connect = Seconds(limits.connect);
  const unsigned statement = Seconds(limits.statement);
  const my_bool enforce = 1;
  const my_bool verify = 0;
  mysql_optionsv(connection.get(), MYSQL_OPT_CONNECT_TIMEOUT, &connect);
  mysql_optionsv(connection.get(), MYSQL_OPT_READ_TIMEOUT, &statement);
  mysql_optionsv(connection.get(), MYSQL_OPT_WRITE_TIMEOUT, &statement);
  mysql_optionsv(connection.get(), MYSQL_OPT_SSL_ENFORCE, &enforce);
  mysql_optionsv(connection.get(), MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
  if (mysql_real_connect(connection.get(), place.host.c_str(), place.user.c_str(),
                         place.password.c_str(), place.database.c_str(),
                         static_cast<unsigned>(std::stoul(place.port)), nullptr, 0) == nullptr) {
    return std::unexpected(Failure{.refused = true, .why = mysql_error(connection.get())});
  }
  return std::make_unique<Mariadb>(std::move(connection), place.table);
}

}  // namespace sextant::ledger
