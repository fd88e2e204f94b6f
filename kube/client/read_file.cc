#include "kube/client/read_file.h"

#include <cerrno>
#include <cstring>
#include <format>
#include <fstream>
#include <system_error>

namespace sextant::kube {
namespace {

std::unexpected<Error> Unreadable(const std::filesystem::path& path, const std::string& why) {
  return std::unexpected(Error{.code = ErrorCode::kConfig,
                               .message = std::format("cannot read {}: {}", path.string(), why)});
}

}  // namespace

Result<std::string> ReadWholeFile(const std::filesystem::path& path, std::size_t max_bytes) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return Unreadable(path, std::generic_category().message(errno));
  std::string text(max_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Unreadable(path, std::generic_category().message(errno));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > max_bytes) {
    return Unreadable(path, std::format("it is larger than {} bytes", max_bytes));
  }
  return text;
}

}  // namespace sextant::kube
