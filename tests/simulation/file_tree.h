// Files and directories of a branch at one LSN, made by applying the log to nothing.
#pragma once

#include "sextant/protocol/group.h"
#include "sextant/protocol/metadata.h"

#include <map>
#include <string>

namespace sextant::simulation {

class FileTree : public protocol::MetadataState {
 public:
  void Apply(const protocol::Group& group);
  [[nodiscard]] protocol::MetadataAnswer Answer(const protocol::MetadataQuery& query) const;

  std::optional<protocol::Attributes> Get(std::uint64_t inode) override;
  void Put(std::uint64_t inode, const protocol::Attributes& attributes) override;
  std::uint64_t Entry(std::uint64_t directory, const std::string& name) override;
  void PutEntry(std::uint64_t directory, const std::string& name, std::uint64_t inode) override;
  void PutZeros(std::uint64_t, const protocol::ZeroRange&) override {}  // pages know

 private:
  [[nodiscard]] std::optional<protocol::Attributes> Find(std::uint64_t inode) const;

  std::map<std::uint64_t, protocol::Attributes> inodes_;
  std::map<std::uint64_t, std::map<std::string, std::uint64_t>> directories_;
};

}  // namespace sextant::simulation
