#include "agent/postgresql/connection.h"

#include <format>
#include <poll.h>

namespace sextant::agent::postgresql {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMaxRows = 1000;

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultDeleter>;

struct MemoryDeleter {
  void operator()(char* memory) const { PQfreemem(memory); }
};
using Memory = std::unique_ptr<char, MemoryDeleter>;

bool Wait(PGconn* connection, short events, steady_clock::time_point deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
  pollfd entry{.fd = PQsocket(connection), .events = events, .revents = 0};
  return left > 0 && entry.fd >= 0 && poll(&entry, 1, static_cast<int>(left)) > 0;
}

std::vector<Row> Rows(const PGresult* result) {
  std::vector<Row> rows;
  for (int row = 0; row < PQntuples(result) && rows.size() < kMaxRows; ++row) {
    Row& fields = rows.emplace_back();
    for (int column = 0; column < PQnfields(result); ++column) {
      if (PQgetisnull(result, row, column) != 0) {
        fields.emplace_back();
      } else {
        fields.emplace_back(std::string(PQgetvalue(result, row, column)));
      }
    }
  }
  return rows;
}

}  // namespace

Result<Connection> Connection::Open(
    const std::vector<std::pair<const char*, std::string>>& parameters, Milliseconds time) {
  const auto deadline = steady_clock::now() + time;
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : parameters) {
    names.push_back(name);
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  Connection connection(PQconnectStartParams(names.data(), values.data(), 0));
  PGconn* native = connection.connection_.get();
  if (native == nullptr || PQstatus(native) == CONNECTION_BAD) {
    return std::unexpected(connection.Error());
  }
  for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;
       state = PQconnectPoll(native)) {
    if (state == PGRES_POLLING_FAILED) {
      return std::unexpected(connection.Error());
    }
    if (!Wait(native, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
      return std::unexpected("connect: no answer in time");
    }
  }
  PQsetNoticeProcessor(native, [](void*, const char*) {}, nullptr);
  return connection;
}

Result<std::vector<Row>> Connection::Query(const std::string& statement, Milliseconds time) {
  const auto deadline = steady_clock::now() + time;
  PGconn* native = connection_.get();
  if (PQsendQuery(native, statement.c_str()) != 1) {
    return std::unexpected(Error());
  }
  Result<std::vector<Row>> answer;
  while (true) {
    while (PQisBusy(native) != 0) {
      if (!Wait(native, POLLIN, deadline)) {
        return std::unexpected("query: no answer in time");
      }
      if (PQconsumeInput(native) != 1) {
        return std::unexpected(Error());
      }
    }
    const ResultPtr result(PQgetResult(native));
    if (!result) {
      return answer;
    }
    const auto status = PQresultStatus(result.get());
    if (status == PGRES_TUPLES_OK) {
      answer = Rows(result.get());
    } else if (status != PGRES_COMMAND_OK) {
      const char* message = PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY);
      answer = std::unexpected(message != nullptr ? std::string(message) : Error());
    }
  }
}

Result<bool> Connection::HasDropped(const std::string& lsn, Milliseconds time) {
  constexpr std::string_view kUndefinedFile = "58P01";
  const auto deadline = steady_clock::now() + time;
  PGconn* native = connection_.get();
  if (PQsendQuery(native, ("START_REPLICATION PHYSICAL " + lsn).c_str()) != 1) {
    return std::unexpected(Error());
  }
  bool is_copying = false;
  while (true) {
    if (is_copying) {
      char* data = nullptr;
      const int size = PQgetCopyData(native, &data, 1);
      const Memory message(data);
      if (size > 0) {
        return false;  // it streams
      }
      is_copying = size == 0;
    }
    if (!is_copying && PQisBusy(native) == 0) {
      const ResultPtr result(PQgetResult(native));
      if (PQresultStatus(result.get()) != PGRES_COPY_BOTH) {
        const char* state = result ? PQresultErrorField(result.get(), PG_DIAG_SQLSTATE) : nullptr;
        return state != nullptr ? Result<bool>(state == kUndefinedFile) : std::unexpected(Error());
      }
      is_copying = true;
      continue;
    }
    if (!Wait(native, POLLIN, deadline)) {
      return is_copying ? Result<bool>(false) : std::unexpected("replication: no answer in time");
    }
    if (PQconsumeInput(native) != 1) {
      return std::unexpected(Error());
    }
  }
}

std::string Connection::Identifier(const std::string& name) const {
  const Memory quoted(PQescapeIdentifier(connection_.get(), name.data(), name.size()));
  return quoted ? quoted.get() : "";
}

std::string Connection::Literal(const std::string& text) const {
  const Memory quoted(PQescapeLiteral(connection_.get(), text.data(), text.size()));
  return quoted ? quoted.get() : "";
}

Result<std::string> Connection::Verifier(const std::string& user,
                                         const std::string& password) const {
  const Memory verifier(
      PQencryptPasswordConn(connection_.get(), password.c_str(), user.c_str(), "scram-sha-256"));
  if (!verifier) {
    return std::unexpected(std::format("make a verifier for {}: {}", user, Error()));
  }
  return std::string(verifier.get());
}

std::string Connection::Error() const {
  std::string text = PQerrorMessage(connection_.get());
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  return text.empty() ? "no reason given" : text;
}

}  // namespace sextant::agent::postgresql
