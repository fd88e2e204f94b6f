// One libpq connection whose calls all end within their time.
#pragma once

#include "agent/engine.h"

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

namespace sextant::agent::postgresql {

struct ConnectionDeleter {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

using Row = std::vector<std::optional<std::string>>;

// Of one thread.
class Connection {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // `parameters` are libpq's.
  [[nodiscard]] static Result<Connection> Open(
      const std::vector<std::pair<const char*, std::string>>& parameters, Milliseconds time);

  // One statement's rows. After an error of time the connection is of no more use.
  [[nodiscard]] Result<std::vector<Row>> Query(const std::string& statement, Milliseconds time);

  // On a connection for replication: whether the server has dropped the WAL at this LSN, which is
  // what a standby that comes with it would be told. Of no more use afterwards.
  [[nodiscard]] Result<bool> HasDropped(const std::string& lsn, Milliseconds time);

  [[nodiscard]] bool is_good() const { return PQstatus(connection_.get()) == CONNECTION_OK; }
  [[nodiscard]] std::string Identifier(const std::string& name) const;
  [[nodiscard]] std::string Literal(const std::string& text) const;
  // What stands for a password inside the server, so that it never sees the password.
  [[nodiscard]] Result<std::string> Verifier(const std::string& user,
                                             const std::string& password) const;

 private:
  explicit Connection(PGconn* connection) : connection_(connection) {}
  [[nodiscard]] std::string Error() const;

  std::unique_ptr<PGconn, ConnectionDeleter> connection_;
};

}  // namespace sextant::agent::postgresql
