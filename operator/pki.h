// A cluster's own certificate authority and the certificates that it signs, by OpenSSL.
//
// All keys are P-256. The authority lives ten years, leaves ninety days; they are made anew when a
// third of that is left. Nothing here throws; errors have OpenSSL's words. Any thread.
#pragma once

#include "operator/pki_request.h"
#include "sextant/kube/time.h"

#include <chrono>
#include <expected>
#include <optional>
#include <string>

namespace sextant::op {

inline constexpr auto kAuthorityLife = std::chrono::days(3650);
inline constexpr auto kLeafLife = std::chrono::days(90);

// A certificate and its private key, both PEM.
struct KeyPair {
  std::string certificate;
  std::string key;
};

[[nodiscard]] std::expected<KeyPair, std::string> MakeAuthority(const std::string& common_name);
// Signed by the authority, for both ends of a connection.
[[nodiscard]] std::expected<KeyPair, std::string> MakeLeaf(const KeyPair& authority,
                                                           const LeafRequest& request);

struct ValidTime {
  kube::Time begin;
  kube::Time end;
};

// Of the first certificate in the text; nothing when there is none.
[[nodiscard]] std::optional<ValidTime> ReadValidTime(const std::string& certificate);

// Letters and digits, about 190 bits.
[[nodiscard]] std::expected<std::string, std::string> MakePassword();

}  // namespace sextant::op
