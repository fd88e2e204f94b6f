#include "storage/index/metadata.h"

#include "sextant/protocol/codec.h"
#include "storage/index/key.h"

#include <limits>

namespace sextant::storage {
namespace {

constexpr std::uint32_t kExchange = 2;  // RENAME_EXCHANGE of renameat2(2)
constexpr std::uint32_t kSymlinkMode = 0120777;

std::string ToString(protocol::BytesView bytes) { return {bytes.begin(), bytes.end()}; }

template <class T>
std::string Pack(const T& value) {
  protocol::Encoder out;
  out(value);
  return ToString(out.bytes());
}

template <class T>
std::optional<T> Unpack(std::string_view bytes) {
  const protocol::Bytes copy(bytes.begin(), bytes.end());
  protocol::Decoder in(copy);
  T value;
  in(value);
  return in.Done() ? std::optional(std::move(value)) : std::nullopt;
}

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

  void operator()(const protocol::Create& create) const {
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

  void operator()(const protocol::Symlink& symlink) const {
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

  void operator()(const protocol::Link& link) const {
    if (state.Entry(link.parent, link.name) != link.inode) {
      Name(link.parent, link.name, link.inode);
      AddLink(link.inode, 1);
    }
  }

  void operator()(const protocol::Unlink& unlink) const { Name(unlink.parent, unlink.name, 0); }

  void operator()(const protocol::Rename& rename) const {
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

  void operator()(const protocol::SetAttributes& set) const {
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
  void operator()(const protocol::Truncate& truncate) const {
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

  void operator()(const protocol::PunchHole& punch) const {
    const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - punch.offset;
    state.PutZeros(punch.inode, {punch.offset, punch.offset + std::min(punch.length, room)});
  }

  // Pages, and what is about the volume and not about its files.
  template <class Other>
  void operator()(const Other&) const {}
};

}  // namespace

std::string PackAttributes(const Attributes& attributes) { return Pack(attributes); }

std::optional<Attributes> UnpackAttributes(std::string_view bytes) {
  return Unpack<Attributes>(bytes);
}

std::string PackZeros(const ZeroRange& range) { return Pack(range); }

std::optional<ZeroRange> UnpackZeros(std::string_view bytes) { return Unpack<ZeroRange>(bytes); }

std::string PackInode(std::uint64_t inode) { return Pack(inode); }

std::uint64_t UnpackInode(std::string_view bytes) {
  return Unpack<std::uint64_t>(bytes).value_or(0);
}

void ApplyMetadata(const protocol::Record& record, std::uint64_t time, MetadataState& state) {
  std::visit(Applier{time, state}, record);
}

}  // namespace sextant::storage
