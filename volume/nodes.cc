#include "volume/nodes.h"

namespace sextant::volume {
namespace {

class ClientNodes final : public Nodes {
 public:
  ClientNodes(std::shared_ptr<client::Client> client, protocol::BranchId branch)
      : client_(std::move(client)), branch_(branch) {}

  void ReadPage(const protocol::PageId& page, const protocol::Position& at,
                client::Deadline deadline, client::Callback<protocol::PageVersion> done) override {
    client_->ReadPage(branch_, page, at, deadline, std::move(done));
  }
  client::Result<protocol::MetadataAnswer> ReadMetadata(const protocol::MetadataQuery& query,
                                                        const protocol::Position& at,
                                                        client::Deadline deadline) override {
    return client_->ReadMetadata(branch_, query, at, deadline);
  }

 private:
  const std::shared_ptr<client::Client> client_;
  const protocol::BranchId branch_;
};

class WriterLog final : public GroupLog {
 public:
  explicit WriterLog(std::shared_ptr<client::Writer> writer) : writer_(std::move(writer)) {}

  client::Result<protocol::Lsn> Append(std::span<const protocol::Record> records) override {
    return writer_->Append(records, client::kNoDeadline);
  }
  void WhenDurable(protocol::Lsn lsn, client::Deadline deadline, client::Callback<> done) override {
    writer_->WhenDurable(lsn, deadline, std::move(done));
  }
  client::Result<> WaitDurable(protocol::Lsn lsn, client::Deadline deadline) override {
    return writer_->WaitDurable(lsn, deadline);
  }
  bool open() const override { return writer_->state() == protocol::WriterState::kOpen; }
  protocol::Lsn vdl() const override { return writer_->vdl(); }
  protocol::Lsn end() const override { return writer_->end(); }
  protocol::Position PositionAt(protocol::Lsn lsn) const override {
    return writer_->PositionAt(lsn);
  }

 private:
  const std::shared_ptr<client::Writer> writer_;
};

}  // namespace

std::shared_ptr<Nodes> NodesOf(std::shared_ptr<client::Client> client, protocol::BranchId branch) {
  return std::make_shared<ClientNodes>(std::move(client), branch);
}

std::shared_ptr<GroupLog> LogOf(std::shared_ptr<client::Writer> writer) {
  return std::make_shared<WriterLog>(std::move(writer));
}

}  // namespace sextant::volume
