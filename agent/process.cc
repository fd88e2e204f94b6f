#include "agent/process.h"

#include <nlohmann/json.hpp>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <format>
#include <fstream>
#include <map>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sextant::agent {
namespace {

constexpr std::size_t kMaxLine = 16U << 10;
constexpr std::size_t kMaxOutput = 64U << 10;
constexpr auto kBurialPause = std::chrono::milliseconds(10);

// Between fork and exec: only calls that are safe after a fork of a process with threads.
[[noreturn]] void Become(char* const* arguments, int output, int failure, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(127);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
    execvp(arguments[0], arguments);
  }
  const int reason = errno;
  [[maybe_unused]] const ssize_t written = write(failure, &reason, sizeof reason);
  _exit(127);
}

// Until every holder of the pipe's other end has ended.
void LogLines(int output, const daemon::Log& log) {
  std::string line;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t size = read(output, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      break;
    }
    for (const char byte : std::string_view(buffer.data(), static_cast<std::size_t>(size))) {
      if (byte != '\n' && line.size() < kMaxLine) {
        line += byte;
        continue;
      }
      log.Info("engine", {{"line", line}});
      line = byte == '\n' ? "" : std::string(1, byte);
    }
  }
  if (!line.empty()) {
    log.Info("engine", {{"line", line}});
  }
  close(output);
}

// From /proc/ID/stat; the program's name in it may contain anything, but no later bracket follows.
std::optional<pid_t> ParentOf(const std::filesystem::path& directory) {
  std::ifstream file(directory / "stat");
  std::string line;
  std::getline(file, line);
  const auto bracket = line.rfind(')');
  if (bracket == std::string::npos || line.size() < bracket + 5) {
    return std::nullopt;
  }
  pid_t parent = 0;
  std::from_chars(line.data() + bracket + 4, line.data() + line.size(), parent);
  return parent;
}

std::map<pid_t, pid_t> Parents() {
  std::map<pid_t, pid_t> parents;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t id = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (failed == std::errc() && end == name.data() + name.size()) {
      if (const auto parent = ParentOf(entry.path())) {
        parents[id] = *parent;
      }
    }
  }
  return parents;
}

struct Child {
  pid_t id;
  int output;  // of a pipe: to be closed
};

Result<Child> Spawn(const Command& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  int output[2];
  int failure[2];  // closed by a successful exec; else it carries the reason
  if (pipe2(output, O_CLOEXEC) != 0) {
    return std::unexpected(std::format("pipe: {}", std::strerror(errno)));
  }
  if (pipe2(failure, O_CLOEXEC) != 0) {
    const int reason = errno;
    close(output[0]);
    close(output[1]);
    return std::unexpected(std::format("pipe: {}", std::strerror(reason)));
  }
  const pid_t parent = getpid();
  const pid_t id = fork();
  if (id == 0) {
    Become(arguments.data(), output[1], failure[1], parent);
  }
  int reason = id < 0 ? errno : 0;
  close(output[1]);
  close(failure[1]);
  if (id > 0 && read(failure[0], &reason, sizeof reason) > 0) {
    waitpid(id, nullptr, 0);
  }
  close(failure[0]);
  if (reason != 0) {
    close(output[0]);
    return std::unexpected(std::format("run {}: {}", command.arguments[0], std::strerror(reason)));
  }
  return Child{id, output[0]};
}

}  // namespace

void AdoptOrphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

bool KillDescendants() {
  const auto parents = Parents();
  const pid_t self = getpid();
  bool found = false;
  for (const auto& [id, direct] : parents) {
    pid_t at = id;
    for (std::size_t depth = 0; at > 1 && at != self && depth < parents.size(); ++depth) {
      const auto next = parents.find(at);
      at = next == parents.end() ? 0 : next->second;
    }
    if (at == self && id != self) {
      kill(id, SIGKILL);
      found = true;
    }
  }
  return !found;
}

Result<std::unique_ptr<Process>> Process::Start(const Command& command, const daemon::Log& log) {
  return Spawn(command).transform([&log](const Child& child) {
    return std::unique_ptr<Process>(new Process(child.id, child.output, log));
  });
}

Result<std::string> OutputOf(const Command& command) {
  const auto child = Spawn(command);
  if (!child) {
    return std::unexpected(child.error());
  }
  std::string text;
  std::array<char, 4096> buffer{};
  ssize_t size = 0;
  while ((size = read(child->output, buffer.data(), buffer.size())) > 0 ||
         (size < 0 && errno == EINTR)) {
    if (size > 0 && text.size() < kMaxOutput) {
      text.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }
  close(child->output);
  int status = 0;
  waitpid(child->id, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return std::unexpected(std::format("{} failed: {}", command.arguments[0], text));
  }
  return text;
}

Process::Process(pid_t id, int output, const daemon::Log& log)
    : id_(id), reader_([output, &log] { LogLines(output, log); }) {}

Process::~Process() {
  while (!Ended()) {
    KillDescendants();
    std::this_thread::sleep_for(kBurialPause);
  }
}

void Process::Signal(int signal) const {
  if (!status_) {
    kill(id_, signal);
  }
}

std::optional<int> Process::Ended() {
  int status = 0;
  for (pid_t id = 0; (id = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (id == id_) {
      status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
  }
  return status_ && KillDescendants() ? status_ : std::nullopt;
}

}  // namespace sextant::agent
