// Reading pages, metadata and times from the members: one answer is enough, because a position
// names the same bytes everywhere. And keeping the past readable: a pin that a write quorum holds.
#pragma once

#include "sextant/protocol/effects.h"

#include <expected>
#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace sextant::protocol {

struct ReaderOptions {
  // Without an answer, another member is asked too: after as long as answers take at most these
  // days, within these bounds. A fixed time would make busy members busier.
  Time hedge_after = std::chrono::milliseconds(5);
  Time longest_hedge = std::chrono::milliseconds(250);
  Time retry_after = std::chrono::milliseconds(50);  // when no member could answer
  Time longest_retry = std::chrono::seconds(2);  // after rounds in which somebody did not answer
};

// Where a member is, seen from the reader: 0 in its own zone.
struct MemberPlace {
  MemberId member;
  std::uint32_t distance = 0;
};

struct PageVersion {
  Lsn version = 0;
  Bytes bytes;
};

// How long an answer takes: a mean and a mean deviation that follow what was measured (V. Jacobson,
// "Congestion Avoidance and Control", 1988, as RFC 6298 has it).
class LatencyEstimate {
 public:
  void Add(Time measured);
  // What few answers exceed; zero when nothing was measured.
  [[nodiscard]] Time Bound() const { return mean_ + 4 * deviation_; }

 private:
  Time mean_{0};
  Time deviation_{0};
  bool any_ = false;
};

// The alternatives answer those of ReadRequest.
using ReadValue = std::variant<PageVersion, MetadataAnswer, Position>;

enum class ReadError : std::uint8_t { kCollected };  // no member keeps that past any more

struct ReadResult {
  std::uint64_t request = 0;
  MemberId from;
  std::expected<ReadValue, ReadError> value;
};

// Any number of reads at a time. Not thread-safe; a value.
class Reader {
 public:
  Reader(const ReaderOptions& options, std::vector<MemberPlace> members);

  // The members may change at any time; running reads go on with the new ones.
  void SetMembers(std::vector<MemberPlace> members);
  // Gives the request its number and returns it. A read ends only with an answer: give it up with
  // Cancel.
  std::uint64_t Read(ReadRequest request, Time now, Effects& out);
  void Cancel(std::uint64_t request) { reads_.erase(request); }
  // Takes the answers to reads; all other messages are passed over.
  [[nodiscard]] Effects Receive(const MemberId& from, const Message& message, Time now);
  [[nodiscard]] Effects OnTimer(Time now);
  // Time::max() when nothing is read.
  [[nodiscard]] Time next_timer() const;
  // What was finished since the last call.
  [[nodiscard]] std::vector<ReadResult> TakeResults();

 private:
  struct Running {
    ReadRequest request;
    Lsn at = 0;
    std::vector<MemberId> untried;   // best last
    std::map<MemberId, Time> asked;  // first time
    std::size_t waiting = 0;         // asked and not answered in this round
    bool collected = false;
    bool resting = false;  // everybody was asked; the next round begins at the deadline
    Time patience{0};
    Time deadline{0};
  };

  void NewRound(Running& running);
  void AskNext(Running& running, Time now, Effects& out);
  [[nodiscard]] Time HedgeDelay() const;
  template <class Request>
  void OnAnswer(const MemberId& from, const typename Request::Answer& answer, Time now,
                Effects& out);
  void On(const MemberId& from, const PageRead& answer, Time now, Effects& out);
  void On(const MemberId& from, const MetadataRead& answer, Time now, Effects& out);
  void On(const MemberId& from, const LsnFound& answer, Time now, Effects& out);
  template <class Other>
  void On(const MemberId&, const Other&, Time, Effects&) {}

  ReaderOptions options_;
  std::vector<MemberPlace> members_;
  std::map<MemberId, Lsn> scls_;  // as far as answers told
  LatencyEstimate latency_;
  std::map<std::uint64_t, Running> reads_;
  std::uint64_t next_request_ = 1;
  std::vector<ReadResult> results_;
};

// Keeps one LSN readable while it is fed timers.
class PinKeeper {
 public:
  PinKeeper(BranchId branch, const Uuid& pin, Lsn lsn, Time lease,
            const Configuration& configuration);

  [[nodiscard]] Effects OnTimer(Time now);
  [[nodiscard]] Time next_timer() const { return next_timer_; }
  void Receive(const MemberId& from, const PinSet& answer);
  void SetConfiguration(const Configuration& configuration) { configuration_ = configuration; }
  // A write quorum holds the pin, each for the lease counted from when it was asked.
  [[nodiscard]] bool Held(Time now) const;
  [[nodiscard]] Effects Drop();
  [[nodiscard]] Lsn lsn() const { return lsn_; }

 private:
  struct Claim {
    Time asked{0};  // the oldest request that the next answer may be to
    bool waiting = false;
    std::optional<Time> until;
  };

  BranchId branch_;
  Uuid pin_;
  Lsn lsn_;
  Time lease_;
  Configuration configuration_;
  std::map<MemberId, Claim> claims_;
  Time next_timer_{0};
};

}  // namespace sextant::protocol
