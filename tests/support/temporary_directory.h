#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sextant::testing {

// A new directory that only this user can read; it goes, with all that is in it, when the object
// does.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& Path() const { return path_; }

  // Writes a file into it and returns where it is. Throws std::system_error.
  std::filesystem::path Write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

// A whole file; empty when there is none. Throws std::system_error when it cannot be read.
[[nodiscard]] std::string ReadFile(const std::filesystem::path& path);

}  // namespace sextant::testing
