#include "tests/support/certificates.h"

#include "sextant/openssl_ptr.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace sextant::testing {
namespace {

using Key = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using X509Ptr = OpensslPtr<X509, X509_free>;
using Bio = OpensslPtr<BIO, BIO_free>;
using Extension = OpensslPtr<X509_EXTENSION, X509_EXTENSION_free>;

[[noreturn]] void Fail(const char* what) {
  char reason[256];
  ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
  throw std::runtime_error(std::string(what) + ": " + reason);
}

template <typename T>
T Require(T value, const char* what) {
  if (!value) Fail(what);
  return value;
}

Key MakeKey() { return Key(Require(EVP_EC_gen("P-256"), "generate a key")); }

template <typename Write>
std::string ToPem(Write write) {
  Bio bio(BIO_new(BIO_s_mem()));
  Require(write(bio.get()), "write PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string KeyPem(EVP_PKEY* key) {
  return ToPem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string CertificatePem(X509* certificate) {
  return ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

void SetName(X509* certificate, const Subject& subject) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto add = [&](const char* field, const std::string& value) {
    if (value.empty()) return;
    Require(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()), -1, 0),
            "name a certificate");
  };
  add("O", subject.organization);
  add("CN", subject.common_name);
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  Extension extension(
      Require(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), "make an extension"));
  Require(X509_add_ext(certificate, extension.get(), -1), "add an extension");
}

// An unsigned certificate with everything that leaves and authorities share.
X509Ptr MakeCertificate(EVP_PKEY* key, const Subject& subject, Validity validity) {
  X509Ptr certificate(Require(X509_new(), "make a certificate"));
  unsigned char serial[8];
  Require(RAND_bytes(serial, sizeof serial) == 1, "make a serial number");
  serial[0] &= 0x7f;  // serial numbers are positive
  const OpensslPtr<BIGNUM, BN_free> number(BN_bin2bn(serial, sizeof serial, nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get()));
  X509_set_version(certificate.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), validity.begin.count());
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validity.end.count());
  X509_set_pubkey(certificate.get(), key);
  SetName(certificate.get(), subject);
  return certificate;
}

bool IsIpAddress(const std::string& host) {
  return OpensslPtr<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>(a2i_IPADDRESS(host.c_str())) !=
         nullptr;
}

std::string AlternativeNames(const Subject& subject) {
  std::string names;
  const auto add = [&](const char* kind, const std::string& name) {
    if (!names.empty()) names += ',';
    names += kind + name;
  };
  for (const std::string& host : subject.hosts) add(IsIpAddress(host) ? "IP:" : "DNS:", host);
  for (const std::string& uri : subject.uris) add("URI:", uri);
  return names;
}

}  // namespace

struct CertificateAuthority::Impl {
  Key key = MakeKey();
  X509Ptr certificate;
  std::string pem;
};

CertificateAuthority::CertificateAuthority(const std::string& common_name)
    : impl_(std::make_unique<Impl>()) {
  impl_->certificate = MakeCertificate(impl_->key.get(), {.common_name = common_name}, {});
  X509* certificate = impl_->certificate.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  AddExtension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(certificate, certificate, NID_subject_key_identifier, "hash");
  Require(X509_sign(certificate, impl_->key.get(), EVP_sha256()), "sign a certificate");
  impl_->pem = CertificatePem(certificate);
}

CertificateAuthority::~CertificateAuthority() = default;

const std::string& CertificateAuthority::Certificate() const { return impl_->pem; }

KeyPair CertificateAuthority::Issue(const Subject& subject, Validity validity) const {
  const Key key = MakeKey();
  const X509Ptr certificate = MakeCertificate(key.get(), subject, validity);
  X509* issuer = impl_->certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  const bool is_server = !subject.hosts.empty();
  AddExtension(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(certificate.get(), issuer, NID_key_usage, "critical,digitalSignature");
  AddExtension(certificate.get(), issuer, NID_ext_key_usage,
               is_server ? "serverAuth,clientAuth" : "clientAuth");
  AddExtension(certificate.get(), issuer, NID_authority_key_identifier, "keyid");
  if (const std::string names = AlternativeNames(subject); !names.empty()) {
    AddExtension(certificate.get(), issuer, NID_subject_alt_name, names);
  }
  Require(X509_sign(certificate.get(), impl_->key.get(), EVP_sha256()), "sign a certificate");
  return {.certificate = CertificatePem(certificate.get()), .private_key = KeyPem(key.get())};
}

SigningKey GenerateSigningKey() {
  const Key key = MakeKey();
  return {.private_key = KeyPem(key.get()),
          .public_key = ToPem([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key.get()); })};
}

}  // namespace sextant::testing
