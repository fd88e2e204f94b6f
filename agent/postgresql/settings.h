// PostgreSQL's configuration, as text: pure.
#pragma once

#include "agent/config.h"
#include "agent/order.h"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::agent::postgresql {

inline constexpr std::string_view kSuperuser = "postgres";
inline constexpr std::string_view kReplicationUser = "sextant_replication";

// Where our files for the engine are, all in the run directory.
struct Files {
  explicit Files(const Config& config);

  std::filesystem::path settings;
  std::filesystem::path access;      // pg_hba
  std::filesystem::path identities;  // pg_ident
  std::filesystem::path password;    // of the replication user, for libpq
  std::filesystem::path key;         // copied, for PostgreSQL demands that only it can read the key
};

// The engine's directory on the volume.
[[nodiscard]] std::filesystem::path Home(const Config& config);
[[nodiscard]] std::uint16_t Port(const Config& config);

// Nothing, or which parameter may not be set and why.
[[nodiscard]] std::expected<void, std::string> CheckParameters(const Parameters& parameters);

// postgresql.conf.
[[nodiscard]] std::string RenderSettings(const Config& config);
// What nobody may undo, ALTER SYSTEM included: on the command line.
[[nodiscard]] std::vector<std::string> RenderCommand(const Config& config, Role role,
                                                     const std::filesystem::path& home);
// A reader does not start with less room than the writer had of what its log speaks of, whatever
// it will be allowed when it writes: options for the command line, given what pg_controldata says.
[[nodiscard]] std::vector<std::string> RenderReadersRoom(const Config& config,
                                                         std::string_view control_data);
[[nodiscard]] std::string RenderAccess(std::string_view user);
[[nodiscard]] std::string RenderIdentities(std::string_view user);
// libpq's password file.
[[nodiscard]] std::string RenderPasswordFile(std::string_view password);
// How a reader reaches the writer, as libpq's parameters and as one line of them.
[[nodiscard]] std::vector<std::pair<const char*, std::string>> WriterConnection(
    const Config& config);
[[nodiscard]] std::string RenderConnection(const Config& config);
// Whether a running postmaster's lock file says that it takes connections.
[[nodiscard]] bool TakesConnections(std::string_view lock_file);

[[nodiscard]] std::vector<std::string> InitializeCommand(const std::filesystem::path& directory);

// A value between single quotes, as a configuration file has it.
[[nodiscard]] std::string QuoteSetting(std::string_view value);

}  // namespace sextant::agent::postgresql
