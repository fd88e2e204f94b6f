#include "storage/index/version.h"

#include <limits>

namespace sextant::storage {
namespace {

// LEB128.
void AppendNumber(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>((value & 0x7F) | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool failed() const { return failed_; }

  std::uint64_t Number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) {
        break;
      }
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) {
        return value;
      }
    }
    failed_ = true;
    return 0;
  }

  std::uint32_t Number32() {
    const std::uint64_t value = Number();
    failed_ |= value > std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(value);
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace

std::string PackVersions(std::span<const Version> versions) {
  std::string out;
  Lsn previous = 0;
  for (const Version& version : versions) {
    AppendNumber(out, version.lsn - previous);
    AppendNumber(out, version.group_size);
    AppendNumber(out, version.offset);
    AppendNumber(out, (std::uint64_t{version.length} << 1) |
                          (version.kind == VersionKind::kPatch ? 1U : 0U));
    for (std::uint32_t i = 0, checksum = version.checksum; i < 4; ++i, checksum >>= 8) {
      out.push_back(static_cast<char>(checksum & 0xFF));
    }
    previous = version.lsn;
  }
  return out;
}

std::optional<std::vector<Version>> UnpackVersions(std::string_view bytes) {
  std::vector<Version> versions;
  Lsn previous = 0;
  while (!bytes.empty()) {
    Reader in(bytes);
    Version version;
    version.lsn = previous + in.Number();
    version.group_size = in.Number32();
    version.offset = in.Number32();
    const std::uint64_t length_and_kind = in.Number();
    version.length = static_cast<std::uint32_t>(length_and_kind >> 1);
    version.kind = (length_and_kind & 1) != 0 ? VersionKind::kPatch : VersionKind::kImage;
    bytes = in.rest();
    if (in.failed() || bytes.size() < 4 || (length_and_kind >> 33) != 0 ||
        version.group_size > version.lsn) {
      return std::nullopt;
    }
    for (std::size_t i = 4; i > 0; --i) {
      version.checksum = (version.checksum << 8) | static_cast<std::uint8_t>(bytes[i - 1]);
    }
    bytes.remove_prefix(4);
    previous = version.lsn;
    versions.push_back(version);
  }
  return versions;
}

}  // namespace sextant::storage
