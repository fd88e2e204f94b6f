#include "client/membership.h"

namespace sextant::client {
namespace {

constexpr Time kInterval = std::chrono::seconds(1);
constexpr Time kResend = std::chrono::milliseconds(50);  // while somebody waits

}  // namespace

void Membership::Refresh(Time now, Effects& out) {
  statuses_.clear();
  ++request_;
  OnTimer(now, out);
}

void Membership::Spread(const protocol::Configuration& configuration, Time now, Effects& out,
                        Time deadline, Callback<> done) {
  spreading_ = configuration;
  Learn(configuration);
  spread_.Add(configuration.generation, deadline, std::move(done));
  OnTimer(now, out);
}

void Membership::Learn(const protocol::Configuration& configuration) {
  if (configuration.generation > configuration_.generation) {
    configuration_ = configuration;
    news_ = true;
  }
}

std::optional<protocol::Configuration> Membership::TakeConfiguration() {
  return std::exchange(news_, false) ? std::optional(configuration_) : std::nullopt;
}

void Membership::Receive(const MemberId& from, const protocol::Message& message, Time, Effects&) {
  if (const auto* status = std::get_if<protocol::NodeStatus>(&message)) {
    generations_[from] = std::max(generations_[from], status->configuration.generation);
    Learn(status->configuration);
    if (status->request == request_ && std::ranges::contains(connected_, from)) {
      statuses_[from] = *status;
    }
  } else if (const auto* configured = std::get_if<protocol::Configured>(&message)) {
    generations_[from] = std::max(generations_[from], configured->generation);
  } else if (const auto* refused = std::get_if<protocol::Refused>(&message)) {
    Learn(refused->configuration);
  }
}

void Membership::SetMembers(const std::vector<protocol::MemberPlace>& members, Time now,
                            Effects& out) {
  std::vector<MemberId> connected;
  for (const protocol::MemberPlace& place : members) {
    connected.push_back(place.member);
    if (!std::ranges::contains(connected_, place.member)) {
      out.Send(place.member, protocol::AskStatus{request_});
    }
  }
  connected_ = std::move(connected);
  std::erase_if(statuses_,
                [&](const auto& entry) { return !std::ranges::contains(connected_, entry.first); });
  next_ask_ = std::min(next_ask_, now + kInterval);
}

void Membership::OnTimer(Time now, Effects& out) {
  const bool somebody_waits = !told_.empty() || !spread_.empty();
  next_ask_ = now + (somebody_waits ? kResend : kInterval);
  for (const MemberId& member : connected_) {
    out.Send(member, protocol::AskStatus{request_});
  }
  if (spreading_) {
    for (const MemberId& member : spreading_->All()) {
      if (generations_[member] < spreading_->generation) {
        out.Send(member, protocol::Configure{*spreading_});
      }
    }
  }
}

Time Membership::next_timer() const {
  return std::min({next_ask_, told_.next_deadline(), spread_.next_deadline()});
}

void Membership::TakeCompletions(Time now, Completions& out) {
  told_.Reach(statuses_.size(), out);
  told_.Expire(now, out);
  if (spreading_ && spreading_->CanWrite([&](const MemberId& member) {
        return generations_[member] >= spreading_->generation;
      })) {
    spread_.Reach(spreading_->generation, out);
  }
  spread_.Expire(now, out);
}

void Membership::Close(Completions& out) {
  const Error closed{ErrorCode::kClosed, "the client was closed"};
  told_.Fail(closed, out);
  spread_.Fail(closed, out);
}

}  // namespace sextant::client
