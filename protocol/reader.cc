#include "sextant/protocol/reader.h"

#include "sextant/protocol/crc32c.h"

#include <algorithm>
#include <tuple>

namespace sextant::protocol {
namespace {

constexpr Time kPinRetry = std::chrono::milliseconds(50);  // until a write quorum holds it

// What a good answer says; none when it is not good after all, or answers something else.
std::optional<ReadValue> ValueOf(const ReadPage&, const PageRead& answer) {
  if (Crc32c(answer.bytes) != answer.checksum) {
    return std::nullopt;
  }
  return PageVersion{answer.version, answer.bytes};
}

std::optional<ReadValue> ValueOf(const ReadMetadata& read, const MetadataRead& answer) {
  if (answer.answer.index() != read.query.index()) {
    return std::nullopt;
  }
  return answer.answer;
}

std::optional<ReadValue> ValueOf(const FindLsn& find, const LsnFound& answer) {
  if (answer.found.lsn > find.at.lsn) {
    return std::nullopt;
  }
  return answer.found;
}

}  // namespace

void LatencyEstimate::Add(Time measured) {
  if (!any_) {
    any_ = true;
    mean_ = measured;
    deviation_ = measured / 2;
    return;
  }
  const Time error = measured - mean_;
  deviation_ += (std::chrono::abs(error) - deviation_) / 4;
  mean_ += error / 8;
}

Reader::Reader(const ReaderOptions& options, std::vector<MemberPlace> members)
    : options_(options), members_(std::move(members)) {}

void Reader::SetMembers(std::vector<MemberPlace> members) { members_ = std::move(members); }

std::uint64_t Reader::Read(ReadRequest request, Time now, Effects& out) {
  const std::uint64_t number = next_request_++;
  Running& running = reads_[number];
  running.at = std::visit(
      [&](auto& read) {
        read.request = number;
        return read.at.lsn;
      },
      request);
  running.request = std::move(request);
  running.patience = options_.retry_after;
  NewRound(running);
  AskNext(running, now, out);
  return number;
}

// Near before far; those known to be behind last, because they may have moved since.
void Reader::NewRound(Running& running) {
  const auto rank = [&](const MemberPlace& place) {
    const auto scl = scls_.find(place.member);
    return std::tuple(scl != scls_.end() && scl->second < running.at, place.distance);
  };
  std::vector<MemberPlace> places = members_;
  std::ranges::stable_sort(places, {}, rank);
  running.untried.clear();
  for (const MemberPlace& place : places) {
    running.untried.insert(running.untried.begin(), place.member);
  }
  running.waiting = 0;
  running.collected = false;
  running.resting = false;
}

void Reader::AskNext(Running& running, Time now, Effects& out) {
  if (running.untried.empty()) {
    running.resting = true;
    running.deadline = now + running.patience;
    // Members that are only slow must not get more to do because of it.
    if (running.waiting > 0) {
      running.patience = std::min(2 * running.patience, options_.longest_retry);
    }
    return;
  }
  std::visit([&](const auto& request) { out.Send(running.untried.back(), request); },
             running.request);
  running.asked.try_emplace(running.untried.back(), now);
  running.untried.pop_back();
  ++running.waiting;
  running.deadline = now + HedgeDelay();
}

Time Reader::HedgeDelay() const {
  return std::max(options_.hedge_after, std::min(latency_.Bound(), options_.longest_hedge));
}

Effects Reader::Receive(const MemberId& from, const Message& message, Time now) {
  Effects out;
  std::visit([&](const auto& alternative) { On(from, alternative, now, out); }, message);
  return out;
}

void Reader::On(const MemberId& from, const PageRead& answer, Time now, Effects& out) {
  OnAnswer<ReadPage>(from, answer, now, out);
}

void Reader::On(const MemberId& from, const MetadataRead& answer, Time now, Effects& out) {
  OnAnswer<ReadMetadata>(from, answer, now, out);
}

void Reader::On(const MemberId& from, const LsnFound& answer, Time now, Effects& out) {
  OnAnswer<FindLsn>(from, answer, now, out);
}

template <class Request>
void Reader::OnAnswer(const MemberId& from, const typename Request::Answer& answer, Time now,
                      Effects& out) {
  scls_[from] = std::max(scls_[from], answer.scl);
  const auto found = reads_.find(answer.request);
  if (found == reads_.end()) {
    return;  // another member was faster
  }
  Running& running = found->second;
  const auto* request = std::get_if<Request>(&running.request);
  if (request != nullptr && answer.status == ReadStatus::kOk) {
    if (auto value = ValueOf(*request, answer)) {
      if (const auto asked = running.asked.find(from); asked != running.asked.end()) {
        latency_.Add(now - asked->second);
      }
      results_.push_back({answer.request, from, std::move(*value)});
      reads_.erase(found);
      return;
    }
  }
  running.collected |= answer.status == ReadStatus::kCollected;
  running.waiting -= std::min<std::size_t>(running.waiting, 1);
  if (running.untried.empty() && running.waiting == 0 && running.collected) {
    results_.push_back({answer.request, from, std::unexpected(ReadError::kCollected)});
    reads_.erase(found);
    return;
  }
  if (!running.untried.empty()) {
    AskNext(running, now, out);
  }
}

Effects Reader::OnTimer(Time now) {
  Effects out;
  for (auto& [number, running] : reads_) {
    if (now >= running.deadline) {
      if (running.resting) {
        NewRound(running);
      }
      AskNext(running, now, out);
    }
  }
  return out;
}

Time Reader::next_timer() const {
  Time next = Time::max();
  for (const auto& [number, running] : reads_) {
    next = std::min(next, running.deadline);
  }
  return next;
}

std::vector<ReadResult> Reader::TakeResults() {
  std::vector<ReadResult> results;
  results.swap(results_);
  return results;
}

PinKeeper::PinKeeper(BranchId branch, const Uuid& pin, Lsn lsn, Time lease,
                     const Configuration& configuration)
    : branch_(branch), pin_(pin), lsn_(lsn), lease_(lease), configuration_(configuration) {}

Effects PinKeeper::OnTimer(Time now) {
  Effects out;
  // What needs no renewal is only said again in case a member has lost it.
  const Time renewal = lease_.count() == 0
                           ? Time(std::chrono::seconds(1))
                           : std::max(lease_ / 4, Time(std::chrono::milliseconds(10)));
  next_timer_ = now + (Held(now) ? renewal : std::min(renewal, kPinRetry));
  for (const MemberId& member : configuration_.All()) {
    Claim& claim = claims_[member];
    if (!claim.waiting) {
      claim.waiting = true;
      claim.asked = now;
    }
    out.Send(member, SetPin{branch_, pin_, lsn_, lease_});
  }
  return out;
}

// The answer may be to any request not answered yet, so the lease is counted from the oldest.
void PinKeeper::Receive(const MemberId& from, const PinSet& answer) {
  Claim& claim = claims_[from];
  if (answer.branch != branch_ || answer.pin != pin_ || !claim.waiting) {
    return;
  }
  claim.waiting = false;
  if (answer.accepted) {
    claim.until = claim.asked + lease_;
  } else if (lease_.count() > 0) {  // else what was taken once is kept, whatever is said later
    claim.until.reset();
  }
}

bool PinKeeper::Held(Time now) const {
  return configuration_.CanWrite([&](const MemberId& member) {
    const auto claim = claims_.find(member);
    return claim != claims_.end() && claim->second.until &&
           (lease_.count() == 0 || now < *claim->second.until);
  });
}

Effects PinKeeper::Drop() {
  Effects out;
  for (const MemberId& member : configuration_.All()) {
    out.Send(member, DropPin{branch_, pin_});
  }
  return out;
}

}  // namespace sextant::protocol
