// A file system in memory that forgets, tears and refuses as a real one may.
#pragma once

#include "storage/file_system.h"

#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>

namespace sextant::storage::testing {

// Thread-safe, but for the switches.
class MemoryFileSystem : public FileSystem {
 public:
  struct Content {
    Bytes now;
    Bytes durable;
  };

  Result<std::unique_ptr<File>> Open(const std::filesystem::path& path, OpenMode mode) override;
  Result<> Rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Result<> Remove(const std::filesystem::path& path) override;
  Result<> MakeDirectory(const std::filesystem::path& path) override;
  Result<std::vector<std::string>> List(const std::filesystem::path& path) override;
  Result<> SyncDirectory(const std::filesystem::path& path) override;

  // The power goes: of what was not synced, each sector and each directory's names are kept or lost
  // by chance.
  void Crash(std::mt19937_64& random);

  // Bytes all files together may have; a write that would make them more writes what fits, or fails
  // with ENOSPC.
  void set_capacity(std::uint64_t capacity) { capacity_ = capacity; }
  [[nodiscard]] std::uint64_t used() const;
  // Every write stops after this many bytes; 0: it does not.
  void set_short_writes(std::size_t bytes) { short_writes_ = bytes; }
  void set_sync_fails(bool fails) { sync_fails_ = fails; }
  [[nodiscard]] int syncs() const { return syncs_; }

  // A file as it is now, to damage it.
  [[nodiscard]] Bytes& At(const std::filesystem::path& path);
  [[nodiscard]] std::vector<std::filesystem::path> Files() const;

 private:
  friend class MemoryFile;

  using Names = std::map<std::filesystem::path, std::shared_ptr<Content>>;
  mutable std::mutex mutex_;
  Names names_;
  Names durable_names_;
  std::uint64_t capacity_ = UINT64_MAX;
  std::size_t short_writes_ = 0;
  bool sync_fails_ = false;
  int syncs_ = 0;
};

}  // namespace sextant::storage::testing
