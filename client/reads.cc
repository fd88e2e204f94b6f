#include "client/reads.h"

namespace sextant::client {

using protocol::ReadValue;

void Reads::Start(protocol::ReadRequest request, Time now, Effects& out, Time deadline,
                  Callback<ReadValue> done) {
  const std::uint64_t number = reader_.Read(std::move(request), now, out);
  waiting_.emplace(number, Waiting{deadlines_.emplace(deadline, number), std::move(done)});
}

void Reads::Receive(const MemberId& from, const protocol::Message& message, Time now,
                    Effects& out) {
  Join(out, reader_.Receive(from, message, now));
}

void Reads::SetMembers(const std::vector<protocol::MemberPlace>& members, Time, Effects&) {
  std::vector<protocol::MemberPlace> asked = members;
  if (from_) {
    std::erase_if(asked, [&](const auto& place) { return place.member != *from_; });
  }
  reader_.SetMembers(std::move(asked));
}

void Reads::OnTimer(Time now, Effects& out) {
  if (reader_.next_timer() <= now) {
    Join(out, reader_.OnTimer(now));
  }
}

Time Reads::next_timer() const {
  return std::min(reader_.next_timer(),
                  deadlines_.empty() ? Time::max() : deadlines_.begin()->first);
}

void Reads::TakeCompletions(Time now, Completions& out) {
  for (protocol::ReadResult& result : reader_.TakeResults()) {
    const auto found = waiting_.find(result.request);
    if (found == waiting_.end()) {
      continue;
    }
    Complete(std::move(found->second.done),
             result.value ? Result<ReadValue>(std::move(*result.value))
                          : std::unexpected(
                                Error{ErrorCode::kCollected, "no member keeps that past any more"}),
             out);
    deadlines_.erase(found->second.deadline);
    waiting_.erase(found);
  }
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto found = waiting_.find(deadlines_.begin()->second);
    reader_.Cancel(found->first);
    Complete(std::move(found->second.done),
             Result<ReadValue>(std::unexpected(
                 Error{ErrorCode::kTimeout, "no member answered before the deadline"})),
             out);
    deadlines_.erase(deadlines_.begin());
    waiting_.erase(found);
  }
}

void Reads::Close(Completions& out) {
  for (auto& [number, waiting] : waiting_) {
    reader_.Cancel(number);
    Complete(std::move(waiting.done),
             Result<ReadValue>(std::unexpected(Error{ErrorCode::kClosed, "the client was closed"})),
             out);
  }
  waiting_.clear();
  deadlines_.clear();
}

}  // namespace sextant::client
