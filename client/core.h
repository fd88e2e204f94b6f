// What the parts of a client share: the lock, the clock, the connections, and the state machines.
//
// An input (a message, a timer, a call) goes to a machine under the lock; what it wants sent is
// sent, and what became true is told by callbacks after the lock is released.
#pragma once

#include "client/machine.h"
#include "sextant/client/client.h"
#include "sextant/net/dialer.h"
#include "sextant/net/routes.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <future>
#include <map>
#include <mutex>

namespace sextant::client {

class LogReads;
class Membership;
class Reads;

class Core : public std::enable_shared_from_this<Core> {
 public:
  [[nodiscard]] static Result<std::shared_ptr<Core>> Start(const ClientOptions& options);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Calls `input(now, out)` under the lock, then carries out what it left in `out`.
  template <class Input>
  auto With(Input input) {
    Completions done;
    using Output = std::invoke_result_t<Input, Time, Effects&>;
    if constexpr (std::is_void_v<Output>) {
      {
        const std::scoped_lock lock(mutex_);
        const Time now = Now();
        Effects out;
        input(now, out);
        Settle(now, std::move(out), done);
      }
      Call(done);
    } else {
      std::optional<Output> output;
      {
        const std::scoped_lock lock(mutex_);
        const Time now = Now();
        Effects out;
        output.emplace(input(now, out));
        Settle(now, std::move(out), done);
      }
      Call(done);
      return std::move(*output);
    }
  }

  // Under the lock, that is from inside With.
  void Add(const std::shared_ptr<Machine>& machine, Time now, Effects& out);
  [[nodiscard]] Membership& membership() { return *membership_; }
  [[nodiscard]] LogReads& log_reads() { return *log_reads_; }
  // All members', or one's alone.
  [[nodiscard]] Reads& reads(const std::optional<MemberId>& from, Time now, Effects& out);

  [[nodiscard]] NodeInfo Describe(const MemberId& member, const protocol::NodeStatus& status) const;

  // Not under the lock.
  void Remove(const std::shared_ptr<Machine>& machine);
  [[nodiscard]] const ClientOptions& options() const { return options_; }
  [[nodiscard]] const protocol::ClientId& id() const { return self_.uuid; }
  [[nodiscard]] static Time Now();
  // Time::max() for kNoDeadline.
  [[nodiscard]] static Time ToTime(Deadline deadline);

  // Ends everything with kClosed, and the threads. Not from a callback.
  void Stop();

 private:
  Core(const ClientOptions& options, std::shared_ptr<net::Credentials> credentials);
  void Dial();
  void OnOpened(const net::ConnectionPtr& connection);
  void OnReceived(const MemberId& from, const protocol::Message& message);
  void OnClosed(const net::ConnectionPtr& connection);
  void OnTimer();
  [[nodiscard]] std::vector<protocol::MemberPlace> Places() const;
  void TellMembers(Time now, Effects& out);
  void Settle(Time now, Effects out, Completions& done);
  void Arm();
  static void Call(Completions& done);

  const ClientOptions options_;
  const net::Hello self_;
  boost::asio::thread_pool threads_;  // outlives every connection: each has a strand of it

  std::mutex mutex_;  // guards what follows
  net::Routes routes_;
  std::map<std::string, std::string> zones_;  // of addresses
  std::vector<std::shared_ptr<Machine>> machines_;
  std::shared_ptr<Membership> membership_;
  std::shared_ptr<LogReads> log_reads_;
  std::shared_ptr<Reads> reads_;
  std::map<MemberId, std::shared_ptr<Reads>> reads_of_one_;
  Time armed_ = Time::max();
  bool stopped_ = false;

  boost::asio::any_io_executor owner_;   // a strand: connections' events, timers
  boost::asio::steady_timer timer_;      // on the strand
  std::unique_ptr<net::Dialer> dialer_;  // on the strand
};

// Turns a call that takes a callback into one that waits for it.
template <class T, class Begin>
Result<T> Await(Begin begin) {
  std::promise<Result<T>> promise;
  auto future = promise.get_future();
  begin([&promise](Result<T> result) { promise.set_value(std::move(result)); });
  return future.get();
}

}  // namespace sextant::client
