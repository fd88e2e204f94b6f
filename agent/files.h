// Small files, read and replaced whole.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace sextant::agent {

// At most 1 MiB; the error names the file and says why.
[[nodiscard]] std::expected<std::string, std::string> ReadSmallFile(
    const std::filesystem::path& path);

// By a new file with these permissions, synced and renamed over the old one.
[[nodiscard]] std::expected<void, std::string> ReplaceFile(const std::filesystem::path& path,
                                                           std::string_view content, mode_t mode);

// A secret's first line; the error names the file. Empty counts as an error.
[[nodiscard]] std::expected<std::string, std::string> ReadSecret(const std::filesystem::path& path);

}  // namespace sextant::agent
