// What the connected nodes say of themselves, asked for once a second; the configuration that
// follows from it; and telling them a new one.
#pragma once

#include "client/machine.h"
#include "client/waiters.h"

#include <map>
#include <optional>
#include <vector>

namespace sextant::client {

using Statuses = std::map<MemberId, protocol::NodeStatus>;

class Membership : public Machine {
 public:
  // Asks everybody; done when so many of those connected have told how they are from now on.
  void Ask(std::size_t nodes, Time now, Effects& out, Time deadline, Callback<Statuses> done);
  // When a write quorum of it has it.
  void Spread(const protocol::Configuration& configuration, Time now, Effects& out, Time deadline,
              Callback<> done);

  [[nodiscard]] const protocol::Configuration& configuration() const { return configuration_; }
  // A configuration that is newer than when this was last called.
  [[nodiscard]] std::optional<protocol::Configuration> TakeConfiguration();

  void Receive(const MemberId& from, const protocol::Message& message, Time now,
               Effects& out) override;
  void SetMembers(const std::vector<protocol::MemberPlace>& members, Time now,
                  Effects& out) override;
  void OnTimer(Time now, Effects& out) override;
  [[nodiscard]] Time next_timer() const override;
  void TakeCompletions(Time now, Completions& out) override;
  void Close(Completions& out) override;

 private:
  struct Question {
    std::uint64_t request = 0;
    std::size_t nodes = 0;
    Time deadline{0};
    Callback<Statuses> done;
  };

  void Learn(const protocol::Configuration& configuration);
  // An answer counts when it is to the question's request or a later one.
  void CompleteQuestions(Time now, Completions& out);

  std::vector<MemberId> connected_;
  Statuses statuses_;  // the last of each that is connected
  std::map<MemberId, protocol::Generation> generations_;
  std::uint64_t request_ = 0;
  Time next_ask_ = Time::max();
  protocol::Configuration configuration_;
  bool news_ = false;
  std::optional<protocol::Configuration> spreading_;
  std::vector<Question> questions_;
  Waiters spread_;
};

}  // namespace sextant::client
