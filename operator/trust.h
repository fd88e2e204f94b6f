// Whom the processes of a cluster and its clients trust: everything that its certificates were, are
// or will be signed by, so that an authority can be followed by another while all of them talk.
#pragma once

#include <map>
#include <string>

namespace sextant::op {

// Of what stands in NAME-ca: PEM certificates one after another, the one that signs first.
[[nodiscard]] inline std::string TrustBundle(const std::map<std::string, std::string>& authority) {
  std::string bundle;
  for (const char* key : {"ca.crt", "next.crt", "previous.crt"}) {
    if (const auto certificate = authority.find(key); certificate != authority.end()) {
      bundle += certificate->second;
    }
  }
  return bundle;
}

}  // namespace sextant::op
