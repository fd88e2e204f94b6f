// RFC 4648's base64, as Secrets and kubeconfigs carry it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sextant::kube {

[[nodiscard]] std::string EncodeBase64(std::string_view bytes);

// Line breaks are ignored; anything else that is not base64, or is not whole, gives nothing.
[[nodiscard]] std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace sextant::kube
