// What an agent needs to know of an engine: PostgreSQL or MariaDB.
#pragma once

#include "agent/config.h"
#include "agent/order.h"

#include <chrono>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sextant::agent {

template <class T = void>
using Result = std::expected<T, std::string>;

// What the engine says of itself.
struct EngineAnswer {
  bool accepts = false;  // queries, in the role it was asked about
  std::string version;
  std::string position;                    // an LSN of PostgreSQL, GTIDs of MariaDB
  std::optional<std::uint64_t> lag_bytes;  // readers
  std::optional<std::uint64_t> lag_ms;     // readers
  std::optional<bool> replicating;         // readers: connected to the writer
  bool is_left_behind = false;             // readers: the writer has dropped what comes next
  std::uint64_t connections = 0;           // clients, this one not counted
  std::uint64_t transactions = 0;          // since the engine began to count
  std::string error;                       // why it does not accept
};

// A conversation with a running engine over its Unix socket. Of one thread; every call ends within
// its time. It connects by itself, again when the connection was lost.
class EngineClient {
 public:
  virtual ~EngineClient() = default;
  EngineClient(const EngineClient&) = delete;
  EngineClient& operator=(const EngineClient&) = delete;

  [[nodiscard]] virtual EngineAnswer Ask(Role role) = 0;
  // Makes true what the role needs inside the engine: users, passwords and the database on a
  // writer; replication on a MariaDB reader. May be done again.
  [[nodiscard]] virtual Result<> Provision(Role role) = 0;
  // Writes what a clean stop would have to write.
  [[nodiscard]] virtual Result<> Checkpoint(std::chrono::milliseconds time) = 0;
  // Shows clients the certificate that its files hold now.
  [[nodiscard]] virtual Result<> LoadCertificate() = 0;
  virtual void Close() = 0;

 protected:
  EngineClient() = default;
};

struct Command {
  std::vector<std::string> arguments;  // the program first; no secrets
};

struct StopSignals {
  int fast;
  int immediate;
};

class Engine {
 public:
  virtual ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // The engine's directory; it is there when the engine was initialized.
  [[nodiscard]] virtual std::filesystem::path home() const = 0;
  // Makes a new database in a directory that is not there yet.
  [[nodiscard]] virtual Command Initialize(const std::filesystem::path& directory) const = 0;
  // Writes the configuration for the role, removes what a dead engine left, and tells how to start.
  [[nodiscard]] virtual Result<Command> Prepare(Role role) const = 0;
  [[nodiscard]] virtual std::unique_ptr<EngineClient> MakeClient() const = 0;
  [[nodiscard]] virtual StopSignals stop_signals() const = 0;

 protected:
  Engine() = default;
};

// The error names a parameter that users may not set.
[[nodiscard]] Result<std::unique_ptr<Engine>> MakeEngine(const Config& config);

}  // namespace sextant::agent
