#include "agent/files.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <format>
#include <fstream>
#include <unistd.h>

namespace sextant::agent {
namespace {

constexpr std::size_t kMaxSize = 1U << 20;

std::unexpected<std::string> Failed(const char* doing, const std::filesystem::path& path) {
  return std::unexpected(std::format("{} {}: {}", doing, path.string(), std::strerror(errno)));
}

bool WriteAll(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      return false;
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

std::expected<std::string, std::string> ReadSmallFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Failed("read", path);
  }
  std::string content(kMaxSize + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (file.bad()) {
    return Failed("read", path);
  }
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.size() > kMaxSize) {
    return std::unexpected(std::format("read {}: larger than 1 MiB", path.string()));
  }
  return content;
}

std::expected<void, std::string> ReplaceFile(const std::filesystem::path& path,
                                             std::string_view content, mode_t mode) {
  const std::filesystem::path next = path.string() + ".next";
  std::error_code ignored;
  std::filesystem::remove(next, ignored);
  const int file = open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) {
    return Failed("write", next);
  }
  const bool written = WriteAll(file, content) && fsync(file) == 0;
  const int reason = errno;
  close(file);
  if (!written) {
    errno = reason;
    return Failed("write", next);
  }
  if (rename(next.c_str(), path.c_str()) != 0) {
    return Failed("replace", path);
  }
  return {};
}

std::expected<std::string, std::string> ReadSecret(const std::filesystem::path& path) {
  auto content = ReadSmallFile(path);
  if (!content) {
    return content;
  }
  content->resize(std::min(content->size(), content->find_first_of("\r\n")));
  if (content->empty()) {
    return std::unexpected(std::format("read {}: it is empty", path.string()));
  }
  return content;
}

}  // namespace sextant::agent
