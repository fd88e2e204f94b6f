// What is at the mount point, and the way to what shall be there.
//
//   detached ──attach──► attaching ──► attached ──detach──► detaching ──► detached
//                            │             ├──► fenced   a newer epoch took the branch
//                            └──► detached └──► failed   the file system cannot go on
//
// Attaching elsewhere is detaching first. A newer order ends an attach that is under way. From
// `fenced` and `failed` the same orders lead on; nothing is flushed then.
#pragma once

#include "daemon/log.h"
#include "volume/server/volume.h"

#include <condition_variable>
#include <deque>
#include <expected>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sextant::volume::server {

enum class State : std::uint8_t { kDetached, kAttaching, kAttached, kDetaching, kFenced, kFailed };

[[nodiscard]] std::string_view ToString(State state);
[[nodiscard]] std::string_view ToString(Mode mode);

// Codes are words for machines: fenced, timeout, superseded, invalid, busy, …
struct Problem {
  std::string code;
  std::string message;
};
[[nodiscard]] Problem ProblemOf(const client::Error& error);

struct SessionStatus {
  State state = State::kDetached;
  std::optional<Target> target;
  std::optional<TreeStatus> tree;  // while something is mounted
  std::optional<protocol::Epoch> fenced_by;
  std::string error;  // why the last attach came to nothing, or the mount failed
};

// Any thread may call anything; one thread of its own carries orders out, one at a time. `Done` is
// called once, on that thread or the caller's.
class Session {
 public:
  template <class T = void>
  using Done = std::move_only_function<void(std::expected<T, Problem>)>;

  // Both outlive it.
  Session(Volume& volume, const daemon::Log& log);
  // Unmounts without a flush; what waits gets `closed`.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Waits for storage as long as it takes; who asked may have lost patience before. The deadline is
  // for the flush of what is mounted now.
  void Attach(const Target& target, client::Deadline deadline, Done<> done);
  void Detach(client::Deadline deadline, Done<> done);
  // Detaches, whether the flush succeeds or not.
  void Abandon(client::Deadline deadline, Done<> done);
  // Ends what the order that is being carried out waits for in storage.
  void Cut();
  // `idle` as in Tree::Flush.
  void Flush(bool idle, client::Deadline deadline, Done<> done);
  void MakeBranch(protocol::BranchId parent, const client::Point& at, protocol::BranchId id,
                  client::Deadline deadline, Done<protocol::Branch> done);

  [[nodiscard]] SessionStatus status() const;

 private:
  struct Order {
    std::optional<Target> target;  // none: nothing
    bool abandon = false;
    client::Deadline deadline;
    std::vector<Done<>> waiters;
  };

  void Give(Order order);
  // On the session's thread.
  void Run(const std::stop_token& stop);
  void Carry(const std::stop_token& stop);
  [[nodiscard]] std::expected<void, Problem> Leave(const Order& order);
  [[nodiscard]] std::expected<void, Problem> Enter(const Target& target,
                                                   const std::stop_token& stop);
  void Look();
  void SetState(State state, std::string error = {});
  void Post(std::move_only_function<void(bool closed)> task);

  Volume& volume_;
  const daemon::Log& log_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  State state_ = State::kDetached;
  std::optional<Target> target_;
  std::shared_ptr<Tree> tree_;
  std::optional<protocol::Epoch> fenced_by_;
  std::string error_;
  std::optional<Order> next_;
  std::optional<Order> current_;
  std::stop_source cancel_;  // of the current order's attach
  std::deque<std::move_only_function<void(bool closed)>> tasks_;
  std::jthread thread_;
};

}  // namespace sextant::volume::server
