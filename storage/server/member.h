// A storage node without its sockets: protocol::Node and its disk, joined on one executor.
//
// Messages, disk completions and timers go into the node; what it wants done comes out as disk
// operations, which the DiskHost carries out on its threads, and as messages, which go to `send`.
// Groups are kept from the node while the disk cannot take them.
//
// All functions on the executor that it was opened with; callbacks come there too.
#pragma once

#include "daemon/log.h"
#include "storage/disk_host.h"
#include "storage/server/snapshot.h"
#include "storage/server/snapshot_receiver.h"
#include "storage/server/snapshot_sender.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace sextant::storage::server {

struct MemberOptions {
  protocol::NodeOptions node;
  DiskHostOptions disk;
};

struct MemberEvents {
  // True when it is on its way.
  std::function<bool(protocol::Outgoing)> send;
  // The disk failed: nothing is done any more. A new process finds out what the disk holds.
  std::function<void(const DiskError&)> failed;
  // Another member's index is here and takes the place of ours when the process starts again.
  std::function<void()> snapshot_ready;
};

class Member {
 public:
  // Nothing is called before the executor runs.
  [[nodiscard]] static Result<std::unique_ptr<Member>> Open(FileSystem& files,
                                                            const MemberOptions& options,
                                                            boost::asio::any_io_executor executor,
                                                            const daemon::Log& log,
                                                            MemberEvents events);
  // The executor must not run any more.
  ~Member() = default;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  void Start();
  void Receive(const net::Hello& from, protocol::Message message);

  // To stop in order: takes no more groups, while what was taken becomes durable and is heard to
  // be; then closes the index's tables, so that the next start has little to read again.
  void TakeNoMoreGroups() { stopping_ = true; }
  // Everything here is indexed, and durable in the volume as far as this node was told.
  [[nodiscard]] bool Quiet() const;
  void CloseTables();
  // The index has written what it can.
  [[nodiscard]] bool Flushed();

  [[nodiscard]] const protocol::Node& node() const { return *node_; }
  // All but the connections and the certificate. To be called often: it also looks whether the disk
  // is full.
  [[nodiscard]] Snapshot TakeSnapshot();

 private:
  struct BranchState {
    std::map<protocol::MemberId, PeerSnapshot> peers;
    std::optional<SteadyTime> writer_heard;
  };

  Member(boost::asio::any_io_executor executor, const daemon::Log& log, MemberEvents events);
  void Carry(protocol::Effects effects);
  void OpenSnapshots();
  // True when it was one of theirs.
  bool TakeSnapshotMessage(const protocol::Uuid& from, const protocol::Message& message);
  [[nodiscard]] std::expected<void, std::string> Fits(
      const protocol::SnapshotManifest& manifest) const;
  void Complete(const protocol::DiskCompletion& completion);
  void OnDiskFailed(const DiskError& error);
  void Arm();

  [[nodiscard]] std::optional<Refusing> Refuses(BranchId branch) const;
  void TellWhenFull();
  void Watch(const net::Hello& from, const protocol::Message& message);
  // Takes from the message the groups that there is no room for.
  void Thin(const protocol::Uuid& from, protocol::Message& message);
  void Thin(const protocol::Uuid& from, protocol::Append& append);
  void Thin(protocol::Pulled& pulled);
  // Would bring groups that would be refused.
  [[nodiscard]] bool InVain(const protocol::Message& message) const;

  const boost::asio::any_io_executor executor_;
  const daemon::Log& log_;
  const MemberEvents events_;
  std::optional<protocol::Node> node_;
  boost::asio::steady_timer timer_;
  std::map<BranchId, BranchState> branches_;
  Counters counters_;
  protocol::Configuration configuration_on_disk_;  // who decides by it counts on nothing less
  std::string failure_;
  bool told_full_ = false;
  bool stopping_ = false;
  bool broken_ = false;
  std::unique_ptr<DiskHost> disk_;  // its threads end before all of the above
  std::optional<SnapshotSender> sender_;
  std::optional<SnapshotReceiver> receiver_;
  boost::asio::thread_pool snapshot_files_{1};  // ends first of all
};

}  // namespace sextant::storage::server
