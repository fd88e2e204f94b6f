#include "storage/storectl/command.h"

#include <format>
#include <iostream>

namespace sextant::storectl {

int Fail(const std::string& message) {
  std::cerr << "error: " << message << "\n";
  return 1;
}

int Fail(const client::Error& error) { return Fail(error.message); }

client::Result<protocol::Position> Resolve(const Session& session, protocol::BranchId branch,
                                           const Point& at) {
  const auto found = session.client.FindBranch(branch, session.deadline);
  if (!found) {
    return std::unexpected(found.error());
  }
  if (at.time) {
    return session.client.FindLsn(branch, *at.time, {0, found->vdl}, session.deadline);
  }
  if (at.lsn && *at.lsn > found->vdl) {
    return std::unexpected(
        client::Error{client::ErrorCode::kInvalid,
                      std::format("branch {} is durable up to {}", branch, found->vdl)});
  }
  return protocol::Position{0, at.lsn.value_or(found->vdl)};
}

int Seal(const Session& session, protocol::BranchId branch, std::optional<protocol::Epoch> epoch) {
  const auto found = session.client.FindBranch(branch, session.deadline);
  if (!found) {
    return Fail(found.error());
  }
  const protocol::Epoch next = epoch.value_or(found->promised + 1);
  const auto writer = session.client.Attach(found->branch, next, session.deadline);
  if (!writer) {
    return Fail(writer.error());
  }
  session.out << std::format("branch {} is sealed by epoch {} at {}\n", branch, next,
                             (*writer)->vdl());
  return 0;
}

int MakeBranch(const Session& session, protocol::BranchId parent, const Point& at,
               protocol::BranchId id) {
  if (session.client.FindBranch(id, session.deadline)) {
    return Fail(std::format("branch {} exists already", id));
  }
  const auto fork = Resolve(session, parent, at);
  if (!fork) {
    return Fail(fork.error());
  }
  const protocol::Branch branch{.id = id, .parent = parent, .fork = fork->lsn};
  if (const auto made = session.client.MakeBranch(branch, session.deadline); !made) {
    return Fail(made.error());
  }
  session.out << std::format("branch {} forks from {} at {}\n", id, parent, fork->lsn);
  return 0;
}

}  // namespace sextant::storectl
