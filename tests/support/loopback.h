#pragma once

#include <cstdint>
#include <vector>

namespace sextant::testing {

// `count` different TCP ports of 127.0.0.1 that nothing listens on. They are free when this returns
// and nothing keeps them so: whoever starts a server on one must be ready to start it again on
// another. Throws std::system_error.
[[nodiscard]] std::vector<std::uint16_t> FreeLoopbackPorts(int count);

}  // namespace sextant::testing
