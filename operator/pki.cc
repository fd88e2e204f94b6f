#include "operator/pki.h"

#include "sextant/openssl_ptr.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <format>
#include <stdexcept>

namespace sextant::op {
namespace {

using Key = OpensslPtr<EVP_PKEY, EVP_PKEY_free>;
using Certificate = OpensslPtr<X509, X509_free>;
using Bio = OpensslPtr<BIO, BIO_free>;
using Extension = OpensslPtr<X509_EXTENSION, X509_EXTENSION_free>;

// Within this file only.
struct PkiError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] void Fail(const char* what) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  throw PkiError(std::format("{}: {}", what, reason.data()));
}

template <class T>
T Require(T value, const char* what) {
  if (!value) {
    Fail(what);
  }
  return value;
}

Bio ReadOnly(const std::string& text) {
  return Bio(Require(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), "read PEM"));
}

template <class Write>
std::string ToPem(const Write& write) {
  const Bio bio(Require(BIO_new(BIO_s_mem()), "write PEM"));
  Require(write(bio.get()), "write PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

KeyPair ToPem(X509* certificate, EVP_PKEY* key) {
  return {.certificate = ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); }),
          .key = ToPem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

void AddExtension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(
      Require(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()), "make an extension"));
  Require(X509_add_ext(certificate, extension.get(), -1), "add an extension");
}

// A common name has 64 characters at most; nobody reads ours but people.
Certificate NewCertificate(EVP_PKEY* key, const std::string& common_name,
                           std::chrono::seconds life) {
  Certificate certificate(Require(X509_new(), "make a certificate"));
  std::array<unsigned char, 16> serial{};
  Require(RAND_bytes(serial.data(), serial.size()) == 1, "make a serial number");
  serial[0] &= 0x7f;  // serial numbers are positive
  const OpensslPtr<BIGNUM, BN_free> number(BN_bin2bn(serial.data(), serial.size(), nullptr));
  Require(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get())),
          "number a certificate");
  Require(X509_set_version(certificate.get(), X509_VERSION_3), "make a certificate");
  // Clocks of nodes differ.
  Require(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600), "date a certificate");
  Require(X509_gmtime_adj(X509_getm_notAfter(certificate.get()), life.count()),
          "date a certificate");
  Require(X509_set_pubkey(certificate.get(), key), "make a certificate");
  const std::string name = common_name.substr(0, 64);
  Require(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(name.data()),
                                     static_cast<int>(name.size()), -1, 0),
          "name a certificate");
  return certificate;
}

std::string AlternativeNames(const LeafRequest& request) {
  std::string names;
  const auto add = [&names](std::string_view kind, const std::string& name) {
    names += std::format("{}{}:{}", names.empty() ? "" : ",", kind, name);
  };
  for (const std::string& host : request.hosts) {
    add("DNS", host);
  }
  for (const std::string& uri : request.uris) {
    add("URI", uri);
  }
  return names;
}

Key MakeKey() { return Key(Require(EVP_EC_gen("P-256"), "make a key")); }

KeyPair Authority(const std::string& common_name) {
  const Key key = MakeKey();
  const Certificate certificate = NewCertificate(key.get(), common_name, kAuthorityLife);
  X509* own = certificate.get();
  Require(X509_set_issuer_name(own, X509_get_subject_name(own)), "name an issuer");
  AddExtension(own, own, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  AddExtension(own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(own, own, NID_subject_key_identifier, "hash");
  Require(X509_sign(own, key.get(), EVP_sha256()), "sign a certificate");
  return ToPem(own, key.get());
}

KeyPair Leaf(const KeyPair& authority, const LeafRequest& request) {
  const Certificate issuer(
      Require(PEM_read_bio_X509(ReadOnly(authority.certificate).get(), nullptr, nullptr, nullptr),
              "read the authority's certificate"));
  const Key issuer_key(
      Require(PEM_read_bio_PrivateKey(ReadOnly(authority.key).get(), nullptr, nullptr, nullptr),
              "read the authority's key"));
  const Key key = MakeKey();
  const Certificate certificate = NewCertificate(key.get(), request.common_name, kLeafLife);
  X509* own = certificate.get();
  Require(X509_set_issuer_name(own, X509_get_subject_name(issuer.get())), "name an issuer");
  AddExtension(own, issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(own, issuer.get(), NID_key_usage, "critical,digitalSignature");
  AddExtension(own, issuer.get(), NID_ext_key_usage,
               request.hosts.empty() ? "clientAuth" : "serverAuth,clientAuth");
  AddExtension(own, issuer.get(), NID_subject_key_identifier, "hash");
  AddExtension(own, issuer.get(), NID_authority_key_identifier, "keyid");
  if (const std::string names = AlternativeNames(request); !names.empty()) {
    AddExtension(own, issuer.get(), NID_subject_alt_name, names);
  }
  Require(X509_sign(own, issuer_key.get(), EVP_sha256()), "sign a certificate");
  return ToPem(own, key.get());
}

template <class Make>
auto Catch(const Make& make) -> std::expected<decltype(make()), std::string> {
  try {
    ERR_clear_error();
    return make();
  } catch (const PkiError& error) {
    return std::unexpected(error.what());
  }
}

std::optional<kube::Time> ToTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return std::nullopt;
  }
  return kube::Time(std::chrono::seconds(timegm(&parts)));
}

}  // namespace

std::expected<KeyPair, std::string> MakeAuthority(const std::string& common_name) {
  return Catch([&] { return Authority(common_name); });
}

std::expected<KeyPair, std::string> MakeLeaf(const KeyPair& authority, const LeafRequest& request) {
  return Catch([&] { return Leaf(authority, request); });
}

std::optional<ValidTime> ReadValidTime(const std::string& certificate) {
  const Bio bio(BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size())));
  const Certificate parsed(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (parsed == nullptr) {
    return std::nullopt;
  }
  const auto begin = ToTime(X509_get0_notBefore(parsed.get()));
  const auto end = ToTime(X509_get0_notAfter(parsed.get()));
  if (!begin || !end) {
    return std::nullopt;
  }
  return ValidTime{.begin = *begin, .end = *end};
}

std::expected<std::string, std::string> MakePassword() {
  return Catch([] {
    constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::string password;
    while (password.size() < 32) {
      unsigned char byte = 0;
      Require(RAND_bytes(&byte, 1) == 1, "make a password");
      if (byte < 4 * kLetters.size()) {  // each letter as likely as any other
        password += kLetters[byte % kLetters.size()];
      }
    }
    return password;
  });
}

}  // namespace sextant::op
