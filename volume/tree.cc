#include "volume/tree.h"

#include <cerrno>
#include <sys/stat.h>
#include <utility>

namespace sextant::volume {

Tree::Tree(Source source) : source_(std::move(source)) {}

InodePtr Tree::Adopt(std::uint64_t inode, std::uint64_t parent,
                     const protocol::Attributes& attributes) {
  auto& place = inodes_[inode];
  if (!place) {
    place = std::make_shared<Inode>(inode);
    place->attributes = attributes;
    place->parent = parent;
    place->stored_end = (attributes.size + kPageSize - 1) / kPageSize;
  }
  return place;
}

Outcome<InodePtr> Tree::Find(std::uint64_t inode) {
  if (const auto found = inodes_.find(inode); found != inodes_.end()) {
    return found->second;
  }
  // The kernel knows only what was looked up through its directory; the root alone comes like this.
  const auto answer = source_(protocol::GetAttributes{inode});
  if (!answer) {
    return Errno(answer.error());
  }
  const auto& attributes = std::get<std::optional<protocol::Attributes>>(*answer);
  if (!attributes) {
    return Errno(ENOENT);
  }
  return Adopt(inode, inode, *attributes);
}

bool Tree::Loaded(std::uint64_t directory) const {
  const auto found = inodes_.find(directory);
  return found != inodes_.end() && found->second->entries.has_value();
}

InodePtr Tree::FindLoaded(std::uint64_t inode) const {
  const auto found = inodes_.find(inode);
  return found == inodes_.end() ? nullptr : found->second;
}

Outcome<InodePtr> Tree::Directory(std::uint64_t inode) {
  auto directory = Find(inode);
  if (!directory || (*directory)->entries) {
    return directory;
  }
  if (!S_ISDIR((*directory)->Mode())) {
    return Errno(ENOTDIR);
  }
  std::map<std::string, std::uint64_t> entries;
  std::string after;
  for (bool more = true; more;) {
    const auto answer = source_(protocol::ListDirectory{
        .directory = inode, .after = after, .limit = protocol::kMaximumListEntries});
    if (!answer) {
      return Errno(answer.error());
    }
    const auto& listing = std::get<protocol::DirectoryListing>(*answer);
    for (const auto& entry : listing.entries) {
      if (entry.attributes) {
        Adopt(entry.inode, inode, *entry.attributes);
        entries.emplace(entry.name, entry.inode);
      }
      after = entry.name;
    }
    more = listing.more && !listing.entries.empty();
  }
  (*directory)->entries = std::move(entries);
  return directory;
}

Outcome<InodePtr> Tree::LookUp(std::uint64_t directory, const std::string& name) {
  const auto loaded = Directory(directory);
  if (!loaded) {
    return loaded;
  }
  const auto found = (*loaded)->entries->find(name);
  if (found == (*loaded)->entries->end()) {
    return Errno(ENOENT);
  }
  return Find(found->second);
}

void Tree::Apply(const protocol::Record& record, std::uint64_t time) {
  protocol::ApplyMetadata(record, time, *this);
}

std::optional<protocol::Attributes> Tree::Get(std::uint64_t inode) {
  const auto found = inodes_.find(inode);
  if (found == inodes_.end()) {
    return std::nullopt;
  }
  const std::lock_guard lock(found->second->mutex);
  return found->second->attributes;
}

void Tree::Put(std::uint64_t inode, const protocol::Attributes& attributes) {
  auto& place = inodes_[inode];
  if (!place) {  // made just now, so all that it will ever hold comes through here
    place = std::make_shared<Inode>(inode);
    if (S_ISDIR(attributes.mode)) {
      place->entries.emplace();
    }
  }
  const std::lock_guard lock(place->mutex);
  place->attributes = attributes;
}

std::uint64_t Tree::Entry(std::uint64_t directory, const std::string& name) {
  const auto loaded = inodes_.find(directory);
  if (loaded == inodes_.end() || !loaded->second->entries) {
    return 0;
  }
  const auto found = loaded->second->entries->find(name);
  return found == loaded->second->entries->end() ? 0 : found->second;
}

void Tree::PutEntry(std::uint64_t directory, const std::string& name, std::uint64_t inode) {
  const auto loaded = inodes_.find(directory);
  if (loaded == inodes_.end() || !loaded->second->entries) {
    return;  // the root's own name, in directory 0
  }
  if (inode == 0) {
    loaded->second->entries->erase(name);
    return;
  }
  (*loaded->second->entries)[name] = inode;
  auto& place = inodes_[inode];
  if (!place) {
    place = std::make_shared<Inode>(inode);
  }
  place->parent = directory;
}

// Pages are cut where they are kept, in FileSystem.
void Tree::PutZeros(std::uint64_t /*inode*/, const protocol::ZeroRange& /*range*/) {}

}  // namespace sextant::volume
