#include "volume/server/config.h"

#include <gtest/gtest.h>

namespace sextant::volume::server {
namespace {

const std::string kLeast = R"(mount: /sextant/mnt/data
control: /sextant/run/volume.sock
http: 0.0.0.0:7403
zone: a
nodes: [{address: "storage-0:7400", zone: a}, {address: "storage-1:7400", zone: b}]
)";

std::string RefusalOf(const std::string& yaml) {
  const auto config = ParseConfig(yaml);
  return config ? "" : config.error();
}

TEST(Config, TheLeastHasDefaultsForTheRest) {
  const auto config = ParseConfig(kLeast + "insecure: true\n");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->mount, "/sextant/mnt/data");
  EXPECT_EQ(config->control, "/sextant/run/volume.sock");
  EXPECT_EQ(config->nodes.size(), 2U);
  EXPECT_EQ(config->owner_uid, 65532U);
  EXPECT_EQ(config->dirty_bytes, 64U << 20);
  EXPECT_FALSE(config->attach);
  const auto options = ClientOptionsOf(*config);
  EXPECT_EQ(options.nodes.at(1).address, (net::Address{"storage-1", 7400}));
  EXPECT_EQ(options.zone, "a");
  EXPECT_FALSE(options.tls);
}

TEST(Config, ReadsEverything) {
  const auto config = ParseConfig(kLeast + R"(tls: {ca: /ca, certificate: /cert, key: /key}
owner: {uid: 0, gid: 7}
cache: {memory: 128MiB, directory: /cache, size: 2GiB}
overlay: {directory: /overlay, size: 20GiB}
dirty: {bytes: 32MiB, age: 500ms}
log_level: debug
attach: {mode: writer, branch: 3, epoch: 9}
)");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->tls->key, "/key");
  EXPECT_EQ(config->owner_uid, 0U);
  EXPECT_EQ(config->owner_gid, 7U);
  EXPECT_EQ(config->cache_memory, 128U << 20);
  EXPECT_EQ(config->cache_directory, "/cache");
  EXPECT_EQ(config->cache_size, std::uint64_t{2} << 30);
  EXPECT_EQ(config->overlay_directory, "/overlay");
  EXPECT_EQ(config->overlay_size, std::uint64_t{20} << 30);
  EXPECT_EQ(config->dirty_bytes, 32U << 20);
  EXPECT_EQ(config->dirty_age, std::chrono::milliseconds(500));
  EXPECT_EQ(config->log_level, daemon::LogLevel::kDebug);
  EXPECT_EQ(config->attach, (Target{.mode = Mode::kWriter, .branch = 3, .epoch = 9, .at = {}}));
}

TEST(Config, AReaderMayBeAttachedAtATime) {
  const auto config = ParseConfig(kLeast + R"(insecure: true
overlay: {directory: /overlay}
attach: {mode: reader, at: "1970-01-01T00:00:01.5Z"}
)");
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->attach->mode, Mode::kReader);
  EXPECT_EQ(config->attach->branch, 1U);
  EXPECT_EQ(config->attach->at.time, 1'500'000U);
}

TEST(Config, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(RefusalOf(kLeast),
            "1: tls: is missing; plain TCP must be asked for with insecure: true");
  EXPECT_EQ(RefusalOf(kLeast + "insecure: true\nmounts: 1\n"), "7: mounts: there is no such key");
  EXPECT_EQ(RefusalOf(kLeast + "insecure: true\nattach: {mode: writer}\n"),
            "7: attach.epoch: is missing");
  EXPECT_EQ(RefusalOf(kLeast + "insecure: true\nattach: {mode: reader}\n"),
            "7: attach.mode: a reader wants an overlay.directory");
  EXPECT_EQ(RefusalOf(kLeast + "insecure: true\nattach: {mode: owner}\n"),
            "7: attach.mode: one of these is wanted: writer, reader");
  EXPECT_EQ(RefusalOf(kLeast + "insecure: true\nowner: {uid: 4294967295}\n"),
            "7: owner.uid: is no user or group");
  EXPECT_EQ(RefusalOf("mount: relative\n"), "1: mount: an absolute path is wanted");
}

TEST(Config, TheExampleIsGood) {
  const auto config = LoadConfig(EXAMPLE_CONFIG);
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->nodes.size(), 6U);
}

}  // namespace
}  // namespace sextant::volume::server
