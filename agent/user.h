#pragma once

#include <expected>
#include <string>

namespace sextant::agent {

// The name of the user that this process runs as, as engines see it on a Unix socket.
[[nodiscard]] std::expected<std::string, std::string> UserName();

}  // namespace sextant::agent
