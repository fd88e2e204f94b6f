// The commands of sextant-storectl. Each prints to `out` and returns the process's exit code: 0, or
// 1 when what it looked for is not well, or when it failed, which it says on stderr.
#pragma once

#include "sextant/client/point.h"

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

namespace sextant::storectl {

struct Session {
  client::Client& client;
  std::size_t nodes = 0;  // that are configured
  client::Deadline deadline;
  std::ostream& out;
};

using client::Point;

int Status(const Session& session);
// Makes all nodes that are configured the members of a new volume.
int Init(const Session& session);
// Fences every writer of the branch. Without an epoch: the one above all promised ones.
int Seal(const Session& session, protocol::BranchId branch, std::optional<protocol::Epoch> epoch);
int MakeBranch(const Session& session, protocol::BranchId parent, const Point& at,
               protocol::BranchId id);
// Reads every group and every page of a branch from every node and compares. Not well: anything is
// on fewer than `at_least` nodes, or two differ.
int Verify(const Session& session, protocol::BranchId branch, const Point& at,
           std::size_t at_least);
// One line for each group of the log and each of its records, as `member`, or the first that has
// it, holds them.
int DumpLog(const Session& session, protocol::BranchId branch, const Point& from,
            const std::string& member);
// The page's bytes as they are.
int DumpPage(const Session& session, protocol::BranchId branch, const protocol::PageId& page,
             const Point& at);

// --- For the commands. ---

int Fail(const client::Error& error);
int Fail(const std::string& message);
// The position, once durable, that a point means now.
[[nodiscard]] client::Result<protocol::Position> Resolve(const Session& session,
                                                         protocol::BranchId branch,
                                                         const Point& at);

}  // namespace sextant::storectl
