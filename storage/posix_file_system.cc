#include "storage/file_system.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace sextant::storage {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile : public File {
 public:
  PosixFile(fs::path path, int fd) : path_(std::move(path)), fd_(fd) {}

  Result<std::size_t> Write(std::uint64_t offset, std::span<const BytesView> pieces) override {
    constexpr std::size_t kMaximumPieces = 512;  // below IOV_MAX
    std::array<iovec, kMaximumPieces> vectors{};
    const std::size_t count = std::min(pieces.size(), kMaximumPieces);
    for (std::size_t i = 0; i < count; ++i) {
      // pwritev(2) does not write to what it is given.
      vectors[i] = {const_cast<std::uint8_t*>(pieces[i].data()), pieces[i].size()};
    }
    ssize_t written = -1;
    do {
      written =
          ::pwritev(fd_.get(), vectors.data(), static_cast<int>(count), static_cast<off_t>(offset));
    } while (written < 0 && errno == EINTR);
    if (written < 0) {
      return SystemError("writing", path_, errno);
    }
    return static_cast<std::size_t>(written);
  }

  Result<std::size_t> Read(std::uint64_t offset, std::span<std::uint8_t> into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t read = ::pread(fd_.get(), into.data() + done, into.size() - done,
                                   static_cast<off_t>(offset + done));
      if (read == 0) {
        break;
      }
      if (read > 0) {
        done += static_cast<std::size_t>(read);
      } else if (errno != EINTR) {
        return SystemError("reading", path_, errno);
      }
    }
    return done;
  }

  Result<> Sync() override {
    if (::fdatasync(fd_.get()) != 0) {
      return SystemError("syncing", path_, errno);
    }
    return {};
  }

  Result<std::uint64_t> Size() override {
    struct stat status{};
    if (::fstat(fd_.get(), &status) != 0) {
      return SystemError("looking at", path_, errno);
    }
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  fs::path path_;
  Descriptor fd_;
};

class PosixFileSystem : public FileSystem {
 public:
  Result<std::unique_ptr<File>> Open(const fs::path& path, OpenMode mode) override {
    const int flags = O_RDWR | O_CLOEXEC | (mode == OpenMode::kCreate ? O_CREAT | O_TRUNC : 0);
    const int fd = ::open(path.c_str(), flags, 0600);
    if (fd < 0) {
      return SystemError("opening", path, errno);
    }
    return std::make_unique<PosixFile>(path, fd);
  }

  Result<> Rename(const fs::path& from, const fs::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return SystemError("renaming", from, errno);
    }
    return {};
  }

  Result<> Remove(const fs::path& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      return SystemError("removing", path, errno);
    }
    return {};
  }

  Result<> MakeDirectory(const fs::path& path) override {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) {
      return SystemError("making", path, error.value());
    }
    return {};
  }

  Result<std::vector<std::string>> List(const fs::path& path) override {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
      names.push_back(entry->path().filename().string());
    }
    if (error && error != std::errc::no_such_file_or_directory) {
      return SystemError("listing", path, error.value());
    }
    std::ranges::sort(names);
    return names;
  }

  Result<> SyncDirectory(const fs::path& path) override {
    const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() < 0 || ::fsync(directory.get()) != 0) {
      return SystemError("syncing", path, errno);
    }
    return {};
  }
};

}  // namespace

std::unique_ptr<FileSystem> MakePosixFileSystem() { return std::make_unique<PosixFileSystem>(); }

}  // namespace sextant::storage
