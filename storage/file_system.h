// The file system calls the log makes, as a seam: tests put failures and lost writes behind it.
#pragma once

#include "sextant/protocol/types.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::storage {

using protocol::Bytes;
using protocol::BytesView;

struct DiskError {
  enum class Kind : std::uint8_t {
    kFull,     // no space: nothing changed, and the same call may succeed later
    kFailed,   // the disk refused; after a failed sync nobody knows what it holds
    kDamaged,  // what is there is not what was written
    kMisuse,   // the caller broke a rule, or a group says what cannot be
  };
  Kind kind = Kind::kFailed;
  std::string what;
};

template <class T = void>
using Result = std::expected<T, DiskError>;

// What `doing` something with `path` ended with; ENOSPC and EDQUOT are kFull.
[[nodiscard]] std::unexpected<DiskError> SystemError(std::string_view doing,
                                                     const std::filesystem::path& path, int code);

// An open file. Reads may run beside each other and beside one writer.
class File {
 public:
  File() = default;
  virtual ~File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Writes the pieces one after another from `offset` on and returns how many bytes; may be fewer.
  virtual Result<std::size_t> Write(std::uint64_t offset, std::span<const BytesView> pieces) = 0;
  // Fills `into`, or as much of it as the file has.
  virtual Result<std::size_t> Read(std::uint64_t offset, std::span<std::uint8_t> into) = 0;
  // Data and size are durable when this returns. Never to be tried again after an error: the kernel
  // may have dropped the pages it could not write and call the next try a success.
  virtual Result<> Sync() = 0;
  virtual Result<std::uint64_t> Size() = 0;
};

enum class OpenMode : std::uint8_t { kExisting, kCreate };

class FileSystem {
 public:
  FileSystem() = default;
  virtual ~FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;

  // kCreate empties a file that is there.
  virtual Result<std::unique_ptr<File>> Open(const std::filesystem::path& path, OpenMode mode) = 0;
  virtual Result<> Rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  // It is no error if there is none.
  virtual Result<> Remove(const std::filesystem::path& path) = 0;
  // Creates it and what is above it.
  virtual Result<> MakeDirectory(const std::filesystem::path& path) = 0;
  // The names in it, sorted; none if it does not exist.
  virtual Result<std::vector<std::string>> List(const std::filesystem::path& path) = 0;
  // Names made, changed and removed before are durable when this returns.
  virtual Result<> SyncDirectory(const std::filesystem::path& path) = 0;
};

[[nodiscard]] std::unique_ptr<FileSystem> MakePosixFileSystem();

// All of the pieces, however many calls it takes.
[[nodiscard]] Result<> WriteAll(File& file, std::uint64_t offset, std::vector<BytesView> pieces);
// `size` zero bytes from `offset` on.
[[nodiscard]] Result<> WriteZeros(File& file, std::uint64_t offset, std::uint64_t size);

// Puts `content` in the place of the file at `path`, as a whole and durably: written beside it,
// synced, renamed, and the directory synced.
[[nodiscard]] Result<> ReplaceFile(FileSystem& files, const std::filesystem::path& path,
                                   BytesView content);
// A whole file of at most `limit` bytes.
[[nodiscard]] Result<Bytes> ReadWholeFile(FileSystem& files, const std::filesystem::path& path,
                                          std::size_t limit);

}  // namespace sextant::storage
