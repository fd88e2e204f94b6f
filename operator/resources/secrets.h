// Which Secrets a cluster has, and what for.
#pragma once

#include "operator/pki_request.h"
#include "operator/resources/render.h"

namespace sextant::op {

// In the order in which they can be made: the authority first.
[[nodiscard]] std::vector<SecretRequest> RequestedSecrets(const Render& render);

}  // namespace sextant::op
