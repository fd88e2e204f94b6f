#include "tests/support/certificates.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace sextant::testing {
namespace {

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;

X509Ptr Parse(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free};
}

// X509_V_OK when a peer that trusts only `authority` would accept the certificate for that purpose.
int Verify(const std::string& authority, const std::string& certificate, int purpose) {
  const X509Ptr root = Parse(authority);
  const X509Ptr leaf = Parse(certificate);
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(),
                                                                      &X509_STORE_free);
  X509_STORE_add_cert(store.get(), root.get());
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(
      X509_STORE_CTX_new(), &X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

TEST(CertificatesTest, ServerCertificateIsGoodForItsHostsOnly) {
  const CertificateAuthority authority("authority");
  const KeyPair server =
      authority.Issue({.common_name = "server", .hosts = {"127.0.0.1", "storage-0.example"}});
  EXPECT_EQ(Verify(authority.Certificate(), server.certificate, X509_PURPOSE_SSL_SERVER),
            X509_V_OK);
  const X509Ptr certificate = Parse(server.certificate);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "storage-0.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "storage-1.example", 0, 0, nullptr), 0);
}

TEST(CertificatesTest, ClientCertificateIsNoServers) {
  const CertificateAuthority authority("authority");
  const KeyPair client = authority.Issue({.common_name = "client"});
  EXPECT_EQ(Verify(authority.Certificate(), client.certificate, X509_PURPOSE_SSL_CLIENT),
            X509_V_OK);
  EXPECT_EQ(Verify(authority.Certificate(), client.certificate, X509_PURPOSE_SSL_SERVER),
            X509_V_ERR_INVALID_PURPOSE);
}

TEST(CertificatesTest, AnotherAuthorityIsNotTrusted) {
  const CertificateAuthority ours("authority");
  const CertificateAuthority theirs("authority");  // the same name, another key
  const KeyPair client = theirs.Issue({.common_name = "client"});
  EXPECT_NE(Verify(ours.Certificate(), client.certificate, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
}

TEST(CertificatesTest, ExpiredCertificateIsRefused) {
  const CertificateAuthority authority("authority");
  const KeyPair client = authority.Issue(
      {.common_name = "client"}, {.begin = std::chrono::hours(-2), .end = std::chrono::hours(-1)});
  EXPECT_EQ(Verify(authority.Certificate(), client.certificate, X509_PURPOSE_SSL_CLIENT),
            X509_V_ERR_CERT_HAS_EXPIRED);
}

}  // namespace
}  // namespace sextant::testing
