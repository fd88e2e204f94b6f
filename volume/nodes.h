// What a file system needs of the storage nodes.
#pragma once

#include "sextant/client/client.h"

#include <memory>
#include <span>
#include <utility>

namespace sextant::volume {

// Reading a branch. Any thread; as client::Client.
class Nodes {
 public:
  Nodes() = default;
  virtual ~Nodes() = default;
  Nodes(const Nodes&) = delete;
  Nodes& operator=(const Nodes&) = delete;

  virtual void ReadPage(const protocol::PageId& page, const protocol::Position& at,
                        client::Deadline deadline,
                        client::Callback<protocol::PageVersion> done) = 0;
  [[nodiscard]] virtual client::Result<protocol::MetadataAnswer> ReadMetadata(
      const protocol::MetadataQuery& query, const protocol::Position& at,
      client::Deadline deadline) = 0;
};

// Appending to it. Any thread; as client::Writer.
class GroupLog {
 public:
  GroupLog() = default;
  virtual ~GroupLog() = default;
  GroupLog(const GroupLog&) = delete;
  GroupLog& operator=(const GroupLog&) = delete;

  [[nodiscard]] virtual client::Result<protocol::Lsn> Append(
      std::span<const protocol::Record> records) = 0;
  virtual void WhenDurable(protocol::Lsn lsn, client::Deadline deadline,
                           client::Callback<> done) = 0;
  [[nodiscard]] virtual client::Result<> WaitDurable(protocol::Lsn lsn,
                                                     client::Deadline deadline) = 0;
  // Neither fenced nor superseded.
  [[nodiscard]] virtual bool open() const = 0;
  [[nodiscard]] virtual protocol::Lsn vdl() const = 0;
  [[nodiscard]] virtual protocol::Lsn end() const = 0;
  [[nodiscard]] virtual protocol::Position PositionAt(protocol::Lsn lsn) const = 0;
};

[[nodiscard]] std::shared_ptr<Nodes> NodesOf(std::shared_ptr<client::Client> client,
                                             protocol::BranchId branch);
[[nodiscard]] std::shared_ptr<GroupLog> LogOf(std::shared_ptr<client::Writer> writer);

}  // namespace sextant::volume
