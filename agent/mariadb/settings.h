// MariaDB's configuration, as text: pure.
#pragma once

#include "agent/config.h"
#include "agent/order.h"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::agent::mariadb {

inline constexpr std::string_view kReplicationUser = "sextant_replication";
inline constexpr std::string_view kSuperuser = "root";

// Where our files for the engine are, all in the run directory.
struct Files {
  explicit Files(const Config& config);

  std::filesystem::path settings;
  std::filesystem::path socket;
  std::filesystem::path temporary;
};

[[nodiscard]] std::uint16_t Port(const Config& config);

// Nothing, or which parameter may not be set and why.
[[nodiscard]] std::expected<void, std::string> CheckParameters(const Parameters& parameters);

// The option file.
[[nodiscard]] std::string RenderSettings(const Config& config, const std::filesystem::path& home);
// What the role and the volume demand: on the command line, which counts more than files.
[[nodiscard]] std::vector<std::string> RenderCommand(const Config& config, Role role);

[[nodiscard]] std::vector<std::string> InitializeCommand(const std::filesystem::path& directory,
                                                         std::string_view user);

// "'text'" and "`name`" in SQL.
[[nodiscard]] std::string QuoteText(std::string_view text);
[[nodiscard]] std::string QuoteName(std::string_view name);
// What mysql_native_password keeps of a password: "*" and 40 hex digits.
[[nodiscard]] std::string HashPassword(std::string_view password);

// What a user may do.
struct Privileges {
  std::string_view what;
  std::string where = {};      // "*.*", "`database`.*"
  std::string_view more = {};  // what stands at the statement's end
};
[[nodiscard]] std::string RenderGrant(std::string_view user, const Privileges& privileges);
// From the lines of SHOW GRANTS: the user has this password's hash and these privileges. False as
// well where the engine says it in another way.
[[nodiscard]] bool HasGrants(const std::vector<std::string>& lines, std::string_view hash,
                             const Privileges& privileges);

[[nodiscard]] std::string RenderChangeMaster(const Config& config, std::string_view password);

}  // namespace sextant::agent::mariadb
