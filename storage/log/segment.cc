#include "storage/log/segment.h"

#include <algorithm>
#include <charconv>
#include <format>

namespace sextant::storage {
namespace {

constexpr std::size_t kDigits = 16;
constexpr std::string_view kSuffix = ".log";

}  // namespace

std::string Segment::Name(Lsn first) { return std::format("{:016x}{}", first, kSuffix); }

std::optional<Lsn> Segment::FirstOf(const std::string& name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) {
    return std::nullopt;
  }
  Lsn first = 0;
  const char* end = name.data() + kDigits;
  const auto parsed = std::from_chars(name.data(), end, first, 16);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(first) : std::nullopt;
}

Result<Bytes> Segment::Read(Lsn from, Lsn end) const {
  end = std::min(end, limit());
  Bytes bytes(end > from ? end - from : 0);
  const auto read = file_->Read(from - first_, bytes);
  if (!read) {
    return std::unexpected(read.error());
  }
  bytes.resize(*read);
  return bytes;
}

}  // namespace sextant::storage
