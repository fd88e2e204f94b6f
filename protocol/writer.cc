#include "sextant/protocol/writer.h"

#include <algorithm>
#include <tuple>

namespace sextant::protocol {

Writer::Writer(const WriterOptions& options, const Branch& branch, Epoch epoch,
               const ClientId& client, const Configuration& configuration)
    : options_(options),
      branch_(branch),
      epoch_(epoch),
      client_(client),
      configuration_(configuration) {
  for (const MemberId& member : configuration_.All()) {
    peers_[member];
  }
}

Effects Writer::Start(Time now) { return OnTimer(now); }

Effects Writer::Receive(const MemberId& from, const Message& message, Time) {
  Effects out;
  if (Active() && peers_.contains(from)) {
    std::visit([&](const auto& alternative) { On(from, alternative, out); }, message);
  }
  return out;
}

// --- Sealing and recovery. ---

void Writer::On(const MemberId& from, const Sealed& sealed, Effects& out) {
  Peer& peer = peers_[from];
  if (sealed.branch != branch_.id || sealed.epoch != epoch_ ||
      sealed.generation != configuration_.generation || peer.phase == Phase::kAdopted) {
    return;
  }
  peer.phase = Phase::kSealed;
  peer.generation = sealed.generation;
  peer.history = sealed.history;
  peer.scl = sealed.scl;
  peer.told_vdl = sealed.vdl;
  peer.last_time = sealed.last_time;
  if (state_ == WriterState::kSealing) {
    ChooseDonor(out);
  } else {
    SendAdopt(from, peer, out);
  }
}

void Writer::ChooseDonor(Effects& out) {
  const auto sealed = [&](const MemberId& member) {
    return peers_[member].phase == Phase::kSealed;
  };
  if (!configuration_.CanTakeOver(sealed)) {
    return;
  }
  // Any takeover quorum has a member of every write quorum, so the greatest log holds all that was
  // acknowledged.
  const auto rank = [](const Peer& peer) {
    return std::tuple(peer.history.last_epoch(), peer.scl);
  };
  const Peer* donor = nullptr;
  Lsn told_vdl = 0;
  for (const auto& [member, peer] : peers_) {
    if (peer.phase != Phase::kSealed) {
      continue;
    }
    told_vdl = std::max(told_vdl, peer.told_vdl);
    last_time_ = std::max(last_time_, peer.last_time);
    if (donor == nullptr || rank(*donor) < rank(peer)) {
      donor = &peer;
      donor_ = member;
    }
  }
  broken_ = donor->scl < told_vdl;
  if (broken_) {
    return;
  }
  end_ = donor->scl;
  history_ = donor->history.ContinuedBy(epoch_, end_);
  state_ = WriterState::kRecovering;
  for (const auto& [member, peer] : peers_) {
    if (peer.phase == Phase::kSealed) {
      SendAdopt(member, peer, out);
    }
  }
}

void Writer::SendAdopt(const MemberId& to, const Peer& peer, Effects& out) const {
  const Lsn from = Divergence({history_, begin()}, {peer.history, peer.scl}, branch_.fork);
  out.Send(to, Adopt{.branch = branch_.id,
                     .epoch = epoch_,
                     .generation = configuration_.generation,
                     .history = history_,
                     .from = from,
                     .donor = donor_});
}

// --- Appending. ---

std::expected<Lsn, AppendError> Writer::Append(std::span<const Record> records,
                                               std::uint64_t wall_time, Effects& out) {
  if (state_ != WriterState::kOpen) {
    return std::unexpected(AppendError::kNotOpen);
  }
  if (end_ - vdl_ > options_.outstanding_bytes) {
    return std::unexpected(AppendError::kFull);
  }
  if (!std::ranges::all_of(records, IsWellFormed)) {
    return std::unexpected(AppendError::kMalformed);
  }
  last_time_ = std::max(last_time_, wall_time);
  const Lsn before = end_;
  const Lsn added = Add(records, out);
  if (added == before) {
    return std::unexpected(AppendError::kTooLarge);
  }
  return added;
}

Lsn Writer::Add(std::span<const Record> records, Effects& out) {
  const GroupHeader header{.protection_group = 0,
                           .branch = branch_.id,
                           .epoch = epoch_,
                           .first = end_,
                           .end = 0,
                           .previous_end = end_,
                           .time = last_time_};
  Group group = Group::Make(header, records);
  if (group.bytes().size() > Group::kMaximumSize) {
    return end_;
  }
  end_ = group.end();
  kept_size_ += group.bytes().size();
  kept_.push_back(std::move(group));
  for (auto& [member, peer] : peers_) {
    SendGroups(member, peer, out);
  }
  return end_;
}

// What follows the last thing sent, if it is still kept; a member further behind hears from its
// peers.
void Writer::SendGroups(const MemberId& to, Peer& peer, Effects& out) const {
  if (peer.phase != Phase::kAdopted || kept_.empty() ||
      peer.next < kept_.front().header().previous_end) {
    return;
  }
  auto group = std::ranges::lower_bound(
      kept_, peer.next, {}, [](const Group& kept) { return kept.header().previous_end; });
  while (group != kept_.end() && peer.next <= peer.scl + options_.window_bytes) {
    protocol::Append append = MakeAppend(peer);
    std::size_t size = 0;
    do {
      size += group->bytes().size();
      peer.next = group->end();
      append.groups.push_back(*group);
      ++group;
    } while (group != kept_.end() && size + group->bytes().size() <= options_.message_bytes);
    append.sent = peer.next;
    out.Send(to, std::move(append));
  }
}

void Writer::On(const MemberId& from, const Appended& appended, Effects& out) {
  Peer& peer = peers_[from];
  if (appended.branch != branch_.id || appended.epoch != epoch_ ||
      appended.generation != configuration_.generation || peer.phase == Phase::kLost ||
      state_ == WriterState::kSealing) {
    return;
  }
  if (peer.phase != Phase::kAdopted) {
    peer = Peer{.phase = Phase::kAdopted,
                .generation = 0,
                .history = {},
                .scl = appended.scl,
                .told_vdl = 0,
                .last_time = 0,
                .next = appended.end,
                .rewound = false,
                .full = false};
  }
  peer.generation = appended.generation;
  peer.full = peer.full && appended.scl <= peer.scl;
  peer.scl = std::max(peer.scl, appended.scl);
  // Each message after a lost one is answered with a gap: the first answer brings back what is
  // missing, and if that is lost too, the timer's turn comes.
  if (peer.next < appended.end || (appended.gap && !peer.rewound)) {
    peer.next = appended.end;
    peer.rewound = appended.gap;
  }
  AdvanceVdl(out);
  SendGroups(from, peer, out);
}

void Writer::AdvanceVdl(Effects& out) {
  std::map<MemberId, Lsn> held;
  for (const auto& [member, peer] : peers_) {
    if (peer.phase == Phase::kAdopted && peer.generation == configuration_.generation) {
      held[member] = peer.scl;
    }
  }
  // Until a write quorum holds the log up to where this epoch begins, nothing of it counts: groups
  // of older epochs are durable only through a newer epoch's history.
  const Lsn durable = configuration_.DurableLsn(held);
  const auto adopted = [&](const MemberId& member) { return held.contains(member); };
  if (state_ == WriterState::kSealing || durable < begin() || !configuration_.CanWrite(adopted)) {
    return;
  }
  vdl_ = std::max(vdl_, durable);
  if (announced_ != 0 && vdl_ >= announced_) {
    committed_generation_ = configuration_.generation;
  }
  if (state_ == WriterState::kRecovering) {
    state_ = WriterState::kOpen;
    Announce(out);
  }
  while (!kept_.empty() && kept_.front().end() <= vdl_ && kept_size_ > options_.kept_bytes) {
    kept_size_ -= kept_.front().bytes().size();
    kept_.pop_front();
  }
}

// Puts the configuration in force into the log.
void Writer::Announce(Effects& out) {
  const std::vector<Record> records{EpochStarted{epoch_, client_}, MembersChanged{configuration_}};
  announced_ = Add(records, out);
}

// --- Configurations. ---

Effects Writer::Configure(const Configuration& configuration) {
  Effects out;
  if (!Active() || configuration.generation <= configuration_.generation) {
    return out;
  }
  // A rebuild stops counting the old members for writes, so those that still serve an older
  // generation's writer must be fenced first: by a takeover.
  if (configuration.kind == ConfigurationKind::kRebuild) {
    state_ = WriterState::kSuperseded;
    return out;
  }
  configuration_ = configuration;
  std::map<MemberId, Peer> peers;
  for (const MemberId& member : configuration_.All()) {
    peers[member] = peers_[member];
  }
  peers_ = std::move(peers);
  if (state_ == WriterState::kSealing) {  // a vote counts in the configuration it was given in
    for (auto& [member, peer] : peers_) {
      peer = Peer{};
      SendSeal(member, out);
    }
    return out;
  }
  for (auto& [member, peer] : peers_) {
    if (peer.phase == Phase::kUnknown || peer.phase == Phase::kSealed) {
      SendSeal(member, out);
    } else {
      out.Send(member, protocol::Configure{configuration_});
    }
  }
  if (state_ == WriterState::kOpen) {
    Announce(out);
  }
  return out;
}

void Writer::On(const MemberId& from, const Configured& configured, Effects& out) {
  if (configured.generation == configuration_.generation && peers_[from].phase == Phase::kAdopted) {
    SendHeartbeat(from, peers_[from], out);
  }
}

void Writer::On(const MemberId& from, const Refused& refused, Effects& out) {
  if (refused.reason == Refusal::kGeneration) {
    Effects learned = Configure(refused.configuration);
    std::ranges::move(learned.messages, std::back_inserter(out.messages));
    return;
  }
  if (refused.reason == Refusal::kOutdated) {
    out.Send(from, protocol::Configure{configuration_});
    return;
  }
  if (refused.branch != branch_.id || refused.epoch != epoch_) {
    return;
  }
  Peer& peer = peers_[from];
  if (refused.reason == Refusal::kFull) {
    peer.full = true;  // what it lacks is sent again when it says that there is a gap
    return;
  }
  if (refused.reason == Refusal::kEpoch) {
    peer.phase = Phase::kLost;
    CheckFenced();
    return;
  }
  if (peer.phase != Phase::kLost) {
    peer.phase = Phase::kUnknown;
    SendSeal(from, out);
  }
}

// One member promised elsewhere is a loss that four others make up for.
void Writer::CheckFenced() {
  const auto left = [&](const MemberId& member) { return peers_[member].phase != Phase::kLost; };
  if (!configuration_.CanWrite(left) ||
      (state_ == WriterState::kSealing && !configuration_.CanTakeOver(left))) {
    state_ = WriterState::kFenced;
  }
}

// --- Timers: everything unanswered is said again. ---

Effects Writer::OnTimer(Time now) {
  Effects out;
  next_timer_ = now + options_.resend_interval;
  if (!Active()) {
    return out;
  }
  for (auto& [member, peer] : peers_) {
    switch (peer.phase) {
      case Phase::kUnknown:
        SendSeal(member, out);
        break;
      case Phase::kSealed:
        if (state_ != WriterState::kSealing) {
          SendAdopt(member, peer, out);
        }
        break;
      case Phase::kAdopted:
        peer.rewound = false;
        SendGroups(member, peer, out);
        SendHeartbeat(member, peer, out);
        break;
      case Phase::kLost:
        break;
    }
  }
  return out;
}

void Writer::SendSeal(const MemberId& to, Effects& out) const {
  out.Send(to, Seal{branch_, epoch_, configuration_});
}

void Writer::SendHeartbeat(const MemberId& to, const Peer& peer, Effects& out) const {
  out.Send(to, MakeAppend(peer));
}

protocol::Append Writer::MakeAppend(const Peer& peer) const {
  return {.branch = branch_.id,
          .epoch = epoch_,
          .generation = configuration_.generation,
          .vdl = vdl_,
          .sent = peer.next,
          .retain_from = retain_from_,
          .groups = {}};
}

std::vector<MemberId> Writer::Holders(Lsn at) const {
  std::vector<MemberId> holders;
  for (const auto& [member, peer] : peers_) {
    if (peer.phase == Phase::kAdopted && peer.scl >= at) {
      holders.push_back(member);
    }
  }
  return holders;
}

std::size_t Writer::full_members() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(peers_, [](const auto& entry) { return entry.second.full; }));
}

}  // namespace sextant::protocol
