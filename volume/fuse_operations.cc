#include "volume/fuse_operations.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <vector>

namespace sextant::volume {
namespace {

// The mount is the only way to these files, so the kernel may believe what it knows.
constexpr double kForever = 86400;
constexpr std::uint64_t kCapacity = 128ULL << 40;
constexpr std::uint32_t kLargestRequest = 1U << 20;

FuseState& State(fuse_req_t request) {
  return *static_cast<FuseState*>(fuse_req_userdata(request));
}

FileSystem& Files(fuse_req_t request) { return *State(request).files; }

Owner Caller(fuse_req_t request) {
  const fuse_ctx* context = fuse_req_ctx(request);
  return {.uid = context->uid, .gid = context->gid};
}

timespec ToTimespec(std::uint64_t microseconds) {
  return {.tv_sec = static_cast<time_t>(microseconds / 1'000'000),
          .tv_nsec = static_cast<long>(microseconds % 1'000'000 * 1000)};
}

std::uint64_t FromTimespec(const timespec& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec) / 1000;
}

struct stat ToStat(std::uint64_t inode, const protocol::Attributes& attributes) {
  struct stat out = {};
  out.st_ino = inode;
  out.st_mode = attributes.mode;
  out.st_nlink = S_ISDIR(attributes.mode) ? 2 : attributes.links;
  out.st_uid = attributes.uid;
  out.st_gid = attributes.gid;
  out.st_rdev = attributes.device;
  out.st_size = static_cast<off_t>(attributes.size);
  out.st_blksize = kPageSize;
  out.st_blocks = static_cast<blkcnt_t>((attributes.size + 511) / 512);
  out.st_atim = ToTimespec(attributes.accessed);
  out.st_mtim = ToTimespec(attributes.modified);
  out.st_ctim = ToTimespec(attributes.changed);
  return out;
}

fuse_entry_param ToEntry(const Found& found) {
  fuse_entry_param entry = {};
  entry.ino = found.inode;
  entry.attr = ToStat(found.inode, found.attributes);
  entry.attr_timeout = entry.entry_timeout = kForever;
  return entry;
}

void ReplyEntry(fuse_req_t request, const Outcome<Found>& found) {
  if (!found) {
    fuse_reply_err(request, found.error());
    return;
  }
  const auto entry = ToEntry(*found);
  fuse_reply_entry(request, &entry);
}

void Reply(fuse_req_t request, const Outcome<>& outcome) {
  fuse_reply_err(request, outcome ? 0 : outcome.error());
}

void Initialize(void* /*files*/, fuse_conn_info* connection) {
  for (const auto capability :
       {FUSE_CAP_PARALLEL_DIROPS, FUSE_CAP_ASYNC_READ, FUSE_CAP_ASYNC_DIO}) {
    (void)fuse_set_feature_flag(connection, static_cast<std::uint64_t>(capability));
  }
  // A write-back cache in the kernel would make one write of an engine several of pages, late.
  // Without atomic O_TRUNC the kernel cuts a file by SetAttributes, under the file's own lock. Its
  // cache is never stale, as it is the only way to these files: a new mtime must not empty it.
  for (const auto capability :
       {FUSE_CAP_WRITEBACK_CACHE, FUSE_CAP_ATOMIC_O_TRUNC, FUSE_CAP_AUTO_INVAL_DATA}) {
    fuse_unset_feature_flag(connection, static_cast<std::uint64_t>(capability));
  }
  connection->max_write = kLargestRequest;
  connection->max_readahead = kLargestRequest;
  connection->max_background = 64;
  connection->congestion_threshold = 48;
}

void LookUp(fuse_req_t request, fuse_ino_t parent, const char* name) {
  const auto found = Files(request).LookUp(parent, name);
  if (!found && found.error() == ENOENT) {
    fuse_entry_param nothing = {};  // known not to be there
    nothing.entry_timeout = kForever;
    fuse_reply_entry(request, &nothing);
    return;
  }
  ReplyEntry(request, found);
}

void GetAttributes(fuse_req_t request, fuse_ino_t inode, fuse_file_info* /*file*/) {
  const auto attributes = Files(request).Get(inode);
  if (!attributes) {
    fuse_reply_err(request, attributes.error());
    return;
  }
  const auto stat = ToStat(inode, *attributes);
  fuse_reply_attr(request, &stat, kForever);
}

void SetAttributes(fuse_req_t request, fuse_ino_t inode, struct stat* stat, int which,
                   fuse_file_info* /*file*/) {
  Changes changes;
  const auto set = [&](int bit) { return (which & bit) != 0; };
  if (set(FUSE_SET_ATTR_MODE)) {
    changes.mode = stat->st_mode;
  }
  if (set(FUSE_SET_ATTR_UID)) {
    changes.uid = stat->st_uid;
  }
  if (set(FUSE_SET_ATTR_GID)) {
    changes.gid = stat->st_gid;
  }
  if (set(FUSE_SET_ATTR_SIZE)) {
    changes.size = static_cast<std::uint64_t>(stat->st_size);
  }
  if (set(FUSE_SET_ATTR_ATIME_NOW)) {
    changes.accessed = WallClock();
  } else if (set(FUSE_SET_ATTR_ATIME)) {
    changes.accessed = FromTimespec(stat->st_atim);
  }
  if (set(FUSE_SET_ATTR_MTIME_NOW)) {
    changes.modified = WallClock();
  } else if (set(FUSE_SET_ATTR_MTIME)) {
    changes.modified = FromTimespec(stat->st_mtim);
  }
  const auto attributes = Files(request).Set(inode, changes);
  if (!attributes) {
    fuse_reply_err(request, attributes.error());
    return;
  }
  const auto answer = ToStat(inode, *attributes);
  fuse_reply_attr(request, &answer, kForever);
}

void ReadLink(fuse_req_t request, fuse_ino_t inode) {
  const auto attributes = Files(request).Get(inode);
  if (!attributes) {
    fuse_reply_err(request, attributes.error());
    return;
  }
  fuse_reply_readlink(request, attributes->target.c_str());
}

void MakeNode(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  ReplyEntry(request, Files(request).Create(parent, name, mode, Caller(request), device));
}

void MakeDirectory(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  ReplyEntry(request,
             Files(request).Create(parent, name, (mode & 07777U) | S_IFDIR, Caller(request), 0));
}

void MakeSymlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  ReplyEntry(request, Files(request).Symlink(parent, name, target, Caller(request)));
}

