#include "volume/overlay.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace sextant::volume {
namespace {

constexpr std::uint64_t kPrivateInodes = 1ULL << 62;  // above any LSN, which is what a log's are

}  // namespace

Outcome<std::unique_ptr<Overlay>> Overlay::Make(const OverlayOptions& options,
                                                const protocol::Position& at) {
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  for (const auto& left : std::filesystem::directory_iterator(options.directory, error)) {
    if (left.path().extension() == ".pages") {
      std::filesystem::remove(left.path(), error);
    }
  }
  if (error) {
    return Errno(error.value());
  }
  return std::unique_ptr<Overlay>(new Overlay(options, at));
}

Overlay::Overlay(const OverlayOptions& options, const protocol::Position& at)
    : options_(options),
      at_(at),
      cache_(options.cache_memory, [] { return PageCache::kPending; }),
      next_inode_(kPrivateInodes) {}

Overlay::~Overlay() {
  for (auto& [inode, file] : files_) {
    Close(file, inode);
  }
}

std::string Overlay::PathOf(std::uint64_t inode) const {
  return options_.directory + "/" + std::to_string(inode) + ".pages";
}

Outcome<Overlay::File*> Overlay::Open(std::uint64_t inode) {
  const std::lock_guard lock(mutex_);
  const auto [place, added] = files_.try_emplace(inode);
  if (added) {
    place->second.descriptor =
        open(PathOf(inode).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (place->second.descriptor < 0) {
      const int number = errno;
      files_.erase(place);
      return Errno(number);
    }
  }
  return &place->second;  // an unordered_map never moves its elements
}

void Overlay::Close(File& file, std::uint64_t inode) const {
  close(file.descriptor);
  unlink(PathOf(inode).c_str());
}

// A file without a name may still be open; its pages go when it is dropped.
void Overlay::Changed(const protocol::Record& /*record*/) {}

Outcome<> Overlay::Written(const InodePtr& inode, std::int64_t /*pages*/) {
  inode->grown = inode->touched = false;  // there is no log to tell
  if (inode->dirty.empty()) {
    return {};
  }
  const auto file = Open(inode->id);
  if (!file) {
    inode->dirty.clear();
    return Errno(file.error());
  }
  int failure = 0;
  for (const auto& [index, page] : inode->dirty) {
    if (bytes() >= options_.size && !(*file)->pages.contains(index)) {
      failure = ENOSPC;
      break;
    }
    if (pwrite((*file)->descriptor, page.bytes->data(), kPageSize,
               static_cast<off_t>(index * kPageSize)) != static_cast<ssize_t>(kPageSize)) {
      failure = errno == 0 ? EIO : errno;
      break;
    }
    pages_ += (*file)->pages.insert(index).second ? 1 : 0;
    cache_.Put({inode->id, index}, page.bytes, 0);
    ++inode->changes;
  }
  inode->dirty.clear();
  if (failure != 0) {
    return Errno(failure);
  }
  return {};
}

ConstPagePtr Overlay::Held(const Inode& inode, std::uint64_t page) {
  if (auto cached = cache_.Get({inode.id, page})) {
    return cached;
  }
  File* file = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto found = files_.find(inode.id);
    if (found == files_.end()) {
      return nullptr;
    }
    file = &found->second;
  }
  if (!file->pages.contains(page)) {
    return nullptr;
  }
  auto bytes = std::make_shared<Page>();
  if (pread(file->descriptor, bytes->data(), kPageSize, static_cast<off_t>(page * kPageSize)) !=
      static_cast<ssize_t>(kPageSize)) {
    return nullptr;
  }
  cache_.Put({inode.id, page}, bytes, 0);
  return bytes;
}

void Overlay::Fetched(const Inode& inode, std::uint64_t page, ConstPagePtr bytes) {
  cache_.Put({inode.id, page}, std::move(bytes), 0);
}

void Overlay::Drop(const Inode& inode, std::uint64_t first, std::uint64_t end) {
  cache_.Erase(inode.id, first, end);
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(inode.id);
  if (found == files_.end()) {
    return;
  }
  pages_ -= std::erase_if(found->second.pages,
                          [&](std::uint64_t page) { return page >= first && page < end; });
  if (found->second.pages.empty()) {
    Close(found->second, inode.id);
    files_.erase(found);
  }
}

}  // namespace sextant::volume
