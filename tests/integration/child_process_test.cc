#include "tests/support/child_process.h"

#include "tests/support/temporary_directory.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace sextant::testing {
namespace {

TEST(ChildProcessTest, OutputAndExitCodeAreKept) {
  const CommandResult result = RunCommand({"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.output, "out\nerr\n");
}

TEST(ChildProcessTest, MissingProgramIsAnErrorAtOnce) {
  try {
    (void)RunCommand({"no-such-program"});
    FAIL() << "it started";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), ENOENT);
  }
}

// A copy of a socket in a child would keep a connection open that its owner has closed.
TEST(ChildProcessTest, DescriptorsAreNotInherited) {
  const TemporaryDirectory directory;
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const ChildProcess process({"sleep", "1000"}, directory.Path() / "output");
  close(pipe_ends[1]);
  pollfd reader{.fd = pipe_ends[0], .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&reader, 1, 10'000), 1) << "the child holds the other end";
  close(pipe_ends[0]);
}

TEST(ChildProcessTest, DestructorEndsTheProcess) {
  const TemporaryDirectory directory;
  auto process = std::make_unique<ChildProcess>(std::vector<std::string>{"sleep", "1000"},
                                                directory.Path() / "output");
  const pid_t id = process->Id();
  EXPECT_TRUE(process->IsRunning());
  process.reset();
  EXPECT_EQ(kill(id, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

// An owner that is killed runs no destructor: the kernel has to end what it started.
TEST(ChildProcessTest, ProcessEndsWithAKilledOwner) {
  const TemporaryDirectory directory;
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  // Orphans come to this process instead of to process 1, so that it can wait for one.
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const pid_t owner = fork();
  if (owner == 0) {
    const ChildProcess process({"sleep", "1000"}, directory.Path() / "output");
    const pid_t id = process.Id();
    [[maybe_unused]] const ssize_t written = write(pipe_ends[1], &id, sizeof id);
    kill(getpid(), SIGKILL);
  }
  pid_t orphan = -1;
  ASSERT_EQ(read(pipe_ends[0], &orphan, sizeof orphan), static_cast<ssize_t>(sizeof orphan));
  ASSERT_EQ(waitpid(owner, nullptr, 0), owner);
  int status = 0;
  ASSERT_EQ(waitpid(orphan, &status, 0), orphan);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace sextant::testing
