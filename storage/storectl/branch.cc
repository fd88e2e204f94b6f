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
  return client::Resolve(session.client, branch, at, session.deadline);
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
  const auto made = client::MakeBranchAt(session.client, parent, at, id, session.deadline);
  if (!made) {
    return Fail(made.error());
  }
  session.out << std::format("branch {} forks from {} at {}\n", id, parent, made->fork);
  return 0;
}

}  // namespace sextant::storectl
