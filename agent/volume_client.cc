#include "agent/volume_client.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace sextant::agent {
namespace {

using Json = nlohmann::json;
using std::chrono::steady_clock;

constexpr std::size_t kMaxAnswer = 64U << 10;

class Socket {
 public:
  Socket() : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
  ~Socket() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] int get() const { return fd_; }

  // False when the time is over.
  [[nodiscard]] bool Wait(short events, steady_clock::time_point deadline) const {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
    pollfd entry{.fd = fd_, .events = events, .revents = 0};
    return left > 0 && poll(&entry, 1, static_cast<int>(left)) > 0;
  }

 private:
  const int fd_;
};

std::unexpected<VolumeError> Unreachable(const std::string& why) {
  return std::unexpected(VolumeError{.code = "unreachable", .message = why});
}

std::unexpected<VolumeError> Unreachable() { return Unreachable(std::strerror(errno)); }

bool IsTransient() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

std::expected<Json, VolumeError> VolumeClient::Call(const Json& command,
                                                    std::chrono::milliseconds time) const {
  const auto deadline = steady_clock::now() + time;
  const Socket socket;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.native().size() >= sizeof address.sun_path) {
    return Unreachable("the socket's path is too long");
  }
  socket_.native().copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    // The kernel closes the socket of a process that ends; one that hangs takes connections still.
    const bool is_gone = errno == ECONNREFUSED || errno == ENOENT;
    auto error = Unreachable();
    error.error().code = is_gone ? "gone" : "unreachable";
    return error;
  }
  const std::string line = command.dump() + "\n";
  for (std::size_t at = 0; at < line.size();) {
    const ssize_t sent = send(socket.get(), line.data() + at, line.size() - at, MSG_NOSIGNAL);
    if (sent < 0 && !IsTransient()) {
      return Unreachable();
    }
    at += sent < 0 ? 0 : static_cast<std::size_t>(sent);
    if (sent < 0 && !socket.Wait(POLLOUT, deadline)) {
      return Unreachable("no answer in time");
    }
  }
  std::string answer;
  while (!answer.ends_with('\n')) {
    if (!socket.Wait(POLLIN, deadline)) {
      return Unreachable("no answer in time");
    }
    char buffer[4096];
    const ssize_t size = recv(socket.get(), buffer, sizeof buffer, 0);
    if (size < 0 && IsTransient()) {
      continue;
    }
    if (size <= 0) {
      return size < 0 ? Unreachable() : Unreachable("it closed the connection");
    }
    answer.append(buffer, static_cast<std::size_t>(size));
    if (answer.size() > kMaxAnswer) {
      return Unreachable("its answer is too long");
    }
  }
  Json parsed = Json::parse(answer, nullptr, false);
  if (!parsed.is_object()) {
    return Unreachable("its answer is no JSON object");
  }
  if (parsed.value("ok", Json()) == true) {
    return parsed;
  }
  VolumeError error{.code = "failed", .message = "no reason given"};
  if (const auto found = parsed.find("error"); found != parsed.end() && found->is_object()) {
    for (const auto& [key, text] : {std::pair("code", &error.code), {"message", &error.message}}) {
      if (const auto value = found->find(key); value != found->end() && value->is_string()) {
        *text = value->get<std::string>();
      }
    }
  }
  return std::unexpected(error);
}

Json AttachCommand(const Order& order, std::chrono::milliseconds time) {
  Json command{{"command", "attach"},
               {"mode", ToString(order.role)},
               {"branch", order.branch},
               {"timeout_ms", time.count()}};
  if (order.role == Role::kWriter) {
    command["epoch"] = order.epoch;
  }
  return command;
}

VolumeView ParseVolumeStatus(const Json& status) {
  VolumeView view;
  const auto text = [&](const char* key) {
    const auto found = status.find(key);
    return found != status.end() && found->is_string() ? found->get<std::string>() : "";
  };
  const auto number = [&](const char* key) -> std::uint64_t {
    const auto found = status.find(key);
    return found != status.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
  };
  constexpr std::pair<std::string_view, VolumeState> kStates[] = {
      {"detached", VolumeState::kDetached}, {"attaching", VolumeState::kMoving},
      {"attached", VolumeState::kAttached}, {"detaching", VolumeState::kMoving},
      {"fenced", VolumeState::kFenced},     {"failed", VolumeState::kFailed}};
  for (const auto& [name, state] : kStates) {
    if (text("state") == name) {
      view.state = state;
    }
  }
  const std::string mode = text("mode");
  view.mode = mode == "writer" ? Role::kWriter : mode == "reader" ? Role::kReader : Role::kNone;
  view.branch = number("branch");
  view.epoch = number("epoch");
  if (view.state == VolumeState::kAttached && number("fenced_by") != 0) {
    view.state = VolumeState::kFenced;
  }
  return view;
}

}  // namespace sextant::agent
