// A branch in memory: its log, what is durable of it, and what a reader of it sees.
#pragma once

#include "tests/simulation/file_tree.h"
#include "volume/nodes.h"
#include "volume/page.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace sextant::volume::testing {

// Any thread. Checks what a storage node relies on, and throws where a record breaks it.
class MemoryVolume final : public Nodes, public GroupLog {
 public:
  // Groups become durable as they are appended, until this says no.
  void SetQuorum(bool quorum);
  void Fence();
  // A writer ends and the next one begins, with `groups` of those that were not durable.
  void TakeOver(std::size_t groups);

  [[nodiscard]] std::size_t undurable() const;
  [[nodiscard]] std::vector<std::vector<protocol::Record>> groups() const;

  void ReadPage(const protocol::PageId& page, const protocol::Position& at,
                client::Deadline deadline, client::Callback<protocol::PageVersion> done) override;
  client::Result<protocol::MetadataAnswer> ReadMetadata(const protocol::MetadataQuery& query,
                                                        const protocol::Position& at,
                                                        client::Deadline deadline) override;
  client::Result<protocol::Lsn> Append(std::span<const protocol::Record> records) override;
  void WhenDurable(protocol::Lsn lsn, client::Deadline deadline, client::Callback<> done) override;
  client::Result<> WaitDurable(protocol::Lsn lsn, client::Deadline deadline) override;
  bool open() const override;
  protocol::Lsn vdl() const override;
  protocol::Lsn end() const override;
  protocol::Position PositionAt(protocol::Lsn lsn) const override;

 private:
  struct Group {
    std::vector<protocol::Record> records;
    protocol::Lsn end = 0;
  };
  struct Waiting {
    protocol::Lsn lsn = 0;
    client::Callback<> done;
  };
  // As of the VDL.
  class State final : public simulation::FileTree {
   public:
    void Apply(const protocol::Record& record);
    void PutZeros(std::uint64_t inode, const protocol::ZeroRange& range) override;

    std::map<protocol::PageId, Page> pages;
  };

  void MakeDurable(std::size_t groups);  // with the mutex held
  void Answer();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Group> log_;
  std::size_t durable_ = 0;
  bool quorum_ = true;
  bool fenced_ = false;
  std::vector<Waiting> waiting_;
  State state_;
};

}  // namespace sextant::volume::testing
