#include "tests/e2e/ledger/checker.h"

#include <algorithm>
#include <format>
#include <map>
#include <ranges>

namespace sextant::ledger {
namespace {

class Findings {
 public:
  explicit Findings(std::vector<std::string>& into) : into_(into) {}

  void Add(const std::string& kind, const std::string& what) {
    const std::size_t count = ++counts_[kind];
    if (count <= kMostFindings) into_.push_back(kind + ": " + what);
    if (count == kMostFindings + 1) into_.push_back(kind + ": and more");
  }

 private:
  std::vector<std::string>& into_;
  std::map<std::string, std::size_t> counts_;
};

std::string Named(int client, std::int64_t sequence) {
  return std::format("row {} of client {}", sequence, client);
}

// Rows by client, as disjoint sorted ranges.
class Rows {
 public:
  explicit Rows(const std::vector<Range>& ranges) {
    for (const Range& range : ranges) ranges_[range.client][range.first] = range.last;
  }

  [[nodiscard]] bool Have(int client, std::int64_t sequence) const {
    const auto of_client = ranges_.find(client);
    if (of_client == ranges_.end()) return false;
    const auto after = of_client->second.upper_bound(sequence);
    return after != of_client->second.begin() && std::prev(after)->second >= sequence;
  }

  [[nodiscard]] std::int64_t Count() const {
    std::int64_t count = 0;
    for (const auto& [client, ranges] : ranges_) {
      for (const auto& [first, last] : ranges) count += last - first + 1;
    }
    return count;
  }

 private:
  std::map<int, std::map<std::int64_t, std::int64_t>> ranges_;
};

Gap LongestGap(std::vector<Microseconds> successes) {
  std::ranges::sort(successes);
  Gap longest;
  for (std::size_t i = 1; i < successes.size(); ++i) {
    const Microseconds length = successes[i] - successes[i - 1];
    if (length > longest.length) longest = {.start = successes[i - 1], .length = length};
  }
  return longest;
}

void CheckRows(const History& history, Verdict& verdict, Findings& findings) {
  const Rows rows(history.present);
  std::int64_t sent_and_there = 0;
  for (const Write& write : history.writes) {
    const bool there = rows.Have(write.client, write.sequence);
    sent_and_there += there ? 1 : 0;
    if (write.outcome == Outcome::kAcknowledged) {
      ++verdict.acknowledged;
      if (!there) {
        findings.Add("lost", std::format("{}, acknowledged at {} us",
                                         Named(write.client, write.sequence), write.end));
      }
    } else if (write.outcome == Outcome::kUnknown) {
      ++verdict.unknown;
      verdict.unknown_kept += there ? 1 : 0;
    } else if (there) {
      findings.Add("refused but there", Named(write.client, write.sequence));
    }
  }
  if (rows.Count() != sent_and_there) {
    findings.Add("never sent", std::format("{} rows", rows.Count() - sent_and_there));
  }
  for (const Row& row : history.repeated) findings.Add("twice", Named(row.client, row.sequence));
  for (const Row& row : history.damaged) findings.Add("damaged", Named(row.client, row.sequence));
}

void CheckSessions(const History& history, Findings& findings) {
  std::map<int, const Read*> last;
  for (const Read& read : history.reads) {
    const Read*& before = last[read.session];
    for (std::size_t client = 0; before != nullptr && client < read.newest.size(); ++client) {
      if (client < before->newest.size() && read.newest[client] < before->newest[client]) {
        findings.Add("went back",
                     std::format("session {}, client {}: {} after {}, at {} us", read.session,
                                 client, read.newest[client], before->newest[client], read.start));
      }
    }
    before = &read;
  }
}

// By client: its acknowledged writes in order, and the greatest sequence that it ever sent.
struct Sent {
  std::vector<const Write*> acknowledged;
  std::int64_t greatest = -1;
};

std::map<int, Sent> SentByClient(const History& history) {
  std::map<int, Sent> sent;
  for (const Write& write : history.writes) {
    Sent& of_client = sent[write.client];
    if (write.outcome == Outcome::kAcknowledged) of_client.acknowledged.push_back(&write);
    of_client.greatest = std::max(of_client.greatest, write.sequence);
  }
  for (Sent& of_client : sent | std::views::values) {
    std::ranges::sort(of_client.acknowledged, {}, &Write::sequence);
  }
  return sent;
}

void CheckReads(const History& history, Verdict& verdict, Findings& findings) {
  const std::map<int, Sent> sent = SentByClient(history);
  const Rows rows(history.present);
  for (const Read& read : history.reads) {
    ++verdict.reads;
    for (std::size_t i = 0; i < read.newest.size(); ++i) {
      const auto of_client = sent.find(static_cast<int>(i));
      const std::int64_t greatest = of_client == sent.end() ? -1 : of_client->second.greatest;
      if (read.newest[i] > greatest) {
        findings.Add("read but never sent", Named(static_cast<int>(i), read.newest[i]));
      } else if (read.newest[i] >= 0 && !rows.Have(static_cast<int>(i), read.newest[i])) {
        findings.Add("read and lost", Named(static_cast<int>(i), read.newest[i]));
      }
      if (of_client == sent.end()) continue;
      const auto missing = std::ranges::upper_bound(of_client->second.acknowledged, read.newest[i],
                                                    {}, &Write::sequence);
      if (missing == of_client->second.acknowledged.end()) continue;
      verdict.lag = std::max(verdict.lag, read.start - (*missing)->end);
    }
  }
}

}  // namespace

Verdict Check(const History& history) {
  Verdict verdict;
  Findings findings(verdict.findings);
  if (!history.complete) findings.Add("incomplete", "the rows were not read to their end");
  CheckRows(history, verdict, findings);
  CheckSessions(history, findings);
  CheckReads(history, verdict, findings);

  std::vector<Microseconds> written;
  std::vector<Microseconds> took;
  for (const Write& write : history.writes) {
    if (write.outcome != Outcome::kAcknowledged) continue;
    written.push_back(write.end);
    took.push_back(write.end - write.start);
  }
  if (written.empty()) findings.Add("idle", "no write was ever acknowledged");
  verdict.writes_stood = LongestGap(std::move(written));
  verdict.reads_stood = LongestGap(history.reads | std::views::transform(&Read::end) |
                                   std::ranges::to<std::vector>());
  if (!took.empty()) {
    std::ranges::nth_element(took, took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2));
    verdict.median = took[took.size() / 2];
  }
  return verdict;
}

std::string ToText(const Verdict& verdict) {
  std::string text = std::format(
      "{} writes acknowledged (median {:.1f} ms), {} without an answer, of which {} are there\n"
      "no write for at most {:.2f} s, no read for at most {:.2f} s; readers at most {:.2f} s "
      "behind\n",
      verdict.acknowledged, static_cast<double>(verdict.median) / 1e3, verdict.unknown,
      verdict.unknown_kept, static_cast<double>(verdict.writes_stood.length) / 1e6,
      static_cast<double>(verdict.reads_stood.length) / 1e6,
      static_cast<double>(verdict.lag) / 1e6);
  for (const std::string& finding : verdict.findings) text += finding + '\n';
  return text;
}

}  // namespace sextant::ledger
