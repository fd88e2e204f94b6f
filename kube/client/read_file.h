#pragma once

#include "sextant/kube/error.h"

#include <cstddef>
#include <filesystem>
#include <string>

namespace sextant::kube {

// A whole small file; kConfig, with its name, when it cannot be read or is larger.
[[nodiscard]] Result<std::string> ReadWholeFile(const std::filesystem::path& path,
                                                std::size_t max_bytes);

}  // namespace sextant::kube
