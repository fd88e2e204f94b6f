// Configuration from files.
#include "sextant/kube/config.h"

#include "kube/client/tls_source.h"
#include "kube/client/token_source.h"
#include "sextant/kube/base64.h"
#include "tests/support/certificates.h"
#include "tests/support/mock_transport.h"
#include "tests/support/temporary_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <format>
#include <memory>
#include <string>

namespace sextant::kube {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;

TEST(InClusterConfigTest, ServiceAccountOfAPod) {
  const TemporaryDirectory directory;
  (void)directory.Write("ca.crt", "the authority");
  (void)directory.Write("token", "t");
  (void)directory.Write("namespace", "shop\n");
  const auto config =
      LoadInClusterConfig({.directory = directory.Path(), .host = "10.96.0.1", .port = "443"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://10.96.0.1:443");
  EXPECT_EQ(config->authority, "the authority");
  EXPECT_EQ(config->token_file, directory.Path() / "token");
  EXPECT_EQ(config->default_namespace, "shop");
  const auto six =
      LoadInClusterConfig({.directory = directory.Path(), .host = "fd00::1", .port = "443"});
  EXPECT_EQ(six->server, "https://kubernetes.default.svc:443");
}

TEST(InClusterConfigTest, OutsideACluster) {
  const TemporaryDirectory directory;
  const auto nowhere = LoadInClusterConfig({.directory = directory.Path(), .host = "", .port = ""});
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().message, HasSubstr("not in a cluster"));
  const auto no_files =
      LoadInClusterConfig({.directory = directory.Path(), .host = "10.96.0.1", .port = "443"});
  ASSERT_FALSE(no_files);
  EXPECT_EQ(no_files.error().code, ErrorCode::kConfig);
  EXPECT_THAT(no_files.error().message, HasSubstr("ca.crt: No such file or directory"));
}

TEST(KubeconfigFileTest, FilesAreRelativeToIt) {
  const TemporaryDirectory directory;
  (void)directory.Write("ca.crt", "the authority");
  const auto kubeconfig = directory.Write("config", R"(
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://x", certificate-authority: ca.crt}}]
users: [{name: u, user: {tokenFile: token}}]
)");
  const auto config = LoadKubeconfig(kubeconfig);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->authority, "the authority");
  EXPECT_EQ(config->authority_file, directory.Path() / "ca.crt");
  EXPECT_EQ(config->token_file, directory.Path() / "token");

  std::filesystem::remove(directory.Path() / "ca.crt");
  EXPECT_THAT(LoadKubeconfig(kubeconfig).error().message, HasSubstr("ca.crt"));
  EXPECT_THAT(LoadKubeconfig(directory.Path() / "none").error().message, HasSubstr("none"));
}

TEST(TokenSourceTest, RenewedTokenIsReadWhenTheOldOneIsOldEnough) {
  const TemporaryDirectory directory;
  Config config;
  config.token_file = directory.Write("token", "first\n");
  const auto clock = std::make_shared<testing::ManualClock>();
  constexpr auto kMaxAge = std::chrono::minutes(1);
  TokenSource source(config, clock, kMaxAge);
  EXPECT_EQ(source.Token(), "first");
  (void)directory.Write("token", "second\n");
  EXPECT_EQ(source.Token(), "first");
  clock->Advance(kMaxAge);
  EXPECT_EQ(source.Token(), "second");
  std::filesystem::remove(*config.token_file);
  clock->Advance(kMaxAge);
  EXPECT_EQ(source.Token(), "second");
}

TEST(TlsSourceTest, RenewedFilesAreUsedOnceTheyFitTogether) {
  const testing::CertificateAuthority authority("authority");
  const testing::KeyPair first = authority.Issue({.common_name = "client"});
  const testing::KeyPair second = authority.Issue({.common_name = "client"});
  const TemporaryDirectory directory;
  Config config{.server = "https://x"};
  config.authority = authority.Certificate();
  config.authority_file = directory.Write("ca.crt", config.authority);
  config.client_certificate = first.certificate;
  config.client_certificate_file = directory.Write("tls.crt", first.certificate);
  config.client_key = first.private_key;
  config.client_key_file = directory.Write("tls.key", first.private_key);
  const auto clock = std::make_shared<testing::ManualClock>();
  constexpr auto kMaxAge = std::chrono::minutes(1);
  TlsSource source(config, clock, kMaxAge);
  const auto before = source.Current();
  clock->Advance(kMaxAge);
  EXPECT_EQ(source.Current(), before) << "nothing has changed";

  (void)directory.Write("tls.crt", second.certificate);
  clock->Advance(kMaxAge);
  EXPECT_EQ(source.Current(), before) << "the key is still the old certificate's";
  (void)directory.Write("tls.key", second.private_key);
  EXPECT_EQ(source.Current(), before) << "not old enough to be read again";
  clock->Advance(kMaxAge);
  const auto after = source.Current();
  EXPECT_EQ(after->client_certificate, second.certificate);
  EXPECT_EQ(after->client_key, second.private_key);
  EXPECT_EQ(after->authority, config.authority);

  (void)directory.Write("ca.crt", "garbage");
  clock->Advance(kMaxAge);
  EXPECT_EQ(source.Current(), after);
  std::filesystem::remove(*config.authority_file);
  clock->Advance(kMaxAge);
  EXPECT_EQ(source.Current(), after);
}

}  // namespace
}  // namespace sextant::kube
