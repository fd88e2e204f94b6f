#include "storage/server/member.h"

#include "storage/server/permission.h"

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace sextant::storage::server {
namespace {

using std::chrono::steady_clock;

protocol::Time Now() {
  return std::chrono::duration_cast<protocol::Time>(steady_clock::now().time_since_epoch());
}

}  // namespace

std::uint64_t BranchSnapshot::missing_bytes() const {
  Lsn durable = vdl;
  for (const auto& [member, peer] : peers) {
    durable = std::max(durable, peer.vdl);
  }
  return durable - std::min(durable, scl);
}

Result<std::unique_ptr<Member>> Member::Open(FileSystem& files, const MemberOptions& options,
                                             boost::asio::any_io_executor executor,
                                             const daemon::Log& log, MemberEvents events) {
  std::unique_ptr<Member> member(new Member(std::move(executor), log, std::move(events)));
  Member* const self = member.get();
  auto disk = DiskHost::Open(
      files, options.disk,
      {.completed =
           [self](protocol::DiskCompletion completion) {
             boost::asio::post(self->executor_,
                               [self, done = std::move(completion)] { self->Complete(done); });
           },
       .failed =
           [self](const DiskError& error) {
             boost::asio::post(self->executor_, [self, error] { self->OnDiskFailed(error); });
           }});
  if (!disk) {
    return std::unexpected(disk.error());
  }
  member->disk_ = std::move(*disk);
  member->node_.emplace(options.node, member->disk_->found(), Now());
  member->configuration_on_disk_ = member->node_->configuration();
  member->OpenSnapshots();
  return member;
}

Member::Member(boost::asio::any_io_executor executor, const daemon::Log& log, MemberEvents events)
    : executor_(std::move(executor)), log_(log), events_(std::move(events)), timer_(executor_) {}

void Member::Start() {
  Carry(node_->Start());
  Arm();
}

void Member::Receive(const net::Hello& from, protocol::Message message) {
  if (!MaySay(from.kind, message)) {
    ++counters_.messages_not_permitted;
    log_.Warning("message not permitted",
                 {{"from", net::ToString(from.uuid)}, {"message", protocol::ToString(message)}});
    return;
  }
  if (TakeSnapshotMessage(from.uuid, message)) {
    return;
  }
  Watch(from, message);
  Thin(from.uuid, message);
  Carry(node_->Receive(from.uuid, message, Now()));
}

void Member::Complete(const protocol::DiskCompletion& completion) {
  if (std::holds_alternative<protocol::NodePersisted>(completion)) {
    configuration_on_disk_ = node_->configuration();  // one at a time: this one
  }
  Carry(node_->Complete(completion, Now()));
}

void Member::OnDiskFailed(const DiskError& error) {
  if (failure_.empty()) {
    failure_ = error.what;
    node_->DiskFailed();
    log_.Error("disk failed", {{"error", error.what}});
    events_.failed(error);
  }
}

void Member::Carry(protocol::Effects effects) {
  for (protocol::DiskOperation& operation : effects.disk) {
    if (const auto* fetch = std::get_if<protocol::FetchSnapshot>(&operation)) {
      receiver_->Fetch(fetch->from);
    } else {
      disk_->Submit(std::move(operation));
    }
  }
  for (protocol::Outgoing& outgoing : effects.messages) {
    if (!InVain(outgoing.message) && !events_.send(std::move(outgoing))) {
      ++counters_.messages_unsent;
    }
  }
  if (node_->broken() && !broken_) {
    broken_ = true;
    node_->DiskFailed();  // it must not speak for its log any more
    log_.Error("a durable part of a log would have been cut; this node takes no further part",
               nlohmann::json::object());
  }
}

// --- Snapshots. ---

void Member::OpenSnapshots() {
  const auto send = [this](protocol::Outgoing outgoing) {
    if (!events_.send(std::move(outgoing))) {
      ++counters_.messages_unsent;
    }
  };
  sender_.emplace(disk_->store(), executor_, snapshot_files_, send, [this](BranchId branch) {
    const auto replica = node_->replicas().find(branch);
    return replica == node_->replicas().end() ? 0 : replica->second.Status().last_time;
  });
  receiver_.emplace(
      disk_->store(), executor_, snapshot_files_, log_,
      ReceiverEvents{
          .send = send,
          .fits = [this](const protocol::SnapshotManifest& manifest) { return Fits(manifest); },
          .ready = [this] { events_.snapshot_ready(); }});
}

bool Member::TakeSnapshotMessage(const protocol::Uuid& from, const protocol::Message& message) {
  if (!node_->configuration().Contains(from)) {
    return false;
  }
  const auto take = [&]<class M>(const M& one) {
    if constexpr (std::is_same_v<M, protocol::AskSnapshot> ||
                  std::is_same_v<M, protocol::AskPiece>) {
      sender_->On(from, one);
      return true;
    } else if constexpr (std::is_same_v<M, protocol::SnapshotOffer> ||
                         std::is_same_v<M, protocol::SnapshotPiece>) {
      receiver_->On(from, one);
      return true;
    } else {
      return false;
    }
  };
  return std::visit(take, message);
}

std::expected<void, std::string> Member::Fits(const protocol::SnapshotManifest& manifest) const {
  protocol::RecoveredNode own;
  for (const auto& [id, replica] : node_->replicas()) {
    own.branches.push_back({.record = replica.record_on_disk(),
                            .end = replica.end(),
                            .last_time = 0,
                            .damaged = {},
                            .start = replica.start()});
  }
  return protocol::PlanInstallation(own, manifest.branches).transform([](const auto&) {});
}

// The node's next timer changes only when it rings.
void Member::Arm() {
  timer_.expires_at(SteadyTime(node_->next_timer()));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) {
      Carry(node_->OnTimer(Now()));
      Arm();
    }
  });
}

