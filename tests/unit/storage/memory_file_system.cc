#include "tests/unit/storage/memory_file_system.h"

#include <algorithm>
#include <cerrno>
#include <set>

namespace sextant::storage::testing {

namespace fs = std::filesystem;

class MemoryFile : public File {
 public:
  MemoryFile(MemoryFileSystem& owner, std::shared_ptr<MemoryFileSystem::Content> content)
      : owner_(owner), content_(std::move(content)) {}

  Result<std::size_t> Write(std::uint64_t offset, std::span<const BytesView> pieces) override {
    Bytes bytes;
    for (const BytesView piece : pieces) {
      bytes.insert(bytes.end(), piece.begin(), piece.end());
    }
    if (owner_.short_writes_ > 0) {
      bytes.resize(std::min(bytes.size(), owner_.short_writes_));
    }
    const std::uint64_t used = owner_.used();
    const std::scoped_lock lock(owner_.mutex_);
    Bytes& now = content_->now;
    const std::uint64_t growth =
        std::max<std::uint64_t>(now.size(), offset + bytes.size()) - now.size();
    if (growth > 0 && used + growth > owner_.capacity_) {
      const std::uint64_t over = used + growth - owner_.capacity_;
      if (over >= bytes.size()) {
        return SystemError("writing", "memory", ENOSPC);
      }
      bytes.resize(bytes.size() - over);
    }
    now.resize(std::max<std::size_t>(now.size(), offset + bytes.size()));
    std::ranges::copy(bytes, now.begin() + static_cast<std::ptrdiff_t>(offset));
    return bytes.size();
  }

  Result<std::size_t> Read(std::uint64_t offset, std::span<std::uint8_t> into) override {
    const std::scoped_lock lock(owner_.mutex_);
    const Bytes& now = content_->now;
    if (offset >= now.size()) {
      return 0;
    }
    const std::size_t size = std::min<std::size_t>(into.size(), now.size() - offset);
    std::copy_n(now.begin() + static_cast<std::ptrdiff_t>(offset), size, into.begin());
    return size;
  }

  Result<> Sync() override {
    const std::scoped_lock lock(owner_.mutex_);
    ++owner_.syncs_;
    if (owner_.sync_fails_) {
      return SystemError("syncing", "memory", EIO);
    }
    content_->durable = content_->now;
    return {};
  }

  Result<std::uint64_t> Size() override {
    const std::scoped_lock lock(owner_.mutex_);
    return content_->now.size();
  }

 private:
  MemoryFileSystem& owner_;
  std::shared_ptr<MemoryFileSystem::Content> content_;
};

Result<std::unique_ptr<File>> MemoryFileSystem::Open(const fs::path& path, OpenMode mode) {
  const std::scoped_lock lock(mutex_);
  auto found = names_.find(path);
  if (mode == OpenMode::kCreate) {
    found = names_.insert_or_assign(path, std::make_shared<Content>()).first;
  } else if (found == names_.end()) {
    return SystemError("opening", path, ENOENT);
  }
  return std::make_unique<MemoryFile>(*this, found->second);
}

Result<> MemoryFileSystem::Rename(const fs::path& from, const fs::path& to) {
  const std::scoped_lock lock(mutex_);
  auto node = names_.extract(from);
  if (node.empty()) {
    return SystemError("renaming", from, ENOENT);
  }
  names_.insert_or_assign(to, node.mapped());
  return {};
}

Result<> MemoryFileSystem::Remove(const fs::path& path) {
  const std::scoped_lock lock(mutex_);
  names_.erase(path);
  return {};
}

Result<> MemoryFileSystem::MakeDirectory(const fs::path&) { return {}; }

Result<std::vector<std::string>> MemoryFileSystem::List(const fs::path& path) {
  const std::scoped_lock lock(mutex_);
  std::set<std::string> names;  // directories are what files are in
  for (const auto& [name, content] : names_) {
    const auto rest = std::ranges::mismatch(path, name);
    if (rest.in1 == path.end() && rest.in2 != name.end()) {
      names.insert(rest.in2->string());
    }
  }
  return std::vector(names.begin(), names.end());
}

Result<> MemoryFileSystem::SyncDirectory(const fs::path& path) {
  const std::scoped_lock lock(mutex_);
  const auto inside = [&](const auto& entry) { return entry.first.parent_path() == path; };
  std::erase_if(durable_names_, inside);
  for (const auto& entry : names_) {
    if (inside(entry)) {
      durable_names_.insert(entry);
    }
  }
  return {};
}

void MemoryFileSystem::Crash(std::mt19937_64& random) {
  constexpr std::size_t kSector = 512;
  const std::scoped_lock lock(mutex_);
  if (random() % 2 == 0) {
    names_ = durable_names_;
  }
  durable_names_ = names_;
  for (auto& [path, content] : names_) {
    Bytes kept = content->durable;
    if (random() % 2 == 0) {
      kept.resize(content->now.size());
    }
    for (std::size_t at = 0; at < kept.size(); at += kSector) {
      if (random() % 2 == 0) {
        const std::size_t end = std::min({at + kSector, kept.size(), content->now.size()});
        std::copy(content->now.begin() + static_cast<std::ptrdiff_t>(std::min(at, end)),
                  content->now.begin() + static_cast<std::ptrdiff_t>(end),
                  kept.begin() + static_cast<std::ptrdiff_t>(std::min(at, end)));
      }
    }
    content->now = content->durable = std::move(kept);
  }
}

std::uint64_t MemoryFileSystem::used() const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t used = 0;
  for (const auto& [path, content] : names_) {
    used += content->now.size();
  }
  return used;
}

Bytes& MemoryFileSystem::At(const fs::path& path) {
  const std::scoped_lock lock(mutex_);
  return names_.at(path)->now;
}

std::vector<fs::path> MemoryFileSystem::Files() const {
  const std::scoped_lock lock(mutex_);
  std::vector<fs::path> files;
  for (const auto& [path, content] : names_) {
    files.push_back(path);
  }
  return files;
}

}  // namespace sextant::storage::testing
