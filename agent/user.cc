#include "agent/user.h"

#include <array>
#include <format>
#include <pwd.h>
#include <unistd.h>

namespace sextant::agent {

std::expected<std::string, std::string> UserName() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return std::unexpected(std::format("user {} has no name", geteuid()));
  }
  return found->pw_name;
}

}  // namespace sextant::agent
