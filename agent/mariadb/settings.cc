#include "agent/mariadb/settings.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <format>
#include <set>

namespace sextant::agent::mariadb {
namespace {

constexpr std::uint64_t kMiB = 1U << 20;
constexpr std::uint16_t kDefaultPort = 3306;

// What the volume, the agent or the operator stand on; with "skip_" before them as well.
const std::set<std::string, std::less<>>& Denied() {
  static const std::set<std::string, std::less<>> kDenied = {"aria_log_dir_path",
                                                             "basedir",
                                                             "bind_address",
                                                             "binlog_format",
                                                             "bootstrap",
                                                             "chroot",
                                                             "datadir",
                                                             "gtid_domain_id",
                                                             "gtid_strict_mode",
                                                             "init_file",
                                                             "innodb_data_file_buffering",
                                                             "innodb_data_home_dir",
                                                             "innodb_doublewrite",
                                                             "innodb_flush_log_at_trx_commit",
                                                             "innodb_flush_method",
                                                             "innodb_force_recovery",
                                                             "innodb_log_file_buffering",
                                                             "innodb_log_file_mmap",
                                                             "innodb_log_group_home_dir",
                                                             "innodb_read_only",
                                                             "innodb_undo_directory",
                                                             "innodb_use_native_aio",
                                                             "log_basename",
                                                             "log_bin",
                                                             "log_error",
                                                             "log_slave_updates",
                                                             "networking",
                                                             "grant_tables",
                                                             "slave_start",
                                                             "pid_file",
                                                             "plugin_dir",
                                                             "plugin_load",
                                                             "plugin_load_add",
                                                             "port",
                                                             "read_only",
                                                             "relay_log",
                                                             "relay_log_recovery",
                                                             "require_secure_transport",
                                                             "server_id",
                                                             "socket",
                                                             "ssl",
                                                             "ssl_ca",
                                                             "ssl_capath",
                                                             "ssl_cert",
                                                             "ssl_cipher",
                                                             "ssl_crl",
                                                             "ssl_crlpath",
                                                             "ssl_key",
                                                             "sync_binlog",
                                                             "tls_version",
                                                             "tmpdir",
                                                             "user",
                                                             "wsrep_on",
                                                             "wsrep_provider"};
  return kDenied;
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::array<unsigned char, 20> Sha1(const void* data, std::size_t size) {
  std::array<unsigned char, 20> digest{};
  EVP_Digest(data, size, digest.data(), nullptr, EVP_sha1(), nullptr);
  return digest;
}

}  // namespace

Files::Files(const Config& config)
    : settings(config.run / "mariadb.cnf"),
      socket(config.run / "mariadb.sock"),
      temporary(config.run / "tmp") {}

std::uint16_t Port(const Config& config) {
  return config.engine_port == 0 ? kDefaultPort : static_cast<std::uint16_t>(config.engine_port);
}

std::expected<void, std::string> CheckParameters(const Parameters& parameters) {
  for (const auto& [name, value] : parameters) {
    if (!IsName(name)) {
      return std::unexpected(std::format(
          "engine.parameters: {}: a name of small letters, digits and _ is wanted", name));
    }
    const bool skips = name.starts_with("skip_");
    if (Denied().contains(skips ? name.substr(5) : name) || name.starts_with("loose_") ||
        name.starts_with("wsrep_")) {
      return std::unexpected(
          std::format("engine.parameters: {} is set by Sextant and cannot be changed", name));
    }
    if (value.size() > 4096 ||
        std::ranges::any_of(value, [](unsigned char c) { return c < ' '; })) {
      return std::unexpected(
          std::format("engine.parameters: {}: a value of one line is wanted", name));
    }
  }
  return {};
}

std::string RenderSettings(const Config& config, const std::filesystem::path& home) {
  const Files files(config);
  const std::uint64_t pool = std::max<std::uint64_t>(config.memory * 7 / 10 / kMiB, 64);
  std::string text =
      "# Written by sextant-agent at every start; changes here are lost.\n"
      "[mariadbd]\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    text += std::format("{} = {}\n", name, value);
  };
  // What users may set otherwise comes first, for the last one counts.
  add("innodb_buffer_pool_size", std::format("{}M", pool));
  add("innodb_log_file_size", "96M");
  // A start reads as much of the log as this, twice, however little of it counts. The buffer
  // matters to transactions of megabytes alone.
  add("innodb_log_buffer_size", "2M");
  // Before connections are taken it would compete with what they wait for; the agent asks for it
  // afterwards.
  add("innodb_buffer_pool_load_at_startup", "OFF");
  add("innodb_io_capacity", "2000");
  // Recovery must take seconds: it reads each page that was dirty. Writing one early costs little,
  // for the volume sends what changed in it.
  add("innodb_max_dirty_pages_pct", "10");
  add("innodb_max_dirty_pages_pct_lwm", "1");
  add("max_connections", "200");
  add("character_set_server", "utf8mb4");
  add("max_binlog_size", "64M");  // after a crash the last one is read from end to end
  add("binlog_expire_logs_seconds", "86400");
  add("aria_log_file_size", "64M");
  add("aria_pagecache_buffer_size", "16M");
  add("aria_recover_options", "BACKUP,QUICK");
  add("slave_parallel_threads", "4");
  add("slave_parallel_mode", "optimistic");
  add("slave_net_timeout", "5");
  add("skip_name_resolve", "ON");
  for (const auto& [name, value] : config.parameters) {
    add(name, value);
  }
  add("datadir", home.string());
  add("socket", files.socket.string());
  add("pid_file", (config.run / "mariadb.pid").string());
  add("tmpdir", files.temporary.string());
  add("port", std::to_string(Port(config)));
  add("bind_address", "*");
  add("server_id", std::to_string(config.ordinal()));
  add("ssl_ca", config.server_tls.ca.string());
  add("ssl_cert", config.server_tls.certificate.string());
  add("ssl_key", config.server_tls.key.string());
  add("require_secure_transport", "ON");
  return text;
}

std::vector<std::string> RenderCommand(const Config& config, Role role) {
  std::vector<std::string> command = {"mariadbd",
                                      "--defaults-file=" + Files(config).settings.string()};
  const auto add = [&](std::string_view name, std::string_view value) {
    command.push_back(std::format("--{}={}", name, value));
  };
  const bool is_reader = role == Role::kReader;
  // The volume writes pages whole and makes an fsync durable in two zones or more. A reader's files
  // are a copy that ends with its mount, but not with its engine: each commit is written, so that
  // the position from which a killed reader goes on is that of its rows.
  add("innodb-doublewrite", "OFF");
  add("innodb-flush-log-at-trx-commit", is_reader ? "2" : "1");
  add("sync-binlog", is_reader ? "0" : "1");
  add("innodb-log-file-mmap", "OFF");
  add("innodb-use-native-aio", "OFF");
  add("innodb-data-file-buffering", "ON");
  add("innodb-log-file-buffering", "ON");
  add("log-bin", "binlog");
  add("binlog-format", "ROW");
  add("gtid-strict-mode", "ON");
  add("gtid-domain-id", "0");
  add("log-slave-updates", "OFF");
  add("relay-log", "relay");
  add("relay-log-recovery", "ON");
  add("skip-slave-start", "ON");  // the agent starts it, from the right position
  add("read-only", is_reader ? "ON" : "OFF");
  return command;
}

std::vector<std::string> InitializeCommand(const std::filesystem::path& directory,
                                           std::string_view user) {
  return {"mariadb-install-db",
          "--no-defaults",
          "--datadir=" + directory.string(),
          "--auth-root-authentication-method=socket",
          "--auth-root-socket-user=" + std::string(user),
          "--skip-test-db",
          "--skip-name-resolve",
          "--innodb-doublewrite=OFF",
          "--innodb-log-file-mmap=OFF",
          "--innodb-use-native-aio=OFF",
          "--innodb-data-file-buffering=ON",
          "--innodb-log-file-buffering=ON"};
}

std::string QuoteText(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c == '\'' ? "''" : c == '\\' ? "\\\\" : std::string(1, c);
  }
  return quoted + "'";
}

