#include "tests/simulation/file_tree.h"

#include "tests/simulation/oracle.h"

namespace sextant::simulation {

void FileTree::Apply(const protocol::Group& group) {
  const auto records = group.Records();
  if (!records) {
    throw Violation("a group's records do not decode");
  }
  for (const protocol::Record& record : *records) {
    protocol::ApplyMetadata(record, group.header().time, *this);
  }
}

std::optional<protocol::Attributes> FileTree::Find(std::uint64_t inode) const {
  const auto found = inodes_.find(inode);
  return found == inodes_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<protocol::Attributes> FileTree::Get(std::uint64_t inode) { return Find(inode); }

void FileTree::Put(std::uint64_t inode, const protocol::Attributes& attributes) {
  inodes_[inode] = attributes;
}

std::uint64_t FileTree::Entry(std::uint64_t directory, const std::string& name) {
  const auto& names = directories_[directory];
  const auto found = names.find(name);
  return found == names.end() ? 0 : found->second;
}

void FileTree::PutEntry(std::uint64_t directory, const std::string& name, std::uint64_t inode) {
  if (inode == 0) {
    directories_[directory].erase(name);
  } else {
    directories_[directory][name] = inode;
  }
}

protocol::MetadataAnswer FileTree::Answer(const protocol::MetadataQuery& query) const {
  if (const auto* get = std::get_if<protocol::GetAttributes>(&query)) {
    return Find(get->inode);
  }
  const auto* look_up = std::get_if<protocol::LookUpName>(&query);
  const auto* list = std::get_if<protocol::ListDirectory>(&query);
  static const std::map<std::string, std::uint64_t> kEmpty;
  const auto directory =
      directories_.find(look_up != nullptr ? look_up->directory : list->directory);
  const auto& names = directory == directories_.end() ? kEmpty : directory->second;
  if (look_up != nullptr) {
    const auto found = names.find(look_up->name);
    return found == names.end() ? std::nullopt
                                : std::optional(protocol::DirectoryEntry{
                                      found->first, found->second, Find(found->second)});
  }
  protocol::DirectoryListing listing;
  auto next = list->after.empty() ? names.begin() : names.upper_bound(list->after);
  for (; next != names.end() && listing.entries.size() < list->limit; ++next) {
    listing.entries.push_back({next->first, next->second, Find(next->second)});
  }
  listing.more = listing.entries.size() == list->limit;
  return listing;
}

}  // namespace sextant::simulation
