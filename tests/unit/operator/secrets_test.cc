#include "operator/resources/secrets.h"

#include "operator/execute/secret_values.h"
#include "operator/pki.h"
#include "sextant/openssl_ptr.h"
#include "tests/unit/operator/observed_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace sextant::op {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Certificate = OpensslPtr<X509, X509_free>;
using Bio = OpensslPtr<BIO, BIO_free>;

Certificate Parse(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

// Whether one who trusts the certificates in `bundle` accepts `leaf`.
bool Trusts(const std::string& bundle, const std::string& leaf) {
  const OpensslPtr<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  const Bio bio(BIO_new_mem_buf(bundle.data(), static_cast<int>(bundle.size())));
  while (const Certificate one{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    X509_STORE_add_cert(store.get(), one.get());
  }
  const Certificate certificate = Parse(leaf);
  const OpensslPtr<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  return X509_verify_cert(context.get()) == 1;
}

class SecretsTest : public ::testing::Test {
 protected:
  SecretsTest() {
    const Render render{.names = cluster_.seen.names,
                        .spec = *cluster_.seen.spec,
                        .zones = cluster_.seen.status.zones,
                        .images = cluster_.seen.images,
                        .uid = cluster_.seen.uid};
    for (const SecretRequest& request : RequestedSecrets(render)) {
      auto values = MakeSecretValues(request, secrets_, cluster_.seen.names);
      EXPECT_TRUE(values.has_value()) << request.name << ": " << values.error();
      secrets_[request.name].data = values->data;
    }
  }

  const std::string& Value(const std::string& secret, const std::string& key) {
    return secrets_.at(secret).data.at(key);
  }

  testing::ObservedCluster cluster_{0};
  std::map<std::string, SecretInfo> secrets_;
};

TEST_F(SecretsTest, LeavesAreSignedByTheAuthorityForTheirHostsAndRoles) {
  for (const char* name :
       {"db-storage-tls", "db-volume-tls", "db-agent-tls", "db-operator-tls", "db-server-tls"}) {
    EXPECT_TRUE(Trusts(Value("db-ca", "ca.crt"), Value(name, "tls.crt"))) << name;
  }
  const Certificate storage = Parse(Value("db-storage-tls", "tls.crt"));
  EXPECT_EQ(X509_check_host(storage.get(), "db-storage-a-0.db-storage.ns.svc", 0, 0, nullptr), 1);
  const Certificate server = Parse(Value("db-server-tls", "tls.crt"));
  for (const char* host :
       {"db-rw", "db-ro.ns", "db-r.ns.svc", "db-rw.ns.svc.cluster.local", "db-1.db-pods.ns.svc"}) {
    EXPECT_EQ(X509_check_host(server.get(), host, 0, 0, nullptr), 1) << host;
  }
}

TEST_F(SecretsTest, ALoginHasEveryFormThatADriverWants) {
  const std::string& password = Value("db-app", "password");
  EXPECT_EQ(password.size(), 32U);
  EXPECT_EQ(Value("db-app", "username"), "app");
  EXPECT_EQ(Value("db-app", "uri"), "postgresql://app:" + password + "@db-rw.ns.svc:5432/app");
  EXPECT_THAT(Value("db-app", "jdbc-uri"), StartsWith("jdbc:postgresql://db-rw.ns.svc:5432/app?"));
  EXPECT_THAT(Value("db-app", "reader-uri"), HasSubstr("@db-ro.ns.svc:5432"));
  EXPECT_THAT(Value("db-app", "pgpass"), StartsWith("db-rw.ns.svc:5432:app:app:"));
}

TEST_F(SecretsTest, ALostLoginComesBackWithTheSamePassword) {
  const std::string password = Value("db-app", "password");
  secrets_.erase("db-app");
  SecretRequest request{.name = "db-app", .kind = SecretKind::kLogin, .hash = "h"};
  request.login = {.user = "app",
                   .password_key = "app-password",
                   .engine = "postgresql",
                   .host = "h",
                   .reader_host = "r",
                   .port = 5432,
                   .database = "app"};
  EXPECT_EQ(MakeSecretValues(request, secrets_, cluster_.seen.names)->data.at("password"),
            password);
}

// One that trusts what it was given before a step talks to one that was signed after it.
TEST_F(SecretsTest, AtEveryStepOfASuccessionOldAndNewTrustEachOther) {
  SecretRequest authority{.name = "db-ca", .kind = SecretKind::kAuthority, .hash = "1"};
  SecretRequest leaf{.name = "db-agent-tls",
                     .kind = SecretKind::kLeaf,
                     .hash = "h",
                     .leaf = {.common_name = "db-agent-tls", .hosts = {}, .uris = {}}};
  const auto make = [this](const SecretRequest& request) {
    auto values = MakeSecretValues(request, secrets_, cluster_.seen.names);
    ASSERT_TRUE(values.has_value()) << values.error();
    secrets_[request.name].data = values->data;
  };
  const std::string first = Value("db-ca", "ca.crt");
  auto before = secrets_.at("db-agent-tls").data;
  for (const AuthorityStep step : {AuthorityStep::kAnnounce, AuthorityStep::kHandOver}) {
    authority.authority = step;
    make(authority);
    make(leaf);
    const auto& after = secrets_.at("db-agent-tls").data;
    EXPECT_TRUE(Trusts(before.at("ca.crt"), after.at("tls.crt")));
    EXPECT_TRUE(Trusts(after.at("ca.crt"), before.at("tls.crt")));
    before = after;
  }
  EXPECT_NE(Value("db-ca", "ca.crt"), first);
  EXPECT_EQ(Value("db-ca", "previous.crt"), first);
  EXPECT_FALSE(secrets_.at("db-ca").data.contains("next.key"));
  EXPECT_FALSE(Trusts(first, Value("db-agent-tls", "tls.crt")));
}

TEST_F(SecretsTest, WithoutItsAuthorityALeafIsAnError) {
  secrets_.erase("db-ca");
  SecretRequest request{.name = "db-agent-tls", .kind = SecretKind::kLeaf, .hash = "h"};
  EXPECT_EQ(MakeSecretValues(request, secrets_, cluster_.seen.names).error(),
            "Secret db-ca has no ca.crt and ca.key");
}

TEST(PkiTest, TellsFromWhenToWhenACertificateIsGood) {
  const auto authority = MakeAuthority("test");
  const auto leaf = MakeLeaf(*authority, {.common_name = "x", .hosts = {"x"}, .uris = {}});
  const auto valid = ReadValidTime(leaf->certificate);
  ASSERT_TRUE(valid.has_value());
  EXPECT_EQ(valid->end - valid->begin, kLeafLife + std::chrono::hours(1));
  EXPECT_FALSE(ReadValidTime("nonsense").has_value());
}

}  // namespace
}  // namespace sextant::op
