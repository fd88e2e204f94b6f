#include "cli/words.h"

#include <algorithm>
#include <array>
#include <format>

namespace sextant::cli {

std::string Duration(std::chrono::microseconds time) {
  using namespace std::chrono;
  const auto s = std::max<std::int64_t>(0, duration_cast<seconds>(time).count());
  if (s < 120) return std::format("{}s", s);
  if (s < 3600) return std::format("{}m", s / 60);
  if (s < 86400) return std::format("{}h{}m", s / 3600, s / 60 % 60);
  return std::format("{}d", s / 86400);
}

std::string Milliseconds(std::int64_t ms) {
  if (ms < 1000) return std::format("{} ms", ms);
  return std::format("{:.1f} s", static_cast<double>(ms) / 1000);
}

std::string Bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return std::format("{} B", bytes);
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < kUnits.size(); ++unit) amount /= 1024;
  return std::format("{:.1f} {}", amount, kUnits.at(unit));
}

std::string Shortened(std::string_view text, std::size_t columns) {
  if (text.size() <= columns) return std::string(text);
  return std::string(text.substr(0, columns - 1)) + "…";
}

std::string Table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += std::format("  {:<{}}", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace sextant::cli
