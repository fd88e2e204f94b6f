#include "storage/server/config.h"

#include <gtest/gtest.h>

namespace sextant::storage::server {
namespace {

const std::string kLeast = R"(data_directory: /var/lib/sextant
listen: 0.0.0.0:7400
http: 0.0.0.0:7401
zone: a
)";

std::string ErrorOf(const std::string& yaml) {
  const auto config = ParseConfig(yaml);
  return config ? "" : config.error();
}

TEST(Config, TheLeastHasDefaultsForTheRest) {
  const auto config = ParseConfig(kLeast + "insecure: true\n");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->data_directory, "/var/lib/sextant");
  EXPECT_EQ(config->listen, (net::Address{"0.0.0.0", 7400}));
  EXPECT_EQ(config->http, (net::Address{"0.0.0.0", 7401}));
  EXPECT_EQ(config->zone, "a");
  EXPECT_FALSE(config->tls);
  EXPECT_TRUE(config->peers.empty());
  EXPECT_EQ(config->segment_size, 16U << 20);
  EXPECT_EQ(config->log_level, LogLevel::kInfo);
}

TEST(Config, ReadsEverything) {
  const auto config = ParseConfig(kLeast + R"(peers:
  - {address: "storage-1.example:7400", zone: b}
  - address: "[fd00::7]:7400"
    zone: c
tls:
  ca: /tls/ca.crt
  certificate: /tls/tls.crt
  key: /tls/tls.key
limits:
  index_cache: 1GiB
  table_log: 32MiB
  queued_groups: 16MiB
  unindexed_log: 512MiB
  send_queue: 8388608
  connections: 20
segment_size: 64MiB
retention:
  compact_after: 128MiB
  trim_after: 64MiB
gossip_interval: 50ms
scrub_interval: 2s
threads:
  network: 4
  read: 8
log_level: warning
)");
  ASSERT_TRUE(config) << config.error();
  ASSERT_EQ(config->peers.size(), 2);
  EXPECT_EQ(config->peers[0].address, (net::Address{"storage-1.example", 7400}));
  EXPECT_EQ(config->peers[1].address, (net::Address{"fd00::7", 7400}));
  EXPECT_EQ(config->peers[1].zone, "c");
  ASSERT_TRUE(config->tls);
  EXPECT_EQ(config->tls->ca, "/tls/ca.crt");
  EXPECT_EQ(config->tls->certificate, "/tls/tls.crt");
  EXPECT_EQ(config->tls->key, "/tls/tls.key");
  EXPECT_EQ(config->limits.index_cache, std::uint64_t{1} << 30);
  EXPECT_EQ(config->limits.table_log, 32U << 20);
  EXPECT_EQ(config->limits.queued_groups, 16U << 20);
  EXPECT_EQ(config->limits.unindexed_log, 512U << 20);
  EXPECT_EQ(config->limits.send_queue, 8U << 20);
  EXPECT_EQ(config->limits.connections, 20);
  EXPECT_EQ(config->segment_size, 64U << 20);
  EXPECT_EQ(config->compact_after, 128U << 20);
  EXPECT_EQ(config->trim_after, 64U << 20);
  EXPECT_EQ(config->gossip_interval, std::chrono::milliseconds(50));
  EXPECT_EQ(config->scrub_interval, std::chrono::seconds(2));
  EXPECT_EQ(config->network_threads, 4);
  EXPECT_EQ(config->read_threads, 8);
  EXPECT_EQ(config->log_level, LogLevel::kWarning);
}

TEST(Config, TheExampleIsGood) {
  const auto config = LoadConfig(EXAMPLE_CONFIG);
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->peers.size(), 5);
  EXPECT_TRUE(config->tls);
}

TEST(Config, ErrorsNameTheLineAndTheKey) {
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\nlisten_port: 1\n"),
            "6: listen_port: there is no such key");
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\nzone: b\n"), "6: zone: is there twice");
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\nlimits:\n  connections: many\n"),
            "7: limits.connections: a number is wanted, 1 or more");
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\nlimits:\n  speed: 1\n"),
            "7: limits.speed: there is no such key");
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\nlimits: 7\n"), "6: limits: a mapping is wanted");
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\npeers:\n  - {address: \"x:1\"}\n"),
            "7: peers[0].zone: is missing");
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\npeers:\n  - {address: x, zone: b}\n"),
            "7: peers[0].address: \"x\" is no address: host:port is wanted");
  EXPECT_EQ(ErrorOf(kLeast + "insecure: maybe\n"), "5: insecure: true or false is wanted");
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\nscrub_interval: 10\n"),
            "6: scrub_interval: a time such as 100ms, 5s or 1m is wanted");
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\nlog_level: loud\n"),
            "6: log_level: one of these is wanted: debug, info, warning, error");
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\nsegment_size: 100000\n"),
            "6: segment_size: a multiple of 4096 is wanted, at most 1GiB");
}

TEST(Config, PlainTcpMustBeAskedFor) {
  EXPECT_NE(ErrorOf(kLeast).find("tls: is missing"), std::string::npos) << ErrorOf(kLeast);
  EXPECT_NE(ErrorOf(kLeast + "insecure: false\n").find("tls: is missing"), std::string::npos);
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\ntls: {ca: /a, certificate: /b, key: /c}\n"),
            "5: insecure: does not go with tls");
}

TEST(Config, WhatIsNoYamlIsAnErrorToo) {
  EXPECT_TRUE(ErrorOf("zone: [a\nlisten: b").contains(": "));
  EXPECT_NE(ErrorOf(""), "");
  EXPECT_NE(ErrorOf("- a\n- b\n"), "");
}

TEST(Config, SizesHaveALeast) {
  EXPECT_TRUE(ErrorOf(kLeast + "insecure: true\nlimits: {index_cache: 1MiB}\n")
                  .starts_with("6: limits.index_cache: a size"));
  EXPECT_EQ(ErrorOf(kLeast + "insecure: true\nlimits: {table_log: 64MiB, unindexed_log: 64MiB}\n"),
            "6: limits.unindexed_log: twice table_log is the least");
}

}  // namespace
}  // namespace sextant::storage::server
