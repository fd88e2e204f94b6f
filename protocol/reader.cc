#include "sextant/protocol/reader.h"

#include "sextant/protocol/crc32c.h"

#include <algorithm>
#include <tuple>

namespace sextant::protocol {

PageReader::PageReader(const ReaderOptions& options, std::vector<MemberPlace> members)
    : options_(options), members_(std::move(members)) {}

void PageReader::SetMembers(std::vector<MemberPlace> members) { members_ = std::move(members); }

std::uint64_t PageReader::Read(BranchId branch, const PageId& page, const Position& at, Time now,
                               Effects& out) {
  const std::uint64_t request = next_request_++;
  Running& running = reads_[request];
  running.request = {.request = request, .branch = branch, .page = page, .at = at};
  NewRound(running);
  AskNext(running, now, out);
  return request;
}

// Near before far; those known to be behind last, because they may have moved since.
void PageReader::NewRound(Running& running) {
  const auto rank = [&](const MemberPlace& place) {
    const auto scl = scls_.find(place.member);
    return std::tuple(scl != scls_.end() && scl->second < running.request.at.lsn, place.distance);
  };
  std::vector<MemberPlace> places = members_;
  std::ranges::stable_sort(places, {}, rank);
  running.untried.clear();
  for (const MemberPlace& place : places) {
    running.untried.insert(running.untried.begin(), place.member);
  }
  running.waiting = 0;
  running.collected = false;
}

void PageReader::AskNext(Running& running, Time now, Effects& out) {
  if (running.untried.empty()) {
    running.deadline = now + options_.retry_after;
    return;
  }
  out.Send(running.untried.back(), running.request);
  running.untried.pop_back();
  ++running.waiting;
  running.deadline = now + options_.hedge_after;
}

Effects PageReader::Receive(const MemberId& from, const PageRead& answer, Time now) {
  Effects out;
  scls_[from] = std::max(scls_[from], answer.scl);
  const auto found = reads_.find(answer.request);
  if (found == reads_.end()) {
    return out;  // another member was faster
  }
  Running& running = found->second;
  if (answer.status == ReadStatus::kOk && Crc32c(answer.bytes) == answer.checksum) {
    results_.push_back({answer.request, from, PageVersion{answer.version, answer.bytes}});
    reads_.erase(found);
    return out;
  }
  running.collected |= answer.status == ReadStatus::kCollected;
  running.waiting -= std::min<std::size_t>(running.waiting, 1);
  if (running.untried.empty() && running.waiting == 0 && running.collected) {
    results_.push_back({answer.request, from, std::unexpected(ReadError::kCollected)});
    reads_.erase(found);
    return out;
  }
  if (!running.untried.empty()) {
    AskNext(running, now, out);
  }
  return out;
}

Effects PageReader::OnTimer(Time now) {
  Effects out;
  for (auto& [request, running] : reads_) {
    if (now >= running.deadline) {
      if (running.untried.empty()) {
        NewRound(running);
      }
      AskNext(running, now, out);
    }
  }
  return out;
}

Time PageReader::next_timer() const {
  Time next = Time::max();
  for (const auto& [request, running] : reads_) {
    next = std::min(next, running.deadline);
  }
  return next;
}

std::vector<ReadResult> PageReader::TakeResults() {
  std::vector<ReadResult> results;
  results.swap(results_);
  return results;
}

PinKeeper::PinKeeper(BranchId branch, const Uuid& pin, Lsn lsn, Time lease,
                     const Configuration& configuration)
    : branch_(branch), pin_(pin), lsn_(lsn), lease_(lease), configuration_(configuration) {}

Effects PinKeeper::OnTimer(Time now) {
  Effects out;
  next_timer_ = now + std::max(lease_ / 4, Time(std::chrono::milliseconds(10)));
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
  claim.until = answer.accepted ? std::optional(claim.asked + lease_) : std::nullopt;
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
