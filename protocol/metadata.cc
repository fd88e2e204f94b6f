#include "sextant/protocol/metadata.h"

#include <algorithm>
#include <limits>

namespace sextant::protocol {
namespace {

constexpr std::uint32_t kExchange = 2;  // RENAME_EXCHANGE of renameat2(2)
constexpr std::uint32_t kSymlinkMode = 0120777;

struct Applier {
  std::uint64_t time;
  MetadataState& state;

  void AddLink(std::uint64_t inode, std::int32_t change) const {
    if (auto attributes = state.Get(inode)) {
      attributes->links = static_cast<std::uint32_t>(
          std::max<std::int64_t>(0, std::int64_t{attributes->links} + change));
      attributes->changed = time;
      state.Put(inode, *attributes);
    }
  }

  // The name stands for `inode` (0: nothing) from here on; what it stood for loses a link.
  void Name(std::uint64_t directory, const std::string& name, std::uint64_t inode) const {
    const std::uint64_t before = state.Entry(directory, name);
    if (before != 0 && before != inode) {
      AddLink(before, -1);
    }
    state.PutEntry(directory, name, inode);
  }

  void operator()(const Create& create) const {
    Name(create.parent, create.name, create.inode);
    state.Put(create.inode, {.mode = create.mode,
                             .uid = create.uid,
                             .gid = create.gid,
                             .device = create.device,
                             .size = 0,
                             .links = 1,
                             .accessed = time,
                             .modified = time,
                             .changed = time,
                             .target = {}});
  }

  void operator()(const Symlink& symlink) const {
    Name(symlink.parent, symlink.name, symlink.inode);
    state.Put(symlink.inode, {.mode = kSymlinkMode,
                              .uid = symlink.uid,
                              .gid = symlink.gid,
                              .device = 0,
                              .size = symlink.target.size(),
                              .links = 1,
                              .accessed = time,
                              .modified = time,
                              .changed = time,
                              .target = symlink.target});
  }

  void operator()(const Link& link) const {
    if (state.Entry(link.parent, link.name) != link.inode) {
      Name(link.parent, link.name, link.inode);
      AddLink(link.inode, 1);
    }
  }

  void operator()(const Unlink& unlink) const { Name(unlink.parent, unlink.name, 0); }

  void operator()(const Rename& rename) const {
    const std::uint64_t moved = state.Entry(rename.parent, rename.name);
    const std::uint64_t replaced = state.Entry(rename.new_parent, rename.new_name);
    if (moved == 0 || moved == replaced) {
      return;
    }
    if ((rename.flags & kExchange) != 0) {
      state.PutEntry(rename.parent, rename.name, replaced);
      state.PutEntry(rename.new_parent, rename.new_name, moved);
      return;
    }
    Name(rename.new_parent, rename.new_name, moved);
    state.PutEntry(rename.parent, rename.name, 0);
  }

  void operator()(const SetAttributes& set) const {
    if (auto attributes = state.Get(set.inode)) {
      attributes->mode = set.mode.value_or(attributes->mode);
      attributes->uid = set.uid.value_or(attributes->uid);
      attributes->gid = set.gid.value_or(attributes->gid);
      attributes->accessed = set.accessed.value_or(attributes->accessed);
      attributes->modified = set.modified.value_or(attributes->modified);
      attributes->changed = time;
      state.Put(set.inode, *attributes);
    }
  }

  // A file that grows has nothing to lose. Without this every extension of a file would slow down
  // reads of its pages.
  void operator()(const Truncate& truncate) const {
    auto attributes = state.Get(truncate.inode);
    if (!attributes || truncate.size < attributes->size) {
      state.PutZeros(truncate.inode, {truncate.size, std::numeric_limits<std::uint64_t>::max()});
    }
    if (attributes) {
      attributes->size = truncate.size;
      attributes->modified = attributes->changed = time;
      state.Put(truncate.inode, *attributes);
    }
  }

  void operator()(const PunchHole& punch) const {
    const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - punch.offset;
    state.PutZeros(punch.inode, {punch.offset, punch.offset + std::min(punch.length, room)});
  }

  // Pages, and what is about the volume and not about its files.
  template <class Other>
  void operator()(const Other&) const {}
};

}  // namespace

void ApplyMetadata(const Record& record, std::uint64_t time, MetadataState& state) {
  std::visit(Applier{time, state}, record);
}

std::size_t EncodedSize(const DirectoryEntry& entry) {
  Encoder out;
  out(entry);
  return out.size();
}

}  // namespace sextant::protocol