// --- What is learned in passing, for the status. ---

void Member::Watch(const net::Hello& from, const protocol::Message& message) {
  if (const auto* gossip = std::get_if<protocol::Gossip>(&message)) {
    if (node_->configuration().Contains(from.uuid) && gossip->branch.id != 0) {
      branches_[gossip->branch.id].peers[from.uuid] = {gossip->scl, gossip->vdl,
                                                       steady_clock::now()};
    }
  } else if (const auto* append = std::get_if<protocol::Append>(&message)) {
    const auto replica = node_->replicas().find(append->branch);
    if (replica != node_->replicas().end() &&
        replica->second.record().promise == protocol::Promise{append->epoch, from.uuid}) {
      branches_[append->branch].writer_heard = steady_clock::now();
    }
  }
}

// --- Groups only while there is room for them. ---

std::optional<Refusing> Member::Refuses(BranchId branch) const {
  if (stopping_) {
    return Refusing::kStopping;
  }
  if (disk_->full()) {
    return Refusing::kDiskFull;
  }
  return disk_->AcceptsGroups(branch) ? std::nullopt : std::optional(Refusing::kBehind);
}

void Member::Thin(const protocol::Uuid& from, protocol::Message& message) {
  if (auto* append = std::get_if<protocol::Append>(&message)) {
    Thin(from, *append);
  } else if (auto* pulled = std::get_if<protocol::Pulled>(&message)) {
    Thin(*pulled);
  }
}

// The rest of the message is let through: the writer is heard and answered, sees that this member
// does not follow, and sends again later. Without `sent` the answer does not say that something is
// missing, which would bring the same groups again at once.
void Member::Thin(const protocol::Uuid& from, protocol::Append& append) {
  counters_.groups_received += append.groups.size();
  for (const protocol::Group& group : append.groups) {
    counters_.group_bytes_received += group.bytes().size();
  }
  if (const auto reason = Refuses(append.branch)) {
    counters_.groups_refused[static_cast<std::size_t>(*reason)] += append.groups.size();
    if (*reason == Refusing::kDiskFull && !append.groups.empty()) {
      events_.send({from, protocol::Refused{.branch = append.branch,
                                            .epoch = append.epoch,
                                            .reason = protocol::Refusal::kFull,
                                            .promised = 0,
                                            .configuration = {}}});
    }
    append.groups.clear();
    append.sent = 0;
  }
}

// Repairs in place need no room.
void Member::Thin(protocol::Pulled& pulled) {
  const auto replica = node_->replicas().find(pulled.branch);
  if (replica == node_->replicas().end()) {
    return;
  }
  if (const auto reason = Refuses(pulled.branch)) {
    const Lsn scl = replica->second.scl();
    counters_.groups_refused[static_cast<std::size_t>(*reason)] += std::erase_if(
        pulled.groups, [&](const protocol::Group& group) { return group.end() > scl; });
  }
}

bool Member::InVain(const protocol::Message& message) const {
  const auto* pull = std::get_if<protocol::Pull>(&message);
  if (pull == nullptr) {
    return false;
  }
  const auto replica = node_->replicas().find(pull->branch);
  return replica != node_->replicas().end() && pull->from >= replica->second.scl() &&
         Refuses(pull->branch);
}

// --- Stopping in order. ---

bool Member::Quiet() const {
  return node_->failed() || std::ranges::all_of(node_->replicas(), [&](const auto& entry) {
           const protocol::Replica& replica = entry.second;
           return replica.end() == replica.scl() && replica.record().vdl == replica.end() &&
                  disk_->index().ingested(entry.first) == replica.end();
         });
}

void Member::CloseTables() {
  for (const auto& [branch, replica] : node_->replicas()) {
    disk_->index().CloseTable(branch);
  }
}

bool Member::Flushed() {
  return node_->failed() || std::ranges::all_of(node_->replicas(), [&](const auto& entry) {
           return disk_->index().status(entry.first).flushed >= entry.second.record().vdl;
         });
}

void Member::TellWhenFull() {
  if (const bool full = disk_->full(); full != told_full_) {
    told_full_ = full;
    if (full) {
      log_.Warning("disk full: groups are refused", nlohmann::json::object());
    } else {
      log_.Info("space again: groups are taken", nlohmann::json::object());
    }
  }
}

Snapshot Member::TakeSnapshot() {
  TellWhenFull();
  Snapshot snapshot{.taken = steady_clock::now(),
                    .member = node_->member(),
                    .configuration = configuration_on_disk_,
                    .branches = {},
                    .connections = {},
                    .counters = counters_,
                    .disk_full = disk_->full(),
                    .stopping = stopping_,
                    .broken = broken_,
                    .failure = failure_,
                    .certificate_expiry = std::nullopt,
                    .certificate_error = {}};
  for (const auto& [id, replica] : node_->replicas()) {
    const BranchState& state = branches_[id];
    snapshot.branches.push_back({.branch = replica.branch(),
                                 .promise = replica.record().promise,
                                 .history = replica.record().history,
                                 .scl = replica.scl(),
                                 .vdl = replica.vdl(),
                                 .end = replica.end(),
                                 .start = replica.start(),
                                 .horizon = replica.record().horizon,
                                 .pins = replica.record_on_disk().pins,
                                 .forks = replica.record_on_disk().forks,
                                 .damaged = replica.damaged(),
                                 .index = disk_->index().status(id),
                                 .peers = state.peers,
                                 .writer_heard = state.writer_heard,
                                 .refusing = Refuses(id)});
  }
  return snapshot;
}

}  // namespace sextant::storage::server