std::string QuoteName(std::string_view name) {
  std::string quoted = "`";
  for (const char c : name) {
    quoted += c == '`' ? "``" : std::string(1, c);
  }
  return quoted + "`";
}

std::string HashPassword(std::string_view password) {
  const auto once = Sha1(password.data(), password.size());
  std::string text = "*";
  for (const unsigned char byte : Sha1(once.data(), once.size())) {
    text += std::format("{:02X}", byte);
  }
  return text;
}

std::string RenderGrant(std::string_view user, const Privileges& privileges) {
  return std::format("GRANT {} ON {} TO {}{}", privileges.what, privileges.where, user,
                     privileges.more);
}

bool HasGrants(const std::vector<std::string>& lines, std::string_view hash,
               const Privileges& privileges) {
  const std::string identified = std::format(" IDENTIFIED BY PASSWORD '{}'", hash);
  const std::string grant = std::format("GRANT {} ON {} TO ", privileges.what, privileges.where);
  return std::ranges::any_of(lines,
                             [&](const std::string& line) { return line.contains(identified); }) &&
         std::ranges::any_of(lines, [&](const std::string& line) {
           return line.starts_with(grant) && line.ends_with(privileges.more);
         });
}

std::string RenderChangeMaster(const Config& config, std::string_view password) {
  return std::format(
      "CHANGE MASTER TO MASTER_HOST={}, MASTER_PORT={}, MASTER_USER={}, MASTER_PASSWORD={}, "
      "MASTER_SSL=1, MASTER_SSL_CA={}, MASTER_SSL_VERIFY_SERVER_CERT=1, MASTER_CONNECT_RETRY=1, "
      "MASTER_HEARTBEAT_PERIOD=1, MASTER_USE_GTID=slave_pos",
      QuoteText(config.writer_service.host), config.writer_service.port,
      QuoteText(kReplicationUser), QuoteText(password), QuoteText(config.server_tls.ca.string()));
}

}  // namespace sextant::agent::mariadb
