// protocol::PinKeeper and the one who waits for it to hold.
#pragma once

#include "client/machine.h"
#include "client/waiters.h"

namespace sextant::client {

class PinMachine : public Machine {
 public:
  PinMachine(protocol::BranchId branch, const protocol::Uuid& pin, protocol::Lsn lsn, Time lease,
             const protocol::Configuration& configuration)
      : keeper_(branch, pin, lsn, lease, configuration) {}

  void Start(Time now, Effects& out, Time deadline, Callback<> held) {
    held_.Add(0, deadline, std::move(held));
    Join(out, keeper_.OnTimer(now));
  }
  [[nodiscard]] Effects Drop() { return keeper_.Drop(); }
  [[nodiscard]] const protocol::PinKeeper& keeper() const { return keeper_; }

  void Receive(const MemberId& from, const protocol::Message& message, Time,
               Effects& /*out*/) override {
    if (const auto* answer = std::get_if<protocol::PinSet>(&message)) {
      keeper_.Receive(from, *answer);
    }
  }
  void Configure(const protocol::Configuration& configuration, Effects& /*out*/) override {
    keeper_.SetConfiguration(configuration);
  }
  void OnTimer(Time now, Effects& out) override {
    if (keeper_.next_timer() <= now) {
      Join(out, keeper_.OnTimer(now));
    }
  }
  [[nodiscard]] Time next_timer() const override {
    return std::min(keeper_.next_timer(), held_.next_deadline());
  }
  void TakeCompletions(Time now, Completions& out) override {
    if (!held_.empty() && keeper_.Held(now)) {
      held_.Reach(0, out);
    }
    held_.Expire(now, out);
  }
  void Close(Completions& out) override {
    held_.Fail({ErrorCode::kClosed, "the client was closed"}, out);
  }

 private:
  protocol::PinKeeper keeper_;
  Waiters held_;
};

}  // namespace sextant::client
