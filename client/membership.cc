#include "client/membership.h"

#include <format>

namespace sextant::client {
namespace {

constexpr Time kInterval = std::chrono::seconds(1);
constexpr Time kResend = std::chrono::milliseconds(50);  // while somebody waits

}  // namespace

void Membership::Ask(std::size_t nodes, Time now, Effects& out, Time deadline,
                     Callback<Statuses> done) {
  questions_.push_back({++request_, nodes, deadline, std::move(done)});
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
    if (std::ranges::contains(connected_, from)) {
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
  const bool somebody_waits = !questions_.empty() || !spread_.empty();
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
  Time next = std::min(next_ask_, spread_.next_deadline());
  for (const Question& question : questions_) {
    next = std::min(next, question.deadline);
  }
  return next;
}

void Membership::CompleteQuestions(Time now, Completions& out) {
  std::erase_if(questions_, [&](Question& question) {
    const auto answers = [&](const auto& entry) {
      return entry.second.request >= question.request;
    };
    const auto count = static_cast<std::size_t>(std::ranges::count_if(statuses_, answers));
    if (count >= question.nodes) {
      Statuses told;
      std::ranges::copy_if(statuses_, std::inserter(told, told.end()), answers);
      Complete(std::move(question.done), Result<Statuses>(std::move(told)), out);
      return true;
    }
    if (question.deadline <= now) {
      const Error late{
          ErrorCode::kTimeout,
          std::format("{} of at least {} storage nodes answered in time", count, question.nodes)};
      Complete(std::move(question.done), Result<Statuses>(std::unexpected(late)), out);
      return true;
    }
    return false;
  });
}

void Membership::TakeCompletions(Time now, Completions& out) {
  CompleteQuestions(now, out);
  if (spreading_ && spreading_->CanWrite([&](const MemberId& member) {
        return generations_[member] >= spreading_->generation;
      })) {
    spread_.Reach(spreading_->generation, out);
  }
  spread_.Expire(now, out);
}

void Membership::Close(Completions& out) {
  const Error closed{ErrorCode::kClosed, "the client was closed"};
  for (Question& question : questions_) {
    Complete(std::move(question.done), Result<Statuses>(std::unexpected(closed)), out);
  }
  questions_.clear();
  spread_.Fail(closed, out);
}

}  // namespace sextant::client
