// The file tree of a branch at a position.
#pragma once

#include "storage/storectl/command.h"

#include <functional>

namespace sextant::storectl {

struct File {
  std::string path;
  std::uint64_t inode = 0;
  protocol::Attributes attributes;
};

// Every regular file once for each of its names, depth first, names in the order of their bytes.
[[nodiscard]] client::Result<> WalkTree(const Session& session, protocol::BranchId branch,
                                        const protocol::Position& at,
                                        const std::function<void(const File&)>& visit);

}  // namespace sextant::storectl
