#pragma once

#include "sextant/net/tls.h"
#include "tests/support/certificates.h"
#include "tests/support/temporary_directory.h"

#include <stdexcept>

namespace sextant::net::testing {

// The files of a certificate, for as long as this lives.
class CertificateFiles {
 public:
  CertificateFiles(const sextant::testing::CertificateAuthority& authority,
                   const sextant::testing::Subject& subject,
                   sextant::testing::Validity validity = {}) {
    Replace(authority, subject, validity);
  }

  void Replace(const sextant::testing::CertificateAuthority& authority,
               const sextant::testing::Subject& subject, sextant::testing::Validity validity = {}) {
    const auto issued = authority.Issue(subject, validity);
    files_ = {.ca = directory_.Write("ca.pem", authority.Certificate()),
              .certificate = directory_.Write("certificate.pem", issued.certificate),
              .key = directory_.Write("key.pem", issued.private_key)};
  }

  [[nodiscard]] const TlsFiles& files() const { return files_; }
  [[nodiscard]] std::shared_ptr<Credentials> Load() const {
    auto loaded = Credentials::Load(files_);
    if (!loaded) {
      throw std::runtime_error(loaded.error());
    }
    return std::move(*loaded);
  }

 private:
  sextant::testing::TemporaryDirectory directory_;
  TlsFiles files_;
};

}  // namespace sextant::net::testing
