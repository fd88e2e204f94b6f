#include "storage/file_system.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <format>
#include <system_error>

namespace sextant::storage {

std::unexpected<DiskError> SystemError(std::string_view doing, const std::filesystem::path& path,
                                       int code) {
  const bool full = code == ENOSPC || code == EDQUOT;
  return std::unexpected(DiskError{
      full ? DiskError::Kind::kFull : DiskError::Kind::kFailed,
      std::format("{} {}: {}", doing, path.string(), std::generic_category().message(code))});
}

Result<> WriteAll(File& file, std::uint64_t offset, std::vector<BytesView> pieces) {
  std::span<BytesView> rest = pieces;
  while (!rest.empty()) {
    const auto written = file.Write(offset, rest);
    if (!written) {
      return std::unexpected(written.error());
    }
    offset += *written;
    std::size_t left = *written;
    while (!rest.empty() && left >= rest.front().size()) {
      left -= rest.front().size();
      rest = rest.subspan(1);
    }
    if (left > 0) {
      rest.front() = rest.front().subspan(left);
    }
  }
  return {};
}

Result<> WriteZeros(File& file, std::uint64_t offset, std::uint64_t size) {
  static constexpr std::array<std::uint8_t, 256 * 1024> kZeros{};
  while (size > 0) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(size, kZeros.size()));
    if (auto written = WriteAll(file, offset, {BytesView(kZeros).first(piece)}); !written) {
      return written;
    }
    offset += piece;
    size -= piece;
  }
  return {};
}

Result<> ReplaceFile(FileSystem& files, const std::filesystem::path& path, BytesView content) {
  std::filesystem::path fresh = path;
  fresh += ".new";
  {
    auto file = files.Open(fresh, OpenMode::kCreate);
    if (!file) {
      return std::unexpected(file.error());
    }
    if (auto written = WriteAll(**file, 0, {content}); !written) {
      static_cast<void>(files.Remove(fresh));
      return written;
    }
    if (auto synced = (*file)->Sync(); !synced) {
      return synced;
    }
  }
  if (auto renamed = files.Rename(fresh, path); !renamed) {
    return renamed;
  }
  return files.SyncDirectory(path.parent_path());
}

Result<Bytes> ReadWholeFile(FileSystem& files, const std::filesystem::path& path,
                            std::size_t limit) {
  auto file = files.Open(path, OpenMode::kExisting);
  if (!file) {
    return std::unexpected(file.error());
  }
  const auto size = (*file)->Size();
  if (!size) {
    return std::unexpected(size.error());
  }
  if (*size > limit) {
    return std::unexpected(DiskError{DiskError::Kind::kDamaged, path.string() + ": too large"});
  }
  Bytes content(*size);
  const auto read = (*file)->Read(0, content);
  if (!read) {
    return std::unexpected(read.error());
  }
  content.resize(*read);
  return content;
}

}  // namespace sextant::storage
