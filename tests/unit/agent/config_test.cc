#include "agent/config.h"

#include <gmock/gmock.h>

namespace sextant::agent {
namespace {

using ::testing::HasSubstr;

constexpr const char* kGood = R"(
instance: orders-12
engine: {type: mariadb, parameters: {max_connections: "50"}}
data: /sextant/mnt/data
volume: /sextant/run/volume.sock
run: /sextant/run
listen: 0.0.0.0:8443
http: 0.0.0.0:8081
tls: {ca: /tls/ca.crt, certificate: /tls/tls.crt, key: /tls/tls.key}
server_tls: {ca: /server/ca.crt, certificate: /server/tls.crt, key: /server/tls.key}
memory: 2GiB
database: {name: shop, owner: clerk}
secrets: /etc/sextant/secrets
writer_service: {host: orders-rw.shop.svc, port: 3306}
)";

std::string With(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const auto at = text.find(from);
  return at == std::string::npos ? "" : text.replace(at, from.size(), to);
}

TEST(Config, IsRead) {
  const auto config = ParseConfig(kGood);
  ASSERT_TRUE(config) << config.error();
  EXPECT_EQ(config->engine, EngineType::kMariadb);
  EXPECT_EQ(config->ordinal(), 12);
  EXPECT_EQ(config->parameters, Parameters({{"max_connections", "50"}}));
  EXPECT_EQ(config->memory, std::uint64_t{2} << 30);
  EXPECT_EQ(config->owner, "clerk");
  EXPECT_EQ(config->writer_service.port, 3306);
  EXPECT_FALSE(config->local_directory);
}

TEST(Config, TheExampleIsRead) {
  const auto config = LoadConfig(EXAMPLE_CONFIG);
  EXPECT_TRUE(config) << config.error();
}

TEST(Config, NamesWhatIsWrong) {
  const std::pair<std::string, const char*> cases[] = {
      {With("orders-12", "orders"), "instance"},
      {With("orders-12", "orders-0"), "instance"},
      {With("mariadb", "oracle"), "engine.type"},
      {With("type: mariadb, ", ""), "engine.type: is missing"},
      {With("memory: 2GiB", "memory: 2MiB"), "memory"},
      {With("memory", "memoria"), "memoria: there is no such key"},
      {With("port: 3306", "port: 70000"), "writer_service.port"},
      {With("data: /sextant/mnt/data", "data: mnt"), "data: an absolute path"},
      {With("key: /tls/tls.key", "cert: /x"), "tls.key: is missing"},
  };
  for (const auto& [text, what] : cases) {
    const auto config = ParseConfig(text);
    ASSERT_FALSE(config) << what;
    EXPECT_THAT(config.error(), HasSubstr(what));
  }
}

}  // namespace
}  // namespace sextant::agent
