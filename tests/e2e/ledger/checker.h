// Judges a history: what a database promised, did it keep?
#pragma once

#include "tests/e2e/ledger/history.h"

#include <string>
#include <vector>

namespace sextant::ledger {

struct Gap {
  Microseconds start = 0;  // the last success before
  Microseconds length = 0;
};

struct Verdict {
  // What must not be. Each line names rows; at most kMostFindings of a kind.
  std::vector<std::string> findings;
  std::int64_t acknowledged = 0;
  std::int64_t unknown = 0;       // not answered …
  std::int64_t unknown_kept = 0;  // … and yet there
  std::int64_t reads = 0;
  Gap writes_stood;      // the longest time without an acknowledged write, of all clients together
  Gap reads_stood;       // the same of reads
  Microseconds lag = 0;  // the oldest that a reader's answer was: acknowledged before, not in it
  Microseconds median = 0;  // of an acknowledged write

  [[nodiscard]] bool Holds() const { return findings.empty(); }
};

constexpr std::size_t kMostFindings = 10;

// The rules:
//  - each acknowledged row is there at the end, and each row that is there was sent;
//  - no row is there twice, none differs from what was written;
//  - in one session, a reader never goes back;
//  - a reader sees only what was sent, and what it saw is there at the end.
[[nodiscard]] Verdict Check(const History& history);

// A few lines for people.
[[nodiscard]] std::string ToText(const Verdict& verdict);

}  // namespace sextant::ledger
