// A writer by hand: the messages of a writer to one node, one at a time, over a real connection.
#pragma once

#include "tests/integration/net/party.h"
#include "tests/unit/storage/groups.h"

namespace sextant::storage::testing {

// A volume of these members in which one decides.
inline protocol::Configuration Deciding(std::vector<protocol::MemberId> members) {
  return {.generation = 1,
          .kind = protocol::ConfigurationKind::kStable,
          .members = std::move(members),
          .next = {},
          .write_quorum = 1,
          .takeover_quorum = 1};
}

class HandWriter {
 public:
  HandWriter(net::testing::Party& party, net::ConnectionPtr node, protocol::Epoch epoch,
             protocol::Configuration configuration)
      : party_(party),
        node_(std::move(node)),
        epoch_(epoch),
        configuration_(std::move(configuration)) {}

  // Seals and adopts what is there; what the node said to the seal.
  std::optional<protocol::Sealed> Open() {
    node_->Send(protocol::Seal{.branch = {.id = kBranch, .parent = 0, .fork = 0},
                               .epoch = epoch_,
                               .configuration = configuration_});
    auto sealed = party_.NextMessage<protocol::Sealed>();
    if (sealed) {
      end_ = sealed->scl;
      node_->Send(protocol::Adopt{.branch = kBranch,
                                  .epoch = epoch_,
                                  .generation = configuration_.generation,
                                  .history = sealed->history.ContinuedBy(epoch_, end_),
                                  .from = end_,
                                  .donor = node_->peer().hello.uuid});
      if (!AwaitScl(end_)) {
        return std::nullopt;
      }
    }
    return sealed;
  }

  // One group with so many bytes of `fill` from the file's first page on.
  protocol::Group Make(std::size_t size, std::uint8_t fill) {
    auto group = MakeGroup(end_, size, fill, epoch_);
    end_ = group.end();
    return group;
  }
  void Send(std::vector<protocol::Group> groups) {
    node_->Send(protocol::Append{.branch = kBranch,
                                 .epoch = epoch_,
                                 .generation = configuration_.generation,
                                 .vdl = acknowledged_,
                                 .sent = end_,
                                 .retain_from = 0,
                                 .groups = std::move(groups)});
  }
  // Up to where the node has the log, when it has `wanted` of it or more.
  std::optional<protocol::Lsn> AwaitScl(protocol::Lsn wanted) {
    while (auto appended = party_.NextMessage<protocol::Appended>()) {
      acknowledged_ = std::max(acknowledged_, appended->scl);
      if (appended->scl >= wanted) {
        return appended->scl;
      }
    }
    return std::nullopt;
  }
  // Sends a group and waits until it is on disk.
  bool Append(std::size_t size, std::uint8_t fill) {
    Send({Make(size, fill)});
    return AwaitScl(end_).has_value();
  }
  // At a durable LSN.
  std::optional<protocol::PageRead> ReadPage(protocol::PageId page, protocol::Lsn lsn) {
    Send({});  // tells what is durable
    node_->Send(protocol::ReadPage{
        .request = 1, .branch = kBranch, .page = page, .at = {.epoch = 0, .lsn = lsn}});
    return party_.NextMessage<protocol::PageRead>();
  }

  [[nodiscard]] protocol::Lsn end() const { return end_; }
  // The next group goes here.
  void Rewind(protocol::Lsn end) { end_ = end; }

 private:
  net::testing::Party& party_;
  net::ConnectionPtr node_;
  protocol::Epoch epoch_;
  protocol::Configuration configuration_;
  protocol::Lsn end_ = 0;
  protocol::Lsn acknowledged_ = 0;
};

}  // namespace sextant::storage::testing
