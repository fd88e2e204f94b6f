// protocol::Reader and those who wait for its answers.
#pragma once

#include "client/machine.h"

#include <map>
#include <optional>

namespace sextant::client {

class Reads : public Machine {
 public:
  // Of every member that is connected, or of one alone.
  Reads(const protocol::ReaderOptions& options, const std::optional<MemberId>& from)
      : reader_(options, {}), from_(from) {}

  void Start(protocol::ReadRequest request, Time now, Effects& out, Time deadline,
             Callback<protocol::ReadValue> done);

  void Receive(const MemberId& from, const protocol::Message& message, Time now,
               Effects& out) override;
  void SetMembers(const std::vector<protocol::MemberPlace>& members, Time now,
                  Effects& out) override;
  void OnTimer(Time now, Effects& out) override;
  [[nodiscard]] Time next_timer() const override;
  void TakeCompletions(Time now, Completions& out) override;
  void Close(Completions& out) override;

 private:
  using Deadlines = std::multimap<Time, std::uint64_t>;
  struct Waiting {
    Deadlines::iterator deadline;
    Callback<protocol::ReadValue> done;
  };

  protocol::Reader reader_;
  std::optional<MemberId> from_;
  std::map<std::uint64_t, Waiting> waiting_;
  Deadlines deadlines_;  // of those that wait
};

}  // namespace sextant::client
