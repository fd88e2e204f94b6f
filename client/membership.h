// What the connected nodes say of themselves, asked for once a second; the configuration that
// follows from it; and telling them a new one.
#pragma once

#include "client/machine.h"
#include "client/waiters.h"

#include <map>
#include <optional>
#include <vector>

namespace sextant::client {

class Membership : public Machine {
 public:
  // When so many nodes are connected and have told their status.
  void WhenTold(std::size_t nodes, Time deadline, Callback<> done) {
    told_.Add(nodes, deadline, std::move(done));
  }
  // When a write quorum of it has it.
  void Spread(const protocol::Configuration& configuration, Time now, Effects& out, Time deadline,
              Callback<> done);
  // Asks everybody anew; answers that come from now on count for WhenTold.
  void Refresh(Time now, Effects& out);

  [[nodiscard]] const std::map<MemberId, protocol::NodeStatus>& statuses() const {
    return statuses_;
  }
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
  void Learn(const protocol::Configuration& configuration);

  std::vector<MemberId> connected_;
  std::map<MemberId, protocol::NodeStatus> statuses_;  // of those that are connected
  std::map<MemberId, protocol::Generation> generations_;
  std::uint64_t request_ = 0;
  Time next_ask_ = Time::max();
  protocol::Configuration configuration_;
  bool news_ = false;
  std::optional<protocol::Configuration> spreading_;
  Waiters told_;
  Waiters spread_;
};

}  // namespace sextant::client
