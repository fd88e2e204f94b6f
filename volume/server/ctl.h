// The other end of the control socket: `sextant-volume ctl`.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace sextant::volume::server {

// {"attach", "mode=writer", "branch=1"} as a line of JSON: numbers and null are such, the rest is
// text. A single word that begins with { is JSON already.
[[nodiscard]] std::expected<std::string, std::string> MakeCommandLine(
    const std::vector<std::string>& words);

// Sends a line and waits for the answer, a line of at most 64 KiB.
[[nodiscard]] std::expected<std::string, std::string> Ask(const std::filesystem::path& control,
                                                          const std::string& line);

}  // namespace sextant::volume::server