void MakeLink(fuse_req_t request, fuse_ino_t inode, fuse_ino_t parent, const char* name) {
  ReplyEntry(request, Files(request).Link(inode, parent, name));
}

void Unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Reply(request, Files(request).Unlink(parent, name));
}

void RemoveDirectory(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Reply(request, Files(request).RemoveDirectory(parent, name));
}

void Rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
  Reply(request, Files(request).Rename(parent, name, new_parent, new_name, flags));
}

void Open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  if (const auto opened = Files(request).Open(inode); !opened) {
    fuse_reply_err(request, opened.error());
    return;
  }
  file->keep_cache = 1;
  if (fuse_reply_open(request, file) == -ENOENT) {
    Files(request).Release(inode);  // the caller was interrupted
  }
}

void Create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
            fuse_file_info* file) {
  FileSystem& files = Files(request);
  const auto made = files.Create(parent, name, (mode & 07777U) | S_IFREG, Caller(request), 0);
  if (!made) {
    fuse_reply_err(request, made.error());
    return;
  }
  if (const auto opened = files.Open(made->inode); !opened) {
    fuse_reply_err(request, opened.error());
    return;
  }
  file->keep_cache = 1;
  const auto entry = ToEntry(*made);
  if (fuse_reply_create(request, &entry, file) == -ENOENT) {
    files.Release(made->inode);
  }
}

void Release(fuse_req_t request, fuse_ino_t inode, fuse_file_info* /*file*/) {
  Files(request).Release(inode);
  fuse_reply_err(request, 0);
}

void Read(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset,
          fuse_file_info* /*file*/) {
  Files(request).Read(
      inode, static_cast<std::uint64_t>(offset), size,
      [request,
       state = State(request).shared_from_this()](const Outcome<std::vector<std::uint8_t>>& bytes) {
        if (!bytes) {
          fuse_reply_err(request, bytes.error());
        } else {
          fuse_reply_buf(request, reinterpret_cast<const char*>(bytes->data()), bytes->size());
        }
      });
}

