#include "storage/index/key.h"

namespace sextant::storage {
namespace {

constexpr std::size_t kNumber = 8;
constexpr std::size_t kBranchAt = 1;
constexpr std::size_t kNameAt = 1 + 2 * kNumber;
constexpr std::size_t kVersionSize = 2 * kNumber;
// Within a name 0 becomes 0 255, and 0 1 ends it: no name is the beginning of another's key.
constexpr char kEscaped = '\xFF';
constexpr char kEnd = '\x01';

std::string Prefix(char table, BranchId branch) {
  std::string key(1, table);
  AppendBigEndian(key, branch);
  return key;
}

std::string Prefix(char table, BranchId branch, std::uint64_t number) {
  std::string key = Prefix(table, branch);
  AppendBigEndian(key, number);
  return key;
}

}  // namespace

void AppendBigEndian(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((value >> shift) & 0xFF));
  }
}

std::uint64_t BigEndianAt(std::string_view bytes, std::size_t offset) {
  std::uint64_t value = 0;
  for (const char byte : bytes.substr(offset, kNumber)) {
    value = (value << 8) | static_cast<std::uint8_t>(byte);
  }
  return value;
}

std::string AttributesPrefix(BranchId branch, std::uint64_t inode) {
  return Prefix('a', branch, inode);
}

std::string DirectoryPrefix(BranchId branch, std::uint64_t directory) {
  return Prefix('d', branch, directory);
}

std::string EntryPrefix(BranchId branch, std::uint64_t directory, std::string_view name) {
  std::string key = DirectoryPrefix(branch, directory);
  for (const char byte : name) {
    key.push_back(byte);
    if (byte == 0) {
      key.push_back(kEscaped);
    }
  }
  key.push_back(0);
  key.push_back(kEnd);
  return key;
}

std::string ZerosPrefix(BranchId branch, std::uint64_t inode) { return Prefix('z', branch, inode); }

std::string PagePrefix(BranchId branch, PageId page) {
  std::string key = Prefix('p', branch, page.inode);
  AppendBigEndian(key, page.index);
  return key;
}

std::string FlushedKey(BranchId branch) { return Prefix('f', branch); }

std::string TimeKey(BranchId branch, std::uint64_t time) { return Prefix('t', branch, time); }

std::string VersionKey(std::string prefix, Lsn lsn, Lsn position) {
  AppendBigEndian(prefix, ~lsn);
  AppendBigEndian(prefix, ~position);
  return prefix;
}

std::string PageKey(BranchId branch, PageId page, Lsn lsn, PageRow row) {
  std::string key = PagePrefix(branch, page);
  AppendBigEndian(key, ~lsn);
  key.push_back(static_cast<char>(row));
  return key;
}

std::string_view PrefixOf(std::string_view version_key) {
  return version_key.substr(0, version_key.size() - kVersionSize);
}

Lsn LsnOf(std::string_view version_key) {
  return ~BigEndianAt(version_key, version_key.size() - kVersionSize);
}

Lsn PositionOf(std::string_view version_key) {
  return ~BigEndianAt(version_key, version_key.size() - kNumber);
}

Lsn PageLsnOf(std::string_view page_key) { return ~BigEndianAt(page_key, kPagePrefixSize); }

PageId PageOf(std::string_view page_key) {
  constexpr std::size_t kInode = 1 + sizeof(BranchId);
  return {BigEndianAt(page_key, kInode), BigEndianAt(page_key, kInode + sizeof(std::uint64_t))};
}

PageRow PageRowOf(std::string_view page_key) { return static_cast<PageRow>(page_key.back()); }

BranchId BranchOf(std::string_view key) { return BigEndianAt(key, kBranchAt); }

std::string NameOf(std::string_view entry_key) {
  std::string name;
  const std::string_view escaped = PrefixOf(entry_key).substr(kNameAt);
  for (std::size_t i = 0; i + 2 < escaped.size(); ++i) {
    name.push_back(escaped[i]);
    if (escaped[i] == 0) {
      ++i;
    }
  }
  return name;
}

std::string Above(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF') {
    prefix.pop_back();
  }
  if (!prefix.empty()) {
    prefix.back() = static_cast<char>(prefix.back() + 1);
  }
  return prefix;
}

}  // namespace sextant::storage
