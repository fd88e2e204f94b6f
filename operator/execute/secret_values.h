// Makes a Secret's content: passwords, keys, certificates, and the forms of a login.
#pragma once

#include "operator/observe/observed.h"
#include "operator/pki_request.h"

#include <expected>
#include <map>
#include <string>

namespace sextant::op {

struct SecretValues {
  std::string type;
  std::map<std::string, std::string> data;
};

// From the cluster's Secrets as they are; what is there already (passwords) stays. The error says
// what is missing.
[[nodiscard]] std::expected<SecretValues, std::string> MakeSecretValues(
    const SecretRequest& request, const std::map<std::string, SecretInfo>& secrets,
    const Names& names);

}  // namespace sextant::op
