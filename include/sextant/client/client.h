// A client of the storage nodes: everything that sextant-volume, sextant-storectl and the operator
// do with a volume goes through here.
//
//   auto client = Client::Open({.nodes = {{.address = {"storage-0", 7400}, .zone = "a"}, …}, …});
//   auto writer = (*client)->Attach(branch, epoch, deadline);       // fences every older epoch
//   auto lsn = (*writer)->Append(records, deadline);
//   (*writer)->WaitDurable(*lsn, deadline);
//
// Threads: every function may be called from any thread. Calls that wait take a deadline. The state
// machines of sextant/protocol do the work, behind one lock that is held for microseconds.
#pragma once

#include "sextant/client/error.h"
#include "sextant/client/pin.h"
#include "sextant/client/writer.h"
#include "sextant/net/address.h"
#include "sextant/net/connection.h"
#include "sextant/net/tls.h"
#include "sextant/protocol/reader.h"

#include <memory>
#include <optional>
#include <vector>

namespace sextant::client {

class Core;

struct NodeAddress {
  net::Address address;
  std::string zone;
};

struct ClientOptions {
  std::vector<NodeAddress> nodes;
  std::string zone;                  // our own: its nodes are read first
  std::optional<net::TlsFiles> tls;  // none: plain TCP
  protocol::ReaderOptions reader = {};
  protocol::WriterOptions writer = {};
  net::ConnectionLimits limits = {};
  std::size_t threads = 2;  // for sockets, ciphers and callbacks
};

// A node as it last told.
struct NodeInfo {
  protocol::MemberId member;
  std::string address;
  std::string zone;
  protocol::NodeStatus status;
};

class Client {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Client>> Open(const ClientOptions& options);
  // Ends all that is under way with kClosed.
  ~Client();
  // The same, for whoever waits in a call on another thread. Not from a callback.
  void Close();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // --- The members. ---

  // The nodes that are connected and have told their status, at least `count` of them.
  [[nodiscard]] Result<std::vector<NodeInfo>> Nodes(std::size_t count, Deadline deadline);
  // The newest configuration that any of at least a takeover quorum told. Generation 0: the nodes
  // were never made members of anything.
  [[nodiscard]] Result<protocol::Configuration> Configuration(Deadline deadline);
  // Gives the nodes a configuration; returns when a write quorum of it has it on disk.
  [[nodiscard]] Result<> Configure(const protocol::Configuration& configuration, Deadline deadline);
  // A branch as the nodes know it: the greatest VDL and epoch that any of a takeover quorum told.
  [[nodiscard]] Result<protocol::BranchStatus> FindBranch(protocol::BranchId branch,
                                                          Deadline deadline);

  // --- Writing. ---

  // Takes the branch over in an epoch that nobody ever used, and returns when it is open. A branch
  // that no node has is made; its fork must be pinned, see MakeBranch.
  [[nodiscard]] Result<std::unique_ptr<Writer>> Attach(const protocol::Branch& branch,
                                                       protocol::Epoch epoch, Deadline deadline);
  // Makes branch.id at branch.fork of branch.parent.
  [[nodiscard]] Result<> MakeBranch(const protocol::Branch& branch, Deadline deadline);

  // --- Reading. ---
  //
  // `at.epoch` 0: the position is known to be durable, but not who wrote it. `from`: this member
  // alone is asked, for comparing them.

  using Member = std::optional<protocol::MemberId>;
  void ReadPage(protocol::BranchId branch, const protocol::PageId& page,
                const protocol::Position& at, Deadline deadline,
                Callback<protocol::PageVersion> done, const Member& from = {});
  void ReadMetadata(protocol::BranchId branch, protocol::MetadataQuery query,
                    const protocol::Position& at, Deadline deadline,
                    Callback<protocol::MetadataAnswer> done, const Member& from = {});
  // The last position at or below `at` whose group was written at or before `time` (µs since 1970).
  // 0: there is none.
  void FindLsn(protocol::BranchId branch, std::uint64_t time, const protocol::Position& at,
               Deadline deadline, Callback<protocol::Position> done);

  [[nodiscard]] Result<protocol::PageVersion> ReadPage(protocol::BranchId branch,
                                                       const protocol::PageId& page,
                                                       const protocol::Position& at,
                                                       Deadline deadline, const Member& from = {});
  [[nodiscard]] Result<protocol::MetadataAnswer> ReadMetadata(protocol::BranchId branch,
                                                              protocol::MetadataQuery query,
                                                              const protocol::Position& at,
                                                              Deadline deadline,
                                                              const Member& from = {});
  [[nodiscard]] Result<protocol::Position> FindLsn(protocol::BranchId branch, std::uint64_t time,
                                                   const protocol::Position& at, Deadline deadline);
  // Whole groups of one member's log from `from` on, or from where that log begins if it is above:
  // about a megabyte, none at its end.
  [[nodiscard]] Result<std::vector<protocol::Group>> ReadLog(const protocol::MemberId& member,
                                                             protocol::BranchId branch,
                                                             protocol::Lsn from, Deadline deadline);

  // Keeps the branch readable at `lsn` while the pin lives; returns when a write quorum holds it.
  [[nodiscard]] Result<std::unique_ptr<Pin>> SetPin(protocol::BranchId branch, protocol::Lsn lsn,
                                                    protocol::Time lease, Deadline deadline);

  [[nodiscard]] const protocol::ClientId& id() const;

 private:
  explicit Client(std::shared_ptr<Core> core);

  std::shared_ptr<Core> core_;
};

}  // namespace sextant::client
