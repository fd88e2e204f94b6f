#include "kube/client/tls.h"

#include "tests/support/certificates.h"

#include <gtest/gtest.h>

namespace sextant::kube {
namespace {

using testing::CertificateAuthority;
using testing::KeyPair;

class TlsTest : public ::testing::Test {
 protected:
  Config Good() const {
    Config config{.server = "https://example"};
    config.authority = authority_.Certificate();
    config.client_certificate = client_.certificate;
    config.client_key = client_.private_key;
    return config;
  }

  static std::string Refusal(const Config& config) {
    const auto checked = CheckTlsMaterial(config);
    if (checked) return "accepted";
    EXPECT_EQ(checked.error().code, ErrorCode::kConfig);
    return checked.error().message;
  }

  CertificateAuthority authority_{"authority"};
  KeyPair client_ = authority_.Issue({.common_name = "client"});
};

TEST_F(TlsTest, GoodMaterialPasses) {
  EXPECT_EQ(Refusal(Good()), "accepted");
  Config config = Good();
  config.authority += "\n# comment\n" + CertificateAuthority("second").Certificate();
  config.client_certificate.clear();
  config.client_key.clear();
  EXPECT_EQ(Refusal(config), "accepted");
}

TEST_F(TlsTest, WhatIsNoPemIsRefused) {
  Config config = Good();
  config.authority = "garbage";
  EXPECT_EQ(Refusal(config), "the certificate authority is no PEM certificate");
  config.authority = "";
  EXPECT_EQ(Refusal(config), "the certificate authority is no PEM certificate");
  config = Good();
  config.authority += "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(Refusal(config), "the certificate authority holds a damaged PEM certificate");
  config = Good();
  config.client_certificate = "garbage";
  EXPECT_EQ(Refusal(config), "the client certificate is no PEM certificate");
  config = Good();
  config.client_key = "garbage";
  EXPECT_EQ(Refusal(config), "the client key is no PEM key, or it is encrypted");
}

TEST_F(TlsTest, KeyOfAnotherCertificateIsRefused) {
  Config config = Good();
  config.client_key = testing::GenerateSigningKey().private_key;
  EXPECT_EQ(Refusal(config), "the client key does not belong to the client certificate");
}

TEST_F(TlsTest, ExpiredClientCertificateIsRefusedWithItsDate) {
  const KeyPair expired = authority_.Issue(
      {.common_name = "client"}, {.begin = std::chrono::hours(-2), .end = std::chrono::hours(-1)});
  Config config = Good();
  config.client_certificate = expired.certificate;
  config.client_key = expired.private_key;
  EXPECT_TRUE(Refusal(config).starts_with("the client certificate has expired on "))
      << Refusal(config);
}

}  // namespace
}  // namespace sextant::kube
