// Reads of one member's log, as its peers do them: for comparing members.
#pragma once

#include "client/machine.h"

#include <map>

namespace sextant::client {

class LogReads : public Machine {
 public:
  void Start(const MemberId& member, protocol::BranchId branch, protocol::Lsn from, Time now,
             Effects& out, Time deadline, Callback<std::vector<protocol::Group>> done);

  void Receive(const MemberId& from, const protocol::Message& message, Time now,
               Effects& out) override;
  void OnTimer(Time now, Effects& out) override;
  [[nodiscard]] Time next_timer() const override;
  void TakeCompletions(Time now, Completions& out) override;
  void Close(Completions& out) override;

 private:
  struct Waiting {
    MemberId member;
    protocol::BranchId branch = 0;
    protocol::Lsn from = 0;
    Time deadline;
    Callback<std::vector<protocol::Group>> done;
    std::optional<std::vector<protocol::Group>> answer = {};
  };

  std::vector<Waiting> waiting_;
  Time next_ask_ = Time::max();
};

}  // namespace sextant::client
