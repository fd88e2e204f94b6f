#include "tests/e2e/ledger/history.h"

#include <algorithm>
#include <array>
#include <format>
#include <optional>
#include <sstream>

namespace sextant::ledger {
namespace {

constexpr std::array<std::string_view, 3> kOutcomes{"acknowledged", "unknown", "refused"};

std::optional<Outcome> OutcomeOf(std::string_view word) {
  const auto* const found = std::ranges::find(kOutcomes, word);
  if (found == kOutcomes.end()) return std::nullopt;
  return static_cast<Outcome>(found - kOutcomes.begin());
}

bool ParseWrite(std::istream& line, History& history) {
  Write write;
  std::string outcome;
  if (!(line >> write.client >> write.sequence >> write.start >> write.end >> outcome))
    return false;
  const std::optional<Outcome> known = OutcomeOf(outcome);
  if (!known) return false;
  write.outcome = *known;
  std::getline(line >> std::ws, write.why);
  history.writes.push_back(std::move(write));
  return true;
}

bool ParseRead(std::istream& line, History& history) {
  Read read;
  if (!(line >> read.session >> read.start >> read.end)) return false;
  for (std::int64_t newest = 0; line >> newest;) read.newest.push_back(newest);
  if (!line.eof()) return false;
  history.reads.push_back(std::move(read));
  return true;
}

bool ParseRange(std::istream& line, History& history) {
  Range range;
  if (!(line >> range.client >> range.first >> range.last) || range.last < range.first)
    return false;
  history.present.push_back(range);
  return true;
}

bool ParseRow(std::istream& line, std::vector<Row>& rows) {
  Row row;
  if (!(line >> row.client >> row.sequence)) return false;
  rows.push_back(row);
  return true;
}

bool ParseLine(const std::string& text, History& history) {
  std::istringstream line(text);
  std::string kind;
  line >> kind;
  if (kind == "w") return ParseWrite(line, history);
  if (kind == "r") return ParseRead(line, history);
  if (kind == "f") return ParseRange(line, history);
  if (kind == "d") return ParseRow(line, history.repeated);
  if (kind == "x") return ParseRow(line, history.damaged);
  if (kind == "e") history.complete = true;
  return true;
}

}  // namespace

std::string ToLine(const Write& write) {
  return std::format("w {} {} {} {} {}{}{}", write.client, write.sequence, write.start, write.end,
                     kOutcomes.at(static_cast<std::size_t>(write.outcome)),
                     write.why.empty() ? "" : " ", write.why);
}

std::string ToLine(const Read& read) {
  std::string line = std::format("r {} {} {}", read.session, read.start, read.end);
  for (const std::int64_t newest : read.newest) line += std::format(" {}", newest);
  return line;
}

std::string ToLine(const Range& range) {
  return std::format("f {} {} {}", range.client, range.first, range.last);
}

std::expected<History, std::string> ParseHistory(std::string_view text) {
  History history;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string line(text.substr(0, end));
    ++number;
    if (!ParseLine(line, history)) return std::unexpected(std::format("line {}: {}", number, line));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return history;
}

}  // namespace sextant::ledger
