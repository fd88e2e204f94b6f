#include "sextant/client/point.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <sstream>
#include <string>
#include <thread>

namespace sextant::client {
namespace {

// The nodes hear from the writer what is durable a moment after it is.
constexpr auto kVdlPatience = std::chrono::seconds(1);
constexpr auto kAskInterval = std::chrono::milliseconds(20);

}  // namespace

std::optional<std::uint64_t> ParseTime(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::chrono::sys_time<std::chrono::microseconds> time;
  if (!(in >> std::chrono::parse("%FT%TZ", time)) || in.peek() != std::char_traits<char>::eof() ||
      time.time_since_epoch().count() < 0) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

Result<protocol::Position> Resolve(Client& client, protocol::BranchId branch, const Point& at,
                                   Deadline deadline) {
  const Deadline patience = std::min(deadline, std::chrono::steady_clock::now() + kVdlPatience);
  while (true) {
    const auto found = client.FindBranch(branch, deadline);
    if (!found) {
      return std::unexpected(found.error());
    }
    if (at.time) {
      return client.FindLsn(branch, *at.time, {0, found->vdl}, deadline);
    }
    if (!at.lsn || *at.lsn <= found->vdl) {
      return protocol::Position{0, at.lsn.value_or(found->vdl)};
    }
    if (std::chrono::steady_clock::now() >= patience) {
      return std::unexpected(Error{
          ErrorCode::kInvalid, std::format("branch {} is durable up to {}", branch, found->vdl)});
    }
    std::this_thread::sleep_for(kAskInterval);
  }
}

Result<protocol::Branch> MakeBranchAt(Client& client, protocol::BranchId parent, const Point& at,
                                      protocol::BranchId id, Deadline deadline) {
  if (client.FindBranch(id, deadline)) {
    return std::unexpected(Error{ErrorCode::kInvalid, std::format("branch {} exists already", id)});
  }
  const auto fork = Resolve(client, parent, at, deadline);
  if (!fork) {
    return std::unexpected(fork.error());
  }
  const protocol::Branch branch{.id = id, .parent = parent, .fork = fork->lsn};
  return client.MakeBranch(branch, deadline).transform([&] { return branch; });
}

}  // namespace sextant::client
