// A connection to a database, as a client in a hurry has it: each step has a bound in time.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sextant::ledger {

struct Place {
  std::string host;  // a name or an address
  std::string port;
  std::string user;
  std::string password;
  std::string database;
  std::string table;  // an identifier that needs no quotes
};

struct Failure {
  bool refused = false;  // the statement had no effect for certain
  std::string why;       // one line
};

// Not safe for concurrent use. After a failure it is to be thrown away.
class Database {
 public:
  virtual ~Database() = default;

  // Makes the table when it is not there.
  virtual std::expected<void, Failure> Prepare() = 0;
  virtual std::expected<void, Failure> Insert(int client, std::int64_t sequence,
                                              const std::string& payload) = 0;
  // By client 0 … clients − 1 the newest sequence, −1 for none.
  virtual std::expected<std::vector<std::int64_t>, Failure> Newest(int clients) = 0;
  // All rows in order of client and sequence.
  using RowSink =
      std::function<void(int client, std::int64_t sequence, const std::string& payload)>;
  virtual std::expected<void, Failure> All(const RowSink& sink) = 0;
};

struct Limits {
  std::chrono::milliseconds connect{1000};
  std::chrono::milliseconds statement{3000};
};

using Connected = std::expected<std::unique_ptr<Database>, Failure>;
[[nodiscard]] Connected ConnectPostgresql(const Place& place, const Limits& limits);
[[nodiscard]] Connected ConnectMariadb(const Place& place, const Limits& limits);

}  // namespace sextant::ledger
