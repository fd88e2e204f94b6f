// Amounts in words that a person reads at a glance.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::cli {

[[nodiscard]] std::string Duration(std::chrono::microseconds time);  // "45s", "3m", "5h12m", "12d"
[[nodiscard]] std::string Milliseconds(std::int64_t ms);             // "12 ms", "1.4 s"
[[nodiscard]] std::string Bytes(std::int64_t bytes);                 // "512 B", "1.5 GiB"

// The bytes of an uncoloured terminal's line, cut with "…".
[[nodiscard]] std::string Shortened(std::string_view text, std::size_t columns);

// Columns as wide as their widest cell, two spaces between, each row indented by two; the last
// column has no end.
using Row = std::vector<std::string>;
[[nodiscard]] std::string Table(const std::vector<Row>& rows);

}  // namespace sextant::cli
