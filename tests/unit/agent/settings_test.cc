#include "agent/mariadb/settings.h"

#include "agent/postgresql/settings.h"
#include "agent/volume_client.h"

#include <gmock/gmock.h>

namespace sextant::agent {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Config Example() {
  Config config;
  config.instance = "orders-3";
  config.data = "/mnt/data";
  config.run = "/run/engine";
  config.server_tls = {.ca = "/tls/ca", .certificate = "/tls/crt", .key = "/tls/key"};
  config.memory = std::uint64_t{1} << 30;
  config.secrets = "/secrets";
  config.writer_service = {.host = "orders-rw", .port = 5432};
  return config;
}

TEST(PostgresqlSettings, CarryTheUsersParametersBelowOurs) {
  Config config = Example();
  config.parameters = {{"work_mem", "8MB"}, {"shared_buffers", "1GB"}, {"a.b", "it's \\"}};
  const std::string text = postgresql::RenderSettings(config);
  EXPECT_THAT(text, HasSubstr("shared_buffers = '716MB'\n"));
  EXPECT_THAT(text, HasSubstr("checkpoint_timeout = '30s'\n"));
  EXPECT_LT(text.find("shared_buffers = '716MB'"), text.find("shared_buffers = '1GB'"));
  EXPECT_THAT(text, HasSubstr("work_mem = '8MB'\n"));
  EXPECT_THAT(text, HasSubstr("a.b = 'it''s \\\\'\n"));
  EXPECT_LT(text.find("work_mem"), text.find("ssl = 'on'"));
  EXPECT_THAT(text, HasSubstr("primary_conninfo = 'host=''orders-rw'' port=''5432''"));
  EXPECT_THAT(text, HasSubstr("sslmode=''verify-ca''"));
}

TEST(PostgresqlSettings, RefuseWhatIsNotTheUsers) {
  for (const char* name :
       {"fsync", "full_page_writes", "primary_conninfo", "ssl_key_file", "Fsync", "work mem", ""}) {
    EXPECT_FALSE(postgresql::CheckParameters({{name, "on"}})) << name;
  }
  EXPECT_FALSE(postgresql::CheckParameters({{"work_mem", "1\nfsync = off"}}));
  EXPECT_TRUE(
      postgresql::CheckParameters({{"work_mem", "1MB"}, {"auto_explain.log_analyze", "on"}}));
}

TEST(PostgresqlSettings, StandOnTheCommandLineWhatNobodyMayUndo) {
  const auto writer = postgresql::RenderCommand(Example(), Role::kWriter, "/mnt/data/pgdata");
  for (const char* setting :
       {"full_page_writes=off", "fsync=on", "synchronous_commit=on", "wal_recycle=off",
        "restart_after_crash=off", "recovery_init_sync_method=syncfs"}) {
    EXPECT_THAT(writer, Contains(setting));
  }
  EXPECT_THAT(postgresql::RenderCommand(Example(), Role::kReader, "/mnt/data/pgdata"),
              Contains("fsync=off"));
}

TEST(PostgresqlSettings, AReaderHasRoomForWhatTheWriterHad) {
  Config config = Example();
  config.parameters = {{"max_connections", "100"}, {"max_worker_processes", "16"}};
  const auto options =
      postgresql::RenderReadersRoom(config,
                                    "wal_level setting:                    replica\n"
                                    "max_connections setting:              200\n"
                                    "max_worker_processes setting:         8\n"
                                    "max_wal_senders setting:              32\n"
                                    "max_prepared_xacts setting:           5\n"
                                    "max_locks_per_xact setting:           64\n");
  EXPECT_THAT(options,
              ElementsAre("-c", "max_connections=200", "-c", "max_prepared_transactions=5"));
  EXPECT_THAT(postgresql::RenderReadersRoom(config, "something else"), IsEmpty());
}

TEST(PostgresqlSettings, ALockFileTellsWhenConnectionsAreTaken) {
  const auto file = [](const char* status) {
    return std::string("12\n/mnt/data/pgdata\n1764000000\n5432\n/run/engine\n*\n  1 2\n") + status;
  };
  EXPECT_TRUE(postgresql::TakesConnections(file("ready   \n")));
  EXPECT_FALSE(postgresql::TakesConnections(file("starting\n")));
  EXPECT_FALSE(postgresql::TakesConnections(file("standby \n")));
  EXPECT_FALSE(postgresql::TakesConnections(file("")));
  EXPECT_FALSE(postgresql::TakesConnections("12\n/mnt/data/pgdata\n"));
  EXPECT_FALSE(postgresql::TakesConnections(""));
}

TEST(PostgresqlSettings, LetNobodyInWithoutTlsAndAPassword) {
  EXPECT_EQ(postgresql::RenderAccess("agent"),
            "# Written by sextant-agent at every start; changes here are lost.\n"
            "local   all         postgres  peer map=sextant\n"
            "local   all         all  reject\n"
            "hostssl replication sextant_replication  all  scram-sha-256\n"
            "hostssl all         sextant_replication  all  reject\n"
            "hostssl replication all  all  reject\n"
            "hostssl all         all  all  scram-sha-256\n"
            "# The agent runs as agent.\n");
  EXPECT_EQ(postgresql::RenderPasswordFile("a:b\\c"), "*:*:*:sextant_replication:a\\:b\\\\c\n");
}

TEST(MariadbSettings, CarryTheUsersParametersBelowOurs) {
  Config config = Example();
  config.parameters = {{"max_connections", "50"}};
  const std::string text = mariadb::RenderSettings(config, "/mnt/data/mysql");
  EXPECT_THAT(text, HasSubstr("innodb_buffer_pool_size = 716M\n"));
  EXPECT_LT(text.find("max_connections = 200"), text.find("max_connections = 50"));
  EXPECT_THAT(text, HasSubstr("server_id = 3\n"));
  EXPECT_THAT(text, HasSubstr("innodb_log_buffer_size = 2M\n"));
  EXPECT_THAT(text, HasSubstr("require_secure_transport = ON\n"));
}

TEST(MariadbSettings, RefuseWhatIsNotTheUsers) {
  for (const char* name : {"innodb_doublewrite", "skip_log_bin", "loose_log_bin", "server_id",
                           "skip_networking", "log-bin", "wsrep_provider"}) {
    EXPECT_FALSE(mariadb::CheckParameters({{name, "1"}})) << name;
  }
  EXPECT_FALSE(mariadb::CheckParameters({{"sql_mode", "x\nlog_bin=0"}}));
  EXPECT_TRUE(mariadb::CheckParameters({{"max_connections", "10"}}));
}

TEST(MariadbSettings, KnowTheirRole) {
  const auto writer = mariadb::RenderCommand(Example(), Role::kWriter);
  EXPECT_THAT(writer, Contains("--innodb-doublewrite=OFF"));
  EXPECT_THAT(writer, Contains("--innodb-flush-log-at-trx-commit=1"));
  EXPECT_THAT(writer, Contains("--sync-binlog=1"));
  EXPECT_THAT(writer, Contains("--read-only=OFF"));
  const auto reader = mariadb::RenderCommand(Example(), Role::kReader);
  EXPECT_THAT(reader, Contains("--read-only=ON"));
  EXPECT_THAT(reader, Not(Contains("--sync-binlog=1")));
  EXPECT_THAT(reader, Contains("--innodb-flush-log-at-trx-commit=2"));
}

TEST(MariadbSettings, KnowAUserWhoIsAsHeShallBe) {
  const mariadb::Privileges all = {.what = "ALL PRIVILEGES", .where = "`app`.*"};
  const mariadb::Privileges every = {
      .what = "ALL PRIVILEGES", .where = "*.*", .more = " WITH GRANT OPTION"};
  EXPECT_EQ(mariadb::RenderGrant("'app'@'%'", all), "GRANT ALL PRIVILEGES ON `app`.* TO 'app'@'%'");
  EXPECT_EQ(mariadb::RenderGrant("'root'@'%'", every),
            "GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION");
  const std::vector<std::string> lines = {
      "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*AB'",
      "GRANT ALL PRIVILEGES ON `app`.* TO `app`@`%`"};
  EXPECT_TRUE(mariadb::HasGrants(lines, "*AB", all));
  EXPECT_FALSE(mariadb::HasGrants(lines, "*AC", all));
  EXPECT_FALSE(mariadb::HasGrants(lines, "*AB", {.what = "ALL PRIVILEGES", .where = "`other`.*"}));
  EXPECT_FALSE(mariadb::HasGrants(lines, "*AB", every));
  EXPECT_FALSE(mariadb::HasGrants({}, "*AB", all));
  EXPECT_TRUE(mariadb::HasGrants(
      {"GRANT ALL PRIVILEGES ON *.* TO `root`@`%` IDENTIFIED BY PASSWORD '*AB' WITH GRANT OPTION"},
      "*AB", every));
  EXPECT_FALSE(mariadb::HasGrants(
      {"GRANT ALL PRIVILEGES ON *.* TO `root`@`%` IDENTIFIED BY PASSWORD '*AB'"}, "*AB", every));
}

TEST(MariadbSettings, Quote) {
  EXPECT_EQ(mariadb::QuoteText("a'b\\"), "'a''b\\\\'");
  EXPECT_EQ(mariadb::QuoteName("a`b"), "`a``b`");
  EXPECT_EQ(mariadb::HashPassword("password"), "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19");
}

TEST(VolumeStatus, IsRead) {
  const auto view = ParseVolumeStatus(nlohmann::json::parse(
      R"({"ok":true,"state":"attached","mode":"writer","branch":1,"epoch":7,"fenced_by":null})"));
  EXPECT_TRUE(Mounted({.id = 1, .role = Role::kWriter, .branch = 1, .epoch = 7}, view));
  EXPECT_FALSE(Mounted({.id = 1, .role = Role::kWriter, .branch = 1, .epoch = 8}, view));
  const auto fenced = ParseVolumeStatus(nlohmann::json::parse(
      R"({"state":"attached","mode":"writer","branch":1,"epoch":7,"fenced_by":8})"));
  EXPECT_EQ(fenced.state, VolumeState::kFenced);
  EXPECT_EQ(ParseVolumeStatus(nlohmann::json::parse(R"({"state":7})")).state,
            VolumeState::kUnknown);
}

}  // namespace
}  // namespace sextant::agent
