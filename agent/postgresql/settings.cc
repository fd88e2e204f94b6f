#include "agent/postgresql/settings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <format>
#include <optional>
#include <set>

namespace sextant::agent::postgresql {
namespace {

constexpr std::uint64_t kMiB = 1U << 20;
constexpr std::uint16_t kDefaultPort = 5432;
constexpr int kMaxConnections = 200;
constexpr int kMaxWalSenders = 32;

// What the volume, the agent or the operator stand on.
const std::set<std::string, std::less<>>& Denied() {
  static const std::set<std::string, std::less<>> kDenied = {"allow_alter_system",
                                                             "archive_cleanup_command",
                                                             "archive_command",
                                                             "archive_library",
                                                             "archive_mode",
                                                             "authentication_timeout",
                                                             "bonjour",
                                                             "cluster_name",
                                                             "config_file",
                                                             "data_directory",
                                                             "data_sync_retry",
                                                             "db_user_namespace",
                                                             "event_source",
                                                             "external_pid_file",
                                                             "fsync",
                                                             "full_page_writes",
                                                             "hba_file",
                                                             "hot_standby",
                                                             "ident_file",
                                                             "include",
                                                             "include_dir",
                                                             "include_if_exists",
                                                             "krb_server_keyfile",
                                                             "listen_addresses",
                                                             "log_destination",
                                                             "log_directory",
                                                             "log_filename",
                                                             "logging_collector",
                                                             "password_encryption",
                                                             "port",
                                                             "primary_conninfo",
                                                             "primary_slot_name",
                                                             "promote_trigger_file",
                                                             "recovery_end_command",
                                                             "recovery_init_sync_method",
                                                             "recovery_min_apply_delay",
                                                             "recovery_prefetch",
                                                             "recovery_target",
                                                             "recovery_target_action",
                                                             "recovery_target_inclusive",
                                                             "recovery_target_lsn",
                                                             "recovery_target_name",
                                                             "recovery_target_time",
                                                             "recovery_target_timeline",
                                                             "recovery_target_xid",
                                                             "restart_after_crash",
                                                             "restore_command",
                                                             "shared_memory_type",
                                                             "ssl",
                                                             "ssl_ca_file",
                                                             "ssl_cert_file",
                                                             "ssl_ciphers",
                                                             "ssl_crl_dir",
                                                             "ssl_crl_file",
                                                             "ssl_dh_params_file",
                                                             "ssl_key_file",
                                                             "ssl_min_protocol_version",
                                                             "ssl_max_protocol_version",
                                                             "ssl_passphrase_command",
                                                             "synchronous_commit",
                                                             "synchronous_standby_names",
                                                             "unix_socket_directories",
                                                             "unix_socket_group",
                                                             "unix_socket_permissions",
                                                             "wal_consistency_checking",
                                                             "wal_init_zero",
                                                             "wal_level",
                                                             "wal_log_hints",
                                                             "wal_recycle",
                                                             "wal_sync_method"};
  return kDenied;
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

}  // namespace

Files::Files(const Config& config)
    : settings(config.run / "postgresql.conf"),
      access(config.run / "pg_hba.conf"),
      identities(config.run / "pg_ident.conf"),
      password(config.run / "replication.pgpass"),
      key(config.run / "server.key") {}

std::filesystem::path Home(const Config& config) { return config.data / "pgdata"; }

std::uint16_t Port(const Config& config) {
  return config.engine_port == 0 ? kDefaultPort : static_cast<std::uint16_t>(config.engine_port);
}

std::expected<void, std::string> CheckParameters(const Parameters& parameters) {
  for (const auto& [name, value] : parameters) {
    if (!IsName(name)) {
      return std::unexpected(std::format(
          "engine.parameters: {}: a name of small letters, digits, _ and . is wanted", name));
    }
    if (Denied().contains(name)) {
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

std::string QuoteSetting(std::string_view value) {
  std::string quoted = "'";
  for (const char c : value) {
    quoted += c == '\'' ? "''" : c == '\\' ? "\\\\" : std::string(1, c);
  }
  return quoted + "'";
}

std::string RenderSettings(const Config& config) {
  const Files files(config);
  const std::uint64_t shared = std::max<std::uint64_t>(config.memory * 7 / 10 / kMiB, 64);
  std::string text = "# Written by sextant-agent at every start; changes here are lost.\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    text += std::format("{} = {}\n", name, QuoteSetting(value));
  };
  // What users may set otherwise comes first, for the last one counts.
  add("shared_buffers", std::format("{}MB", shared));
  add("effective_cache_size", std::format("{}MB", config.memory * 8 / 10 / kMiB));
  add("max_connections", std::to_string(kMaxConnections));
  add("max_wal_senders", std::to_string(kMaxWalSenders));
  add("max_replication_slots", "32");
  add("hot_standby_feedback", "on");
  add("max_standby_streaming_delay", "30s");
  add("wal_receiver_status_interval", "1s");
  add("wal_receiver_timeout", "5s");
  add("wal_retrieve_retry_interval", "500ms");
  add("wal_sender_timeout", "10s");
  add("wal_keep_size", "512MB");
  add("wal_compression", "lz4");
  // Recovery begins where the last checkpoint that was finished began, and must take seconds. What
  // it costs is the reading of each page that was changed since, rather than the WAL; so
  // checkpoints are frequent, which is cheap without full pages in the WAL, and not drawn out.
  add("checkpoint_timeout", "30s");
  add("checkpoint_completion_target", "0.5");
  add("checkpoint_warning", "0");
  add("max_wal_size", "256MB");
  add("maintenance_io_concurrency", "64");
  add("wal_decode_buffer_size", "2MB");
  add("min_wal_size", "80MB");
  add("dynamic_shared_memory_type", "sysv");  // a container's /dev/shm has 64 MB
  add("tcp_keepalives_idle", "10");
  add("tcp_keepalives_interval", "3");
  add("tcp_keepalives_count", "3");
  add("timezone", "UTC");
  add("log_timezone", "UTC");
  add("log_line_prefix", "%q%u@%d ");
  for (const auto& [name, value] : config.parameters) {
    add(name, value);
  }
  add("listen_addresses", "*");
  add("port", std::to_string(Port(config)));
  add("unix_socket_directories", config.run.string());
  add("unix_socket_permissions", "0700");
  add("hba_file", files.access.string());
  add("ident_file", files.identities.string());
  add("password_encryption", "scram-sha-256");
  add("ssl", "on");
  add("ssl_min_protocol_version", "TLSv1.2");
  add("ssl_ca_file", config.server_tls.ca.string());
  add("ssl_cert_file", config.server_tls.certificate.string());
  add("ssl_key_file", files.key.string());
  add("log_destination", "stderr");
  add("logging_collector", "off");
  add("primary_conninfo", RenderConnection(config));
  add("recovery_target_timeline", "latest");
  return text;
}

std::vector<std::string> RenderCommand(const Config& config, Role role,
                                       const std::filesystem::path& home) {
  std::vector<std::string> command = {"postgres", "-D", home.string()};
  const auto add = [&](std::string_view name, std::string_view value) {
    command.emplace_back("-c");
    command.push_back(std::format("{}={}", name, value));
  };
  add("config_file", Files(config).settings.string());
  // The volume writes pages whole, never reuses what it wrote, and makes an fsync durable in two
  // zones or more.
  add("full_page_writes", "off");
  add("wal_recycle", "off");
  add("wal_init_zero", "off");
  add("recovery_prefetch", "try");
  // One call instead of one for each file: the agent has the volume flushed before every start, and
  // what a volume shows when it is attached is durable, so there is nothing left to sync.
  add("recovery_init_sync_method", "syncfs");
  add("wal_level", "replica");
  add("hot_standby", "on");
  add("restart_after_crash", "off");  // every start goes through the agent, which asks the volume
  // A reader's files are a copy that ends with its mount.
  add("fsync", role == Role::kReader ? "off" : "on");
  add("synchronous_commit", "on");
  add("synchronous_standby_names", "");
  add("data_sync_retry", "off");
  return command;
}

std::vector<std::string> RenderReadersRoom(const Config& config, std::string_view control_data) {
  struct Limit {
    std::string_view told;  // by pg_controldata
    const char* name;
    int usual;
  };
  constexpr std::array<Limit, 5> kLimits = {
      {{"max_connections", "max_connections", kMaxConnections},
       {"max_worker_processes", "max_worker_processes", 8},
       {"max_wal_senders", "max_wal_senders", kMaxWalSenders},
       {"max_prepared_xacts", "max_prepared_transactions", 0},
       {"max_locks_per_xact", "max_locks_per_transaction", 64}}};
  const auto number = [](std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? std::optional(value) : std::nullopt;
  };
  std::vector<std::string> options;
  for (const Limit& limit : kLimits) {
    const std::string label = std::format("{} setting:", limit.told);
    const std::size_t at = control_data.find(label);
    if (at == std::string_view::npos) {
      continue;
    }
    const auto writers = number(control_data.substr(at + label.size()));
    const auto parameter = config.parameters.find(limit.name);
    const auto own = parameter == config.parameters.end() ? limit.usual : number(parameter->second);
    if (writers && own && *writers > *own) {
      options.emplace_back("-c");
      options.push_back(std::format("{}={}", limit.name, *writers));
    }
  }
  return options;
}

std::string RenderAccess(std::string_view user) {
  return std::format(
      "# Written by sextant-agent at every start; changes here are lost.\n"
      "local   all         {0}  peer map=sextant\n"
      "local   all         all  reject\n"
      "hostssl replication {1}  all  scram-sha-256\n"
      "hostssl all         {1}  all  reject\n"
      "hostssl replication all  all  reject\n"
      "hostssl all         all  all  scram-sha-256\n"
      "# The agent runs as {2}.\n",
      kSuperuser, kReplicationUser, user);
}

std::string RenderIdentities(std::string_view user) {
  return std::format(
      "# Written by sextant-agent at every start; changes here are lost.\n"
      "sextant {} {}\n",
      user, kSuperuser);
}

std::string RenderPasswordFile(std::string_view password) {
  std::string escaped;
  for (const char c : password) {
    if (c == ':' || c == '\\') {
      escaped += '\\';
    }
    escaped += c;
  }
  return std::format("*:*:*:{}:{}\n", kReplicationUser, escaped);
}

std::vector<std::pair<const char*, std::string>> WriterConnection(const Config& config) {
  return {{"host", config.writer_service.host},
          {"port", std::to_string(config.writer_service.port)},
          {"user", std::string(kReplicationUser)},
          {"passfile", Files(config).password.string()},
          {"application_name", config.instance},
          {"sslmode", "verify-ca"},
          {"sslrootcert", config.server_tls.ca.string()},
          {"sslcertmode", "disable"},  // else a file in the home directory would be looked for
          {"gssencmode", "disable"},
          {"connect_timeout", "3"},
          {"tcp_user_timeout", "5000"}};
}

std::string RenderConnection(const Config& config) {
  std::string text;
  for (const auto& [name, value] : WriterConnection(config)) {
    text += std::format("{}{}={}", text.empty() ? "" : " ", name, QuoteSetting(value));
  }
  return text;
}

bool TakesConnections(std::string_view lock_file) {
  constexpr int kStatusLine = 8;  // LOCK_FILE_LINE_PM_STATUS; padded with spaces
  for (int line = 1; line < kStatusLine; ++line) {
    const auto end = lock_file.find('\n');
    if (end == std::string_view::npos) {
      return false;
    }
    lock_file.remove_prefix(end + 1);
  }
  return lock_file.starts_with("ready");
}

std::vector<std::string> InitializeCommand(const std::filesystem::path& directory) {
  return {"initdb",
          "--pgdata=" + directory.string(),
          "--username=" + std::string(kSuperuser),
          "--auth-local=peer",
          "--auth-host=scram-sha-256",
          "--data-checksums",
          "--encoding=UTF8",
          "--locale=C.UTF-8",
          "--locale-provider=builtin",
          "--builtin-locale=C.UTF-8"};
}

}  // namespace sextant::agent::postgresql
