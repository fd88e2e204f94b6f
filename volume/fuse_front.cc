#include "volume/fuse_front.h"

#include "volume/fuse_operations.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace sextant::volume {
namespace {

// Most requests only touch memory; those that wait for the nodes do so without a thread, but for
// writes of parts of pages and writers that are too fast.
constexpr int kThreads = 32;

}  // namespace

FuseFront::FuseFront(std::string path, std::shared_ptr<FuseState> state)
    : path_(std::move(path)), state_(std::move(state)) {}

std::expected<std::unique_ptr<FuseFront>, std::string> FuseFront::Mount(
    const std::string& path, std::shared_ptr<FileSystem> files) {
  const auto failed = [](const std::string& what) {
    return std::unexpected(what + ": " + std::strerror(errno));
  };
  umount2(path.c_str(), MNT_DETACH);  // a stale one; usually there is none
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return std::unexpected("making " + path + ": " + error.message());
  }
  auto front = std::unique_ptr<FuseFront>(
      new FuseFront(path, std::make_shared<FuseState>(std::move(files))));
  std::string program = "sextant-volume";
  std::string flag = "-o";
  std::string options = "allow_other,default_permissions,fsname=sextant,subtype=sextant";
  std::array<char*, 4> words = {program.data(), flag.data(), options.data(), nullptr};
  fuse_args arguments = FUSE_ARGS_INIT(3, words.data());
  const auto operations = FuseOperations();
  auto& session = front->state_->session;
  session.reset(fuse_session_new(&arguments, &operations, sizeof(operations), front->state_.get()));
  fuse_opt_free_args(&arguments);
  if (!session) {
    return std::unexpected("libfuse refuses its options");
  }
  if (fuse_session_mount(session.get(), path.c_str()) != 0) {
    return failed("mounting " + path);
  }
  const int descriptor = fuse_session_fd(session.get());
  front->stop_event_ = eventfd(0, EFD_CLOEXEC);
  if (front->stop_event_ < 0 || fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0) {
    return failed("preparing " + path);
  }
  for (int thread = 0; thread < kThreads; ++thread) {
    front->threads_.emplace_back([serving = front.get()] { serving->Serve(); });
  }
  return front;
}

void FuseFront::Serve() {
  fuse_session* const session = state_->session.get();
  const int descriptor = fuse_session_fd(session);
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event request = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data = {.fd = descriptor}};
  epoll_event stop = {.events = EPOLLIN, .data = {.fd = stop_event_}};
  epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &request);
  epoll_ctl(poll, EPOLL_CTL_ADD, stop_event_, &stop);
  fuse_buf buffer = {};
  while (fuse_session_exited(session) == 0) {
    const int received = fuse_session_receive_buf(session, &buffer);
    if (received > 0) {
      fuse_session_process_buf(session, &buffer);
    } else if (received == -EAGAIN) {
      epoll_event event = {};
      if (epoll_wait(poll, &event, 1, -1) == 1 && event.data.fd == stop_event_) {
        break;
      }
    } else if (received != -EINTR) {
      break;
    }
  }
  is_broken_ = is_broken_ || !is_stopping_;  // the connection was aborted, or unmounted by others
  std::free(buffer.mem);
  close(poll);
}

void FuseFront::Unmount() {
  if (!state_) {
    return;
  }
  is_stopping_ = true;
  // Lazily: whoever has a file open keeps a mount that answers nothing.
  umount2(path_.c_str(), MNT_DETACH);
  fuse_session_exit(state_->session.get());
  if (stop_event_ >= 0) {
    const std::uint64_t one = 1;
    (void)!write(stop_event_, &one, sizeof(one));
  }
  threads_.clear();
  // Closes the device, which ends the connection; answers that come later go nowhere.
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) {
    dup3(nowhere, fuse_session_fd(state_->session.get()), O_CLOEXEC);
    close(nowhere);
  }
  state_.reset();
  if (stop_event_ >= 0) {
    close(std::exchange(stop_event_, -1));
  }
}

FuseFront::~FuseFront() { Unmount(); }

}  // namespace sextant::volume
