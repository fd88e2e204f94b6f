// A client whose connections or credentials go while it lives.
#include "tests/integration/kube/client/client_fixture.h"
#include "tests/support/temporary_directory.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>

namespace sextant::kube {
namespace {

class ClientConnectionTest : public ClientTest {
 protected:
  // Who the server takes us for.
  static std::string WhoAmI(Transport& transport) {
    const Json review = {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}};
    const auto response =
        transport.Send({.method = Method::kPost,
                        .target = "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                        .body = review.dump(),
                        .idempotent = false},
                       std::chrono::steady_clock::now() + std::chrono::seconds(20), {});
    if (!response) return ToString(response.error());
    return std::string(FindString(Json::parse(response->body), {"status", "userInfo", "username"}));
  }
};

// All kept connections are closed by a restart; no call that may be executed twice notices.
TEST_F(ClientConnectionTest, CallsAfterARestartOfTheServerSucceedTheFirstTime) {
  CreateMap("kept", {{"key", "1"}});
  CreateMap("gone");
  Server().Kill();
  Server().Start();
  EXPECT_TRUE(client_->Patch(Map("kept"), MergePatch({{"data", {{"key", "2"}}}})));

  Server().Kill();
  Server().Start();
  EXPECT_TRUE(client_->Delete(Map("gone")));
  EXPECT_EQ(FindString(Must(client_->Get(Map("kept"))), {"data", "key"}), "2");
}

TEST_F(ClientConnectionTest, RenewedClientCertificateIsUsed) {
  const auto issue = [](const std::string& name) {
    return Server().Authority().Issue({.common_name = name, .organization = "system:masters"});
  };
  const testing::KeyPair first = issue("first");
  const testing::TemporaryDirectory directory;
  auto config = LoadKubeconfig(Server().Kubeconfig());
  ASSERT_TRUE(config) << config.error().message;
  config->client_certificate = first.certificate;
  config->client_key = first.private_key;
  config->client_certificate_file = directory.Write("tls.crt", first.certificate);
  config->client_key_file = directory.Write("tls.key", first.private_key);
  const auto transport =
      MakeTransport(*config, {.credentials_max_age = std::chrono::milliseconds(0)});
  ASSERT_TRUE(transport) << transport.error().message;
  EXPECT_EQ(WhoAmI(**transport), "first");

  const testing::KeyPair second = issue("second");
  (void)directory.Write("tls.crt", second.certificate);
  EXPECT_EQ(WhoAmI(**transport), "first") << "the key has not come yet";
  (void)directory.Write("tls.key", second.private_key);
  EXPECT_EQ(WhoAmI(**transport), "second");
}

}  // namespace
}  // namespace sextant::kube
