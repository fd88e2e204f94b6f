#include "volume/file_system.h"

#include <cerrno>
#include <chrono>
#include <linux/fs.h>
#include <sys/stat.h>
#include <utility>

namespace sextant::volume {
namespace {

constexpr std::size_t kLongestName = 255;

int ErrnoOf(const client::Error& error) {
  return error.code == client::ErrorCode::kCollected ? ESTALE : EIO;
}

}  // namespace

std::uint64_t WallClock() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

FileSystem::FileSystem(std::shared_ptr<Nodes> nodes, std::shared_ptr<Store> store)
    : nodes_(std::move(nodes)),
      store_(std::move(store)),
      tree_([this](const protocol::MetadataQuery& query) -> Outcome<protocol::MetadataAnswer> {
        auto answer = Patiently([&](client::Deadline deadline) {
          return nodes_->ReadMetadata(query, store_->position(), deadline);
        });
        if (!answer) {
          return Errno(ErrnoOf(answer.error()));
        }
        return *std::move(answer);
      }) {}

void FileSystem::Apply(const protocol::Record& record) {
  tree_.Apply(record, WallClock());
  store_->Changed(record);
}

Outcome<> FileSystem::EnsureRoot(const Owner& owner) {
  const std::lock_guard lock(tree_.mutex());
  const auto root = tree_.Find(protocol::kRootInode);
  if (root || root.error() != ENOENT) {
    return root ? Outcome<>() : Errno(root.error());
  }
  Apply(protocol::Create{.parent = 0,
                         .name = "/",
                         .inode = protocol::kRootInode,
                         .mode = S_IFDIR | 0755,
                         .uid = owner.uid,
                         .gid = owner.gid,
                         .device = 0});
  return {};
}

Outcome<bool> FileSystem::Empty() {
  const std::lock_guard lock(tree_.mutex());
  const auto root = tree_.Directory(protocol::kRootInode);
  if (!root) {
    return Errno(root.error());
  }
  return (*root)->entries->empty();
}

Outcome<InodePtr> FileSystem::Find(std::uint64_t inode) {
  {
    const std::shared_lock lock(tree_.mutex());
    if (auto found = tree_.FindLoaded(inode)) {
      return found;
    }
  }
  const std::lock_guard lock(tree_.mutex());
  return tree_.Find(inode);
}

Outcome<Found> FileSystem::LookUp(std::uint64_t parent, const std::string& name) {
  const auto answer = [](const Outcome<InodePtr>& found) -> Outcome<Found> {
    if (!found) {
      return Errno(found.error());
    }
    const std::lock_guard lock((*found)->mutex);
    return Found{(*found)->id, (*found)->attributes};
  };
  {
    const std::shared_lock lock(tree_.mutex());
    if (tree_.Loaded(parent)) {
      return answer(tree_.LookUp(parent, name));
    }
  }
  const std::lock_guard lock(tree_.mutex());
  return answer(tree_.LookUp(parent, name));
}

Outcome<protocol::Attributes> FileSystem::Get(std::uint64_t inode) {
  const auto found = Find(inode);
  if (!found) {
    return Errno(found.error());
  }
  const std::lock_guard lock((*found)->mutex);
  return (*found)->attributes;
}

Outcome<Found> FileSystem::Add(std::uint64_t parent, const std::string& name, std::uint64_t inode,
                               const MakeRecord& record) {
  if (name.size() > kLongestName) {
    return Errno(ENAMETOOLONG);
  }
  if (const auto admitted = store_->Admit(); !admitted) {
    return Errno(admitted.error());
  }
  const std::lock_guard lock(tree_.mutex());
  const auto there = tree_.LookUp(parent, name);
  if (there || there.error() != ENOENT) {
    return Errno(there ? EEXIST : there.error());
  }
  // Only what is told to the log takes a number: they must not run ahead of its end.
  const std::uint64_t number = inode != 0 ? inode : store_->NewInode();
  Apply(record(number));
  const auto made = tree_.Find(number);
  if (!made) {
    return Errno(made.error());
  }
  const std::lock_guard attributes((*made)->mutex);
  return Found{number, (*made)->attributes};
}

Outcome<Found> FileSystem::Create(std::uint64_t parent, const std::string& name, std::uint32_t mode,
                                  const Owner& owner, std::uint64_t device) {
  return Add(parent, name, 0, [&](std::uint64_t inode) {
    return protocol::Create{.parent = parent,
                            .name = name,
                            .inode = inode,
                            .mode = mode,
                            .uid = owner.uid,
                            .gid = owner.gid,
                            .device = device};
  });
}

Outcome<Found> FileSystem::Symlink(std::uint64_t parent, const std::string& name,
                                   const std::string& target, const Owner& owner) {
  return Add(parent, name, 0, [&](std::uint64_t inode) {
    return protocol::Symlink{.parent = parent,
                             .name = name,
                             .inode = inode,
                             .target = target,
                             .uid = owner.uid,
                             .gid = owner.gid};
  });
}

Outcome<Found> FileSystem::Link(std::uint64_t inode, std::uint64_t parent,
                                const std::string& name) {
  return Add(parent, name, inode, [&](std::uint64_t number) {
    return protocol::Link{.parent = parent, .name = name, .inode = number};
  });
}

Outcome<> FileSystem::Remove(std::uint64_t parent, const std::string& name, bool directory) {
  if (const auto admitted = store_->Admit(); !admitted) {
    return admitted;
  }
  const std::lock_guard lock(tree_.mutex());
  const auto found = tree_.LookUp(parent, name);
  if (!found) {
    return Errno(found.error());
  }
  if (S_ISDIR((*found)->Mode()) != directory) {
    return Errno(directory ? ENOTDIR : EISDIR);
  }
  if (directory) {
    const auto entries = tree_.Directory((*found)->id);
    if (!entries) {
      return Errno(entries.error());
    }
    if (!(*entries)->entries->empty()) {
      return Errno(ENOTEMPTY);
    }
  }
  Apply(protocol::Unlink{parent, name});
  DropUnused(*found);
  return {};
}

Outcome<> FileSystem::Unlink(std::uint64_t parent, const std::string& name) {
  return Remove(parent, name, false);
}

Outcome<> FileSystem::RemoveDirectory(std::uint64_t parent, const std::string& name) {
  return Remove(parent, name, true);
}

Outcome<> FileSystem::Rename(std::uint64_t parent, const std::string& name,
                             std::uint64_t new_parent, const std::string& new_name,
                             std::uint32_t flags) {
  if ((flags & ~static_cast<std::uint32_t>(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0) {
    return Errno(EINVAL);
  }
  if (new_name.size() > kLongestName) {
    return Errno(ENAMETOOLONG);
  }
  if (const auto admitted = store_->Admit(); !admitted) {
    return admitted;
  }
  const std::lock_guard lock(tree_.mutex());
  const auto moved = tree_.LookUp(parent, name);
  if (!moved) {
    return Errno(moved.error());
  }
  const auto replaced = tree_.LookUp(new_parent, new_name);
  if (!replaced && replaced.error() != ENOENT) {
    return Errno(replaced.error());
  }
  if ((flags & RENAME_NOREPLACE) != 0 && replaced) {
    return Errno(EEXIST);
  }
  if ((flags & RENAME_EXCHANGE) != 0) {
    if (!replaced) {
      return Errno(ENOENT);
    }
  } else if (replaced && S_ISDIR((*replaced)->Mode())) {
    const auto entries = tree_.Directory((*replaced)->id);
    if (!entries || !(*entries)->entries->empty()) {
      return Errno(entries ? ENOTEMPTY : entries.error());
    }
  }
  Apply(protocol::Rename{parent, name, new_parent, new_name, flags});
  if (replaced && (flags & RENAME_EXCHANGE) == 0 && *replaced != *moved) {
    DropUnused(*replaced);
  }
  return {};
}

Outcome<std::vector<Listed>> FileSystem::List(std::uint64_t directory) {
  const std::lock_guard lock(tree_.mutex());
  const auto found = tree_.Directory(directory);
  if (!found) {
    return Errno(found.error());
  }
  const std::uint64_t parent = (*found)->parent == 0 ? directory : (*found)->parent;
  std::vector<Listed> listed{{".", directory, S_IFDIR}, {"..", parent, S_IFDIR}};
  listed.reserve((*found)->entries->size() + 2);
  for (const auto& [name, inode] : *(*found)->entries) {
    const auto entry = tree_.FindLoaded(inode);
    listed.push_back({name, inode, entry ? entry->Mode() : 0});
  }
  return listed;
}

Outcome<> FileSystem::Open(std::uint64_t inode) {
  // Under the tree's mutex: it must not lose its last name in between.
  const auto open = [](const InodePtr& found) {
    const std::lock_guard lock(found->mutex);
    ++found->opens;
  };
  {
    const std::shared_lock lock(tree_.mutex());
    if (const auto found = tree_.FindLoaded(inode)) {
      open(found);
      return {};
    }
  }
  const std::lock_guard lock(tree_.mutex());
  const auto found = tree_.Find(inode);
  if (!found) {
    return Errno(found.error());
  }
  open(*found);
  return {};
}

void FileSystem::Release(std::uint64_t inode) {
  const std::lock_guard lock(tree_.mutex());
  const auto found = tree_.FindLoaded(inode);
  if (!found) {
    return;
  }
  {
    const std::lock_guard file(found->mutex);
    if (--found->opens == 0) {
      found->open_unit.reset();
    }
  }
  DropUnused(found);
}

void FileSystem::DropUnused(const InodePtr& inode) {
  {
    const std::lock_guard lock(inode->mutex);
    if (inode->attributes.links > 0 || inode->opens > 0) {
      return;
    }
    const auto pages = static_cast<std::int64_t>(inode->dirty.size());
    inode->dirty.clear();
    inode->grown = inode->touched = false;
    ++inode->changes;
    store_->Drop(*inode, 0, inode->PagesEnd());
    (void)store_->Written(inode, -pages);
  }
  tree_.Forget(inode->id);
}

void FileSystem::Sync(std::uint64_t inode, Done done) {
  const auto found = Find(inode);
  if (!found) {
    done(found.error());
    return;
  }
  store_->Sync(*found, std::move(done));
}

}  // namespace sextant::volume
