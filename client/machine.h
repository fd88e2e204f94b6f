// A state machine of the protocol with the callbacks of those who wait for it.
#pragma once

#include "sextant/client/error.h"
#include "sextant/protocol/effects.h"
#include "sextant/protocol/reader.h"

#include <algorithm>
#include <functional>
#include <vector>

namespace sextant::client {

using protocol::Effects;
using protocol::MemberId;
using protocol::Time;
// Calls to make when the lock is released.
using Completions = std::vector<std::move_only_function<void()>>;

template <class T>
void Complete(Callback<T>&& callback, Result<T> result, Completions& out) {
  out.emplace_back([callback = std::move(callback), result = std::move(result)]() mutable {
    callback(std::move(result));
  });
}

// Every function is called under the core's lock.
class Machine {
 public:
  Machine() = default;
  virtual ~Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  virtual void Receive(const MemberId& /*from*/, const protocol::Message& /*message*/, Time /*now*/,
                       Effects& /*out*/) {}
  // Which members are connected has changed.
  virtual void SetMembers(const std::vector<protocol::MemberPlace>& /*members*/, Time /*now*/,
                          Effects& /*out*/) {}
  virtual void Configure(const protocol::Configuration& /*configuration*/, Effects& /*out*/) {}
  // At or after next_timer(), and TakeCompletions follows.
  virtual void OnTimer(Time /*now*/, Effects& /*out*/) {}
  [[nodiscard]] virtual Time next_timer() const = 0;
  // What became true since the last call.
  virtual void TakeCompletions(Time now, Completions& out) = 0;
  // Nothing more will come: everybody who waits is told.
  virtual void Close(Completions& out) = 0;
};

inline void Join(Effects& to, Effects&& from) {
  std::ranges::move(from.messages, std::back_inserter(to.messages));
}

}  // namespace sextant::client
