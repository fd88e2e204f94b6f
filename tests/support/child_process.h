#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace sextant::testing {

// A process that does not outlive its owner: the destructor kills it and waits for it, and the
// kernel kills it should the thread that started it end first, however that comes about. Start one
// from the main thread. Not safe for concurrent use.
class ChildProcess {
 public:
  // Runs arguments[0], looked up in PATH, with its output in a file; it inherits no descriptor but
  // standard input. Throws std::system_error when there is no such program or no process can be
  // made.
  ChildProcess(const std::vector<std::string>& arguments, const std::filesystem::path& output);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t Id() const { return id_; }

  // True until the process has ended.
  [[nodiscard]] bool IsRunning();

  // Does nothing once the process has ended.
  void Signal(int signal);

  // Waits for the end and returns the exit code as a shell tells it (128 + signal for a killed
  // process).
  int Wait();

 private:
  pid_t id_ = -1;
  std::optional<int> status_;  // as waitpid gave it
};

// What a command printed, on both streams, and how it ended.
struct CommandResult {
  int exit_code = 0;
  std::string output;
};

// Runs a command to its end.
[[nodiscard]] CommandResult RunCommand(const std::vector<std::string>& arguments);

}  // namespace sextant::testing