void Write(fuse_req_t request, fuse_ino_t inode, const char* bytes, std::size_t size, off_t offset,
           fuse_file_info* file) {
  FileSystem& files = Files(request);
  const auto written =
      files.Write(inode, static_cast<std::uint64_t>(offset),
                  {reinterpret_cast<const std::uint8_t*>(bytes), size}, file->writepage != 0);
  if (!written) {
    fuse_reply_err(request, written.error());
    return;
  }
  // With O_DSYNC the kernel sends a sync once all parts of a write are here; not earlier, which
  // would tear it.
  fuse_reply_write(request, size);
}

void Sync(fuse_req_t request, fuse_ino_t inode, int /*only_data*/, fuse_file_info* /*file*/) {
  Files(request).Sync(inode, [request, state = State(request).shared_from_this()](int error) {
    fuse_reply_err(request, error);
  });
}

void SyncDirectory(fuse_req_t request, fuse_ino_t /*inode*/, int /*only_data*/,
                   fuse_file_info* /*file*/) {
  Files(request).SyncMetadata([request, state = State(request).shared_from_this()](int error) {
    fuse_reply_err(request, error);
  });
}

void Allocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length,
              fuse_file_info* /*file*/) {
  Reply(request, Files(request).Allocate(inode, mode, static_cast<std::uint64_t>(offset),
                                         static_cast<std::uint64_t>(length)));
}

// --- Directories: what one opened is a picture of that moment. ---

using Picture = std::vector<Listed>;

void OpenDirectory(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  auto listed = Files(request).List(inode);
  if (!listed) {
    fuse_reply_err(request, listed.error());
    return;
  }
  auto picture = std::make_unique<Picture>(std::move(*listed));
  file->fh = reinterpret_cast<std::uint64_t>(picture.get());
  if (fuse_reply_open(request, file) == 0) {
    (void)picture.release();  // the kernel has it, until ReleaseDirectory
  }
}

void ReadDirectory(fuse_req_t request, fuse_ino_t /*inode*/, std::size_t size, off_t offset,
                   fuse_file_info* file) {
  const auto& picture = *reinterpret_cast<const Picture*>(file->fh);
  std::vector<char> buffer(size);
  std::size_t used = 0;
  for (auto at = static_cast<std::size_t>(offset); at < picture.size(); ++at) {
    struct stat stat = {};
    stat.st_ino = picture[at].inode;
    stat.st_mode = picture[at].mode;
    const std::size_t needed =
        fuse_add_direntry(request, buffer.data() + used, size - used, picture[at].name.c_str(),
                          &stat, static_cast<off_t>(at + 1));
    if (needed > size - used) {
      break;
    }
    used += needed;
  }
  fuse_reply_buf(request, buffer.data(), used);
}

void ReleaseDirectory(fuse_req_t request, fuse_ino_t /*inode*/, fuse_file_info* file) {
  const std::unique_ptr<Picture> picture(reinterpret_cast<Picture*>(file->fh));
  fuse_reply_err(request, 0);
}

void StatFileSystem(fuse_req_t request, fuse_ino_t /*inode*/) {
  struct statvfs stat = {};
  stat.f_bsize = stat.f_frsize = kPageSize;
  stat.f_blocks = stat.f_bfree = stat.f_bavail = kCapacity / kPageSize;
  stat.f_files = stat.f_ffree = stat.f_favail = 1ULL << 32;
  stat.f_namemax = 255;
  fuse_reply_statfs(request, &stat);
}

}  // namespace

fuse_lowlevel_ops FuseOperations() {
  fuse_lowlevel_ops table = {};
  table.init = Initialize;
  table.lookup = LookUp;
  table.getattr = GetAttributes;
  table.setattr = SetAttributes;
  table.readlink = ReadLink;
  table.mknod = MakeNode;
  table.mkdir = MakeDirectory;
  table.symlink = MakeSymlink;
  table.link = MakeLink;
  table.unlink = Unlink;
  table.rmdir = RemoveDirectory;
  table.rename = Rename;
  table.open = Open;
  table.create = Create;
  table.release = Release;
  table.read = Read;
  table.write = Write;
  table.fsync = Sync;
  table.fsyncdir = SyncDirectory;
  table.fallocate = Allocate;
  table.opendir = OpenDirectory;
  table.readdir = ReadDirectory;
  table.releasedir = ReleaseDirectory;
  table.statfs = StatFileSystem;
  // No extended attributes: ENOSYS once, and the kernel never asks again. Else it would ask for
  // capabilities before every write.
  return table;
}

}  // namespace sextant::volume
