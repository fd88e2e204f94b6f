// What a ledger's clients saw, as lines of text: one event a line, in the order of their ends.
//
//   w CLIENT SEQUENCE START END acknowledged|unknown|refused [WHY]   a row that was written
//   r SESSION START END NEWEST…    what a reader saw: of each client the newest row, -1 for none
//   c TIME WHY                     a connection that could not be made
//   f CLIENT FIRST LAST            at the end: rows that are there, as ranges
//   d CLIENT SEQUENCE COUNT        at the end: a row that is there more than once
//   x CLIENT SEQUENCE              at the end: a row whose payload is not what was written
//   e                              the end: the final read was complete
//
// Times are microseconds since the program began, by one monotonic clock.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::ledger {

using Microseconds = std::int64_t;

enum class Outcome {
  kAcknowledged,  // must be there
  kUnknown,       // sent, but not answered: may be there
  kRefused,       // never sent, or the server said no: must not be there
};

struct Write {
  int client = 0;
  std::int64_t sequence = 0;
  Microseconds start = 0;
  Microseconds end = 0;
  Outcome outcome = Outcome::kUnknown;
  std::string why = {};
};

struct Read {
  int session = 0;  // a connection; another one may be to another instance
  Microseconds start = 0;
  Microseconds end = 0;
  std::vector<std::int64_t> newest;  // by client
};

struct Range {
  int client = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

struct Row {
  int client = 0;
  std::int64_t sequence = 0;
};

struct History {
  std::vector<Write> writes;
  std::vector<Read> reads;
  std::vector<Range> present;
  std::vector<Row> repeated;
  std::vector<Row> damaged;
  bool complete = false;  // the final read was made
};

[[nodiscard]] std::string ToLine(const Write& write);
[[nodiscard]] std::string ToLine(const Read& read);
[[nodiscard]] std::string ToLine(const Range& range);

// Reads the lines; those of other kinds (c, #, empty) are passed over. The error names the line.
[[nodiscard]] std::expected<History, std::string> ParseHistory(std::string_view text);

}  // namespace sextant::ledger
