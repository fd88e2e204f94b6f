// What the machine itself does, and what the system says of a process.
#pragma once

#include "storage/file_system.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace sextant::bench {

using Clock = std::chrono::steady_clock;
inline constexpr auto kRound = std::chrono::milliseconds(1500);

inline double Seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }
inline double Microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

template <class T>
T Must(storage::Result<T> result) {
  if (!result) {
    throw std::runtime_error(result.error().what);
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

struct Latencies {
  std::vector<double> microseconds;
  double seconds = 0;

  [[nodiscard]] double rate() const { return static_cast<double>(microseconds.size()) / seconds; }
};

// One write and one fdatasync after another into a file of final size.
inline void MeasureMachine(const std::filesystem::path& directory, std::size_t size,
                           Latencies& out) {
  constexpr std::uint64_t kFile = 16U << 20;
  const auto files = storage::MakePosixFileSystem();
  const auto file = Must(files->Open(directory / "machine", storage::OpenMode::kCreate));
  Must(storage::WriteZeros(*file, 0, kFile));
  Must(file->Sync());
  const protocol::Bytes bytes(size, 7);
  const auto begin = Clock::now();
  std::uint64_t offset = 0;
  while (Clock::now() - begin < kRound) {
    const auto started = Clock::now();
    Must(storage::WriteAll(*file, offset, {bytes}));
    Must(file->Sync());
    out.microseconds.push_back(Microseconds(Clock::now() - started));
    offset = (offset + size) % (kFile - size);
  }
  out.seconds += Seconds(Clock::now() - begin);
}

// Of a process, by its id or "self", in MiB.
inline double Resident(const std::string& process) {
  std::ifstream status("/proc/" + process + "/status");
  for (std::string word; status >> word;) {
    if (word == "VmRSS:") {
      double kibibytes = 0;
      status >> kibibytes;
      return kibibytes / 1024;
    }
  }
  return 0;
}

}  // namespace sextant::bench
