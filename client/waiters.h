// Callbacks that wait for a log position or for a deadline, whichever comes first.
#pragma once

#include "client/machine.h"

#include <map>

namespace sextant::client {

class Waiters {
 public:
  void Add(protocol::Lsn lsn, Time deadline, Callback<> callback) {
    waiting_.emplace(lsn, Waiter{deadline, std::move(callback)});
    next_deadline_ = std::min(next_deadline_, deadline);
  }

  // All that wait for `lsn` or less.
  void Reach(protocol::Lsn lsn, Completions& out) {
    while (!waiting_.empty() && waiting_.begin()->first <= lsn) {
      Complete(std::move(waiting_.begin()->second.callback), Result<>{}, out);
      waiting_.erase(waiting_.begin());
    }
  }

  // `why` is added to what is said of those that expire.
  void Expire(Time now, Completions& out, const std::string& why = "") {
    if (now < next_deadline_) {
      return;
    }
    next_deadline_ = Time::max();
    for (auto entry = waiting_.begin(); entry != waiting_.end();) {
      if (entry->second.deadline <= now) {
        Complete(
            std::move(entry->second.callback),
            Result<>(std::unexpected(Error{ErrorCode::kTimeout, "the deadline has passed" + why})),
            out);
        entry = waiting_.erase(entry);
      } else {
        next_deadline_ = std::min(next_deadline_, entry->second.deadline);
        ++entry;
      }
    }
  }

  void Fail(const Error& error, Completions& out) {
    for (auto& [lsn, waiter] : waiting_) {
      Complete(std::move(waiter.callback), Result<>(std::unexpected(error)), out);
    }
    waiting_.clear();
  }

  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  // Not before which anything expires.
  [[nodiscard]] Time next_deadline() const {
    return waiting_.empty() ? Time::max() : next_deadline_;
  }

 private:
  struct Waiter {
    Time deadline;
    Callback<> callback;
  };
  std::multimap<protocol::Lsn, Waiter> waiting_;
  Time next_deadline_ = Time::max();
};

}  // namespace sextant::client
