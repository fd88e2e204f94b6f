#include "storage/storectl/tree.h"

#include <sys/stat.h>

namespace sextant::storectl {

client::Result<> WalkTree(const Session& session, protocol::BranchId branch,
                          const protocol::Position& at,
                          const std::function<void(const File&)>& visit) {
  struct Directory {
    std::string path;
    std::uint64_t inode = 0;
    std::string after = {};
  };
  std::vector<Directory> open = {{"", protocol::kRootInode}};
  while (!open.empty()) {
    Directory& directory = open.back();
    const auto answer =
        session.client.ReadMetadata(branch,
                                    protocol::ListDirectory{.directory = directory.inode,
                                                            .after = directory.after,
                                                            .limit = protocol::kMaximumListEntries},
                                    at, session.deadline);
    if (!answer) {
      return std::unexpected(answer.error());
    }
    const auto& listing = std::get<protocol::DirectoryListing>(*answer);
    const std::string path = directory.path;
    if (listing.more) {
      directory.after = listing.entries.back().name;
    } else {
      open.pop_back();
    }
    for (const protocol::DirectoryEntry& entry : listing.entries) {
      if (!entry.attributes) {
        continue;
      }
      if (S_ISDIR(entry.attributes->mode)) {
        open.push_back({path + "/" + entry.name, entry.inode});
      } else if (S_ISREG(entry.attributes->mode)) {
        visit({path + "/" + entry.name, entry.inode, *entry.attributes});
      }
    }
  }
  return {};
}

}  // namespace sextant::storectl
