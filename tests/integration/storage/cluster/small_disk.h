// A directory of a small file system (a container's /dev/shm) that a test can fill.
#pragma once

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace sextant::storage::testing {

class SmallDisk {
 public:
  SmallDisk() {
    std::string name = "/dev/shm/sextant-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("no directory can be made in /dev/shm");
    }
    path_ = name;
  }
  ~SmallDisk() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] std::filesystem::path directory() const { return path_ / "disk"; }
  // Leaves nothing free, whoever writes meanwhile; what is in use already can still be written to.
  void Fill() const {
    const int file = open(filler().c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    off_t size = 0;
    for (auto step = static_cast<off_t>(std::filesystem::space(path_).available); step >= 4096;) {
      if (posix_fallocate(file, size, step) == 0) {
        size += step;
      } else {
        step /= 2;
      }
    }
    close(file);
  }
  void Empty() const { std::filesystem::remove(filler()); }

 private:
  [[nodiscard]] std::filesystem::path filler() const { return path_ / "filler"; }

  std::filesystem::path path_;
};

}  // namespace sextant::storage::testing
