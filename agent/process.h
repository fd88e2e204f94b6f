// Child processes of an agent, which is process 1 of its container.
#pragma once

#include "agent/engine.h"
#include "daemon/log.h"

#include <optional>
#include <sys/types.h>
#include <thread>

namespace sextant::agent {

// One program in a process group of its own, its output in our log line by line. Of one thread,
// which must live as long as the program: the kernel kills it with that thread.
class Process {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Process>> Start(const Command& command,
                                                              const daemon::Log& log);
  // Kills all that is left and waits for it.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t id() const { return id_; }
  void Signal(int signal) const;

  // What is left of it after its first process ended is killed: then, how that one ended, as a
  // shell tells it (128 + signal). Also buries orphans, which the kernel gives to process 1.
  [[nodiscard]] std::optional<int> Ended();

 private:
  Process(pid_t id, int output, const daemon::Log& log);

  const pid_t id_;
  std::optional<int> status_;
  std::jthread reader_;
};

// Runs a program that ends soon to its end: what it printed, or why that is not to be had. On the
// thread that asks Processes whether they have ended.
[[nodiscard]] Result<std::string> OutputOf(const Command& command);

// Orphans of children become ours wherever we run, so that none is left behind.
void AdoptOrphans();

// Sends SIGKILL to every descendant of this process; true when there was none.
bool KillDescendants();

}  // namespace sextant::agent
