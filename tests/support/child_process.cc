#include "tests/support/child_process.h"

#include "tests/support/temporary_directory.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace sextant::testing {
namespace {

// Between fork and exec: only calls that are safe after a fork of a process with threads.
[[noreturn]] void Become(char* const* arguments, int output, int failure_pipe, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent ended before the line above took effect
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  // Not every socket of the parent is marked so, Asio's are not; and a copy of one here would keep
  // a connection open that the parent has closed, so that its peer waits for ever.
  if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
    execvp(arguments[0], arguments);
  }
  const int reason = errno;
  [[maybe_unused]] const ssize_t written = write(failure_pipe, &reason, sizeof reason);
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments,
                           const std::filesystem::path& output) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) throw std::system_error(errno, std::generic_category(), "open " + output.string());
  int failure[2];  // closed by a successful exec; else it carries the reason
  if (pipe2(failure, O_CLOEXEC) != 0) {
    const int reason = errno;
    close(file);
    throw std::system_error(reason, std::generic_category(), "pipe2");
  }
  const pid_t parent = getpid();
  id_ = fork();
  if (id_ == 0) Become(argv.data(), file, failure[1], parent);
  const int fork_error = errno;
  close(file);
  close(failure[1]);
  int reason = 0;
  const ssize_t size = id_ < 0 ? 0 : read(failure[0], &reason, sizeof reason);
  close(failure[0]);
  if (id_ < 0) throw std::system_error(fork_error, std::generic_category(), "fork");
  if (size > 0) {
    Wait();
    throw std::system_error(reason, std::generic_category(), "run " + arguments[0]);
  }
}

ChildProcess::~ChildProcess() {
  Signal(SIGKILL);
  Wait();
}

bool ChildProcess::IsRunning() {
  if (status_) return false;
  int status = 0;
  if (waitpid(id_, &status, WNOHANG) == 0) return true;
  status_ = status;
  return false;
}

void ChildProcess::Signal(int signal) {
  if (IsRunning()) kill(id_, signal);
}

int ChildProcess::Wait() {
  if (!status_) {
    int status = 0;
    while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    status_ = status;
  }
  return WIFEXITED(*status_) ? WEXITSTATUS(*status_) : 128 + WTERMSIG(*status_);
}

CommandResult RunCommand(const std::vector<std::string>& arguments) {
  const TemporaryDirectory directory;
  const std::filesystem::path output = directory.Path() / "output";
  ChildProcess process(arguments, output);
  const int exit_code = process.Wait();
  return {.exit_code = exit_code, .output = ReadFile(output)};
}

}  // namespace sextant::testing
