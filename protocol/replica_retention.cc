// What of the past stays readable: everything from the horizon on, and every pin and fork below it.
#include "sextant/protocol/replica.h"

#include <algorithm>

namespace sextant::protocol {
namespace {

constexpr std::size_t kMaximumPins = 10'000;

}  // namespace

// A leased pin holds the horizon back: a reader's claim is short. A pin without a lease (a
// snapshot) keeps only its own LSN readable, or one old snapshot would keep all that came after it.
Lsn Replica::HorizonNow() const {
  Lsn horizon = std::min(retain_from_, vdl_);
  for (const auto& [id, pin] : record_.pins) {
    if (pin.leased()) {
      horizon = std::min(horizon, pin.lsn);
    }
  }
  return std::max(horizon, record_.horizon);
}

void Replica::OnSetPin(const ClientId& from, const SetPin& set, Time now, Effects& out) {
  PinSet reply{.branch = branch().id, .pin = set.pin, .accepted = true, .horizon = record_.horizon};
  const auto found = record_.pins.find(set.pin);
  const bool same = found != record_.pins.end() && found->second.lsn == set.lsn &&
                    found->second.lease == set.lease;
  // A retention already begun is not undone by a pin, so below only a pin held all along is good.
  // It begins when this member has heard of it: peers that ask what is pinned rely on the answer.
  const bool dropped = found != record_.pins.end() && found->second.dropped();
  const bool late = set.lsn < record_.horizon || set.lsn < record_.retain_from || set.lsn < fork();
  // A pin without a lease may have come here by gossip, too late to count for its owner's quorum.
  const bool renewed = same && set.lease.count() > 0;
  const bool unfit =
      !same && (set.lsn > vdl_ || set.lease.count() < 0 || record_.pins.size() >= kMaximumPins);
  if ((!renewed && (dropped || late)) || unfit) {
    reply.accepted = false;
    out.Send(from, reply);
    return;
  }
  // It may be known from a peer, or be on its way: what counts is the disk.
  const auto saved = saved_.pins.find(set.pin);
  const bool kept = same && saved != saved_.pins.end() && saved->second == found->second;
  if (!kept && step_ != Step::kIdle) {
    return;  // the reader asks again
  }
  if (set.lease.count() > 0) {
    expiry_[set.pin] = now + set.lease;
  } else {
    expiry_.erase(set.pin);
  }
  if (kept) {
    out.Send(from, reply);
    return;
  }
  record_.pins[set.pin] = {set.lsn, set.lease};
  requester_ = from;
  pin_reply_ = reply;
  Become(Step::kPinning, out);
}

void Replica::OnDropPin(const DropPin& drop) {
  expiry_.erase(drop.pin);
  const auto found = record_.pins.find(drop.pin);
  if (found == record_.pins.end() || found->second.dropped()) {
    return;
  }
  if (found->second.permanent()) {
    found->second.lease = Pin::kDropped;
  } else {
    record_.pins.erase(found);
  }
  pins_changed_ = true;
}

ReadStatus Replica::CanRead(const Position& at) const {
  if (at.lsn > scl_ || at.lsn < fork()) {
    return ReadStatus::kBehind;
  }
  // Above the VDL the log may still be cut, so the reader must name the epoch it means.
  const bool same_log =
      at.lsn <= vdl_ || (Settled() && at.epoch != 0 && record_.history.EpochAt(at.lsn) == at.epoch);
  if (!same_log) {
    return ReadStatus::kBehind;
  }
  const auto kept = [&](const auto& entry) {
    return entry.second.lsn == at.lsn && !entry.second.dropped();
  };
  const auto forked = [&](const auto& entry) { return entry.second == at.lsn; };
  if (at.lsn < record_.horizon && std::ranges::none_of(record_.pins, kept) &&
      std::ranges::none_of(record_.forks, forked)) {
    return ReadStatus::kCollected;
  }
  return ReadStatus::kOk;
}

void Replica::KeepFork(BranchId child, Lsn fork) {
  if (fork >= record_.horizon && fork >= this->fork()) {
    pins_changed_ |= record_.forks.try_emplace(child, fork).second;
  }
}

void Replica::LearnRetention(const MemberId& from, const Gossip& gossip) {
  for (const auto& [child, fork] : gossip.forks) {
    KeepFork(child, fork);
  }
  for (const auto& [id, pin] : gossip.pins) {
    LearnPin(id, pin);
  }
  for (const auto& [id, pin] : record_.pins) {
    const auto told = gossip.pins.find(id);
    if (pin.dropped() && (told == gossip.pins.end() || told->second.dropped())) {
      drop_known_by_[id].insert(from);
    }
  }
  record_.retain_from = std::max(record_.retain_from, gossip.retain_from);
  // Who has heard what is to go takes no new pins there, so it has told them all.
  if (gossip.retain_from >= retain_next_) {
    informed_by_.insert(from);
  }
}

// A drop outlives the pin: who still tells the pin has not heard.
void Replica::LearnPin(const Uuid& id, const Pin& told) {
  const auto found = record_.pins.find(id);
  if (found != record_.pins.end()) {
    if (found->second.permanent() && told.dropped()) {
      found->second.lease = Pin::kDropped;
      pins_changed_ = true;
    }
  } else if (told.permanent() && told.lsn >= record_.horizon && told.lsn >= fork() &&
             record_.pins.size() < kMaximumPins) {
    record_.pins[id] = told;
    pins_changed_ = true;
  }
}

// When no member is left that could bring the pin back. A message that was on its way all the while
// still can: then it costs space until it is dropped again.
void Replica::ForgetDropped(const NodeRecord& node) {
  const std::vector<MemberId> members = node.configuration.All();
  for (auto drop = drop_known_by_.begin(); drop != drop_known_by_.end();) {
    const auto knows = [&](const MemberId& member) {
      return member == node.member || drop->second.contains(member);
    };
    if (std::ranges::all_of(members, knows)) {
      record_.pins.erase(drop->first);
      pins_changed_ = true;
      drop = drop_known_by_.erase(drop);
    } else {
      ++drop;
    }
  }
}

// A pin or a branch exists when a write quorum has it, so any takeover quorum knows it. Until one
// has told, nothing is collected: this member may be new, or have slept. As many as write must have
// told, too: then a later pin's quorum has two that refuse it, and one of them may be replaced.
void Replica::AdvanceRetention(const NodeRecord& node) {
  const auto informed = [&](const MemberId& member) {
    return member == node.member || informed_by_.contains(member);
  };
  if (!node.configuration.CanTakeOver(informed) || !node.configuration.CanWrite(informed)) {
    return;
  }
  retain_from_ = retain_next_;
  if (record_.retain_from > retain_next_) {
    retain_next_ = record_.retain_from;
    informed_by_.clear();
  }
}

void Replica::OnTimer(Time now, const NodeRecord& node, const std::optional<MemberId>& peer,
                      Effects& out) {
  AdvanceRetention(node);
  ForgetDropped(node);
  for (auto it = expiry_.begin(); it != expiry_.end();) {
    if (now >= it->second && step_ == Step::kIdle) {
      pins_changed_ |= record_.pins.erase(it->first) > 0;
      it = expiry_.erase(it);
    } else {
      ++it;
    }
  }
  if (!damaged_.empty() && repairing_ == 0 && peer) {
    AskForDamagedInTime(*peer, now, out);
  }
  Checkpoint(out);
}

void Replica::Checkpoint(Effects& out) {
  const Lsn horizon = HorizonNow();
  const bool learned =
      vdl_ > record_.vdl || scl_ > record_.synced || record_.retain_from > saved_.retain_from;
  if (step_ != Step::kIdle || (!learned && !pins_changed_ && horizon == record_.horizon)) {
    return;
  }
  const bool collect = horizon > record_.horizon || pins_changed_;
  pins_changed_ = false;
  record_.horizon = horizon;  // refused to readers from here on, collected when this is on disk
  if (collect) {
    collect_ = MakeCollection();
  }
  Become(Step::kCheckpointing, out);
}

// What a member of the configuration has of this log, if it is heard; the least of them.
Lsn Replica::SlowestPeer(Time now, const Configuration& configuration, const MemberId& self,
                         Time patience) {
  Lsn slowest = scl_;
  for (const MemberId& member : configuration.All()) {
    // Who was never heard counts from now on, as if it had nothing.
    const PeerLog peer =
        peers_.try_emplace(member, PeerLog{.scl = fork(), .heard = now}).first->second;
    if (member != self && now - peer.heard <= patience) {
      slowest = std::min(slowest, peer.scl);
    }
  }
  return slowest;
}

// By what is on disk: a restart must never need what has left.
void Replica::Trim(Time now, const Configuration& configuration, const MemberId& self,
                   Time patience, Effects& out) {
  const Lsn below =
      std::min({saved_.horizon, saved_.vdl, SlowestPeer(now, configuration, self, patience)});
  if (below <= std::max(trimmed_below_, start())) {
    return;
  }
  trimmed_below_ = below;
  TrimLog trim{branch().id, below, {}};
  for (const auto& [id, pin] : saved_.pins) {
    if (!pin.dropped() && pin.lsn < below) {
      trim.kept.push_back(pin.lsn);
    }
  }
  for (const auto& [child, fork] : saved_.forks) {
    if (fork < below) {
      trim.kept.push_back(fork);
    }
  }
  out.Do(std::move(trim));
}

// Carried out after the checkpoint, and by what the checkpoint says: a pin dropped meanwhile is on
// disk still, and a restart must never offer versions that are gone.
CollectVersions Replica::MakeCollection() const {
  CollectVersions collect{branch().id, record_.horizon, {}};
  for (const auto& [id, pin] : record_.pins) {
    if (!pin.dropped()) {
      collect.pins.push_back(pin.lsn);
    }
  }
  for (const auto& [child, fork] : record_.forks) {
    collect.pins.push_back(fork);
  }
  return collect;
}

}  // namespace sextant::protocol
