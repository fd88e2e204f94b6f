// How a replica fills up from its peers: what it lacks at the end, and what went bad in the middle.
//
// An (epoch, LSN) names one sequence of bytes, so a group is right wherever it comes from if its
// epoch is the one this log's history has there. What may be taken is limited to what is final:
// below the VDL, or below the beginning of the epoch that was adopted.
#include "sextant/protocol/replica.h"

#include <algorithm>

namespace sextant::protocol {
namespace {

constexpr std::size_t kPullBytes = 1U << 20;
constexpr std::size_t kMaximumPulls = 64;
constexpr Time kPullTimeout = std::chrono::milliseconds(100);
constexpr Time kLeastDamagedPause = std::chrono::milliseconds(50);
constexpr Time kGreatestDamagedPause = std::chrono::seconds(10);
constexpr Time kPatienceWithDamage = std::chrono::seconds(1);
constexpr std::size_t kMaximumRepaired = 4096;

}  // namespace

Gossip Replica::MakeGossip() const {
  Gossip gossip{.configuration = {},
                .branch = branch(),
                .history = record_.history.CutTo(scl_),
                .scl = scl_,
                .vdl = vdl_,
                .forks = saved_.forks,
                .pins = {},
                .retain_from = saved_.retain_from};
  for (const auto& [id, pin] : saved_.pins) {
    if (!pin.leased()) {
      gossip.pins[id] = pin;
    }
  }
  return gossip;
}

void Replica::OnGossip(const MemberId& from, const Gossip& gossip, Time now, Effects& out) {
  LearnRetention(from, gossip);
  const Lsn shared = Divergence({record_.history, scl_}, {gossip.history, gossip.scl}, fork());
  peers_[from] = {.scl = shared, .heard = now};
  if (step_ != Step::kIdle) {
    return;
  }
  RaiseVdl(std::min(gossip.vdl, shared));
  // The durable part of the peer's log was written by an epoch this log has never heard of: follow
  // it. No writer may ever come to say so, on a branch that was left behind.
  if (gossip.vdl > shared && Quiet() &&
      gossip.history.EpochAt(gossip.vdl) > record_.history.last_epoch()) {
    const Lsn last = gossip.vdl - 1;  // an epoch that begins at the VDL has nothing durable
    donor_ = from;
    BeginAdoption(gossip.history.CutTo(last), shared, out);
    return;
  }
  const Lsn final_end = std::max(gossip.vdl, AdoptedPromise() ? record_.history.last_first() : 0);
  if (std::min(gossip.scl, final_end) > end_) {
    AskFor(from, end_, now, out);
  }
}

void Replica::AskFor(const MemberId& peer, Lsn from, Time now, Effects& out) {
  if (now >= pull_until_) {
    pull_until_ = now + kPullTimeout;
    out.Send(peer, Pull{branch().id, from});
  }
}

void Replica::OnPull(const MemberId& from, const Pull& pull, Effects& out) {
  if (pull.from < start()) {
    out.Send(from, LogBegins{branch().id, start()});
  } else if (pull.from < scl_ && pulls_.size() < kMaximumPulls) {
    const std::uint64_t token = next_token_++;
    pulls_[token] = from;
    out.Do(ReadLog{branch().id, pull.from, kPullBytes, token});
  }
}

void Replica::OnLogRead(const LogRead& read, Effects& out) {
  if (read.damaged) {
    MarkDamaged(*read.damaged);
  }
  const auto pull = pulls_.find(read.token);
  if (pull == pulls_.end()) {  // our own scrubbing
    if (read.damaged) {
      scrubbed_ = read.damaged->end;
    } else if (!read.groups.empty()) {
      scrubbed_ = read.groups.back().end();
    }
    return;
  }
  // The log may have been cut, and grown again, while it was read.
  std::vector<Group> groups;
  for (const Group& group : read.groups) {
    if (group.end() <= scl_ && record_.history.EpochAt(group.end()) == group.epoch() && Settled()) {
      groups.push_back(group);
    }
  }
  if (!groups.empty()) {
    out.Send(pull->second, Pulled{branch().id, vdl_, std::move(groups)});
  }
  pulls_.erase(pull);
}

void Replica::OnPulled(const MemberId& from, const Pulled& pulled, Time now, Effects& out) {
  pull_until_ = Time{0};
  if (!Settled()) {
    return;
  }
  const Lsn before = end_;
  const bool may_repair = repairing_ == 0;  // what came first is still on its way to the disk
  const Lsn final_end = std::max(pulled.vdl, AdoptedPromise() ? record_.history.last_first() : 0);
  for (const Group& group : pulled.groups) {
    if (group.header().branch != branch().id ||
        record_.history.EpochAt(group.end()) != group.epoch()) {
      continue;
    }
    if (group.end() <= scl_) {
      if (may_repair && damaged_.Covers(group.range())) {
        ++repairing_;
        healer_ = from;
        out.Do(RepairLog{group});
      }
    } else if (group.header().previous_end == end_ && group.end() <= final_end) {
      Write(group, out);
    }
  }
  if (end_ > before) {
    Sync(out);
    RaiseVdl(pulled.vdl);
    if (end_ < final_end) {
      AskFor(from, end_, now, out);
    }
  }
}

// Damage is for a snapshot only when it stays: another peer may still have those groups.
void Replica::OnLogBegins(const MemberId& from, const LogBegins& begins, Effects& out) {
  pull_until_ = Time{0};
  const bool behind = end_ < begins.start;
  const bool rotten = !damaged_.empty() && damaged_.NextFrom(0).first < begins.start &&
                      damaged_pause_ > kPatienceWithDamage;
  if (Settled() && (behind || rotten)) {
    out.Do(FetchSnapshot{from});
  }
}

// What has left the log can be bad no more.
void Replica::OnTrimmed(Lsn start) {
  start_ = std::max(start_, start);
  scrubbed_ = std::max(scrubbed_, start_);
  damaged_.Remove({0, start_});
}

void Replica::MarkDamaged(LsnRange range) {
  damaged_.Add({std::max(range.first, start()), std::min(range.end, scl_)});
}

// Damage may be many groups long, even the whole log, and where they begin is known by peers alone:
// what is repaired is taken out, group by group, and the rest asked for.
void Replica::OnRepaired(LsnRange range, Effects& out) {
  damaged_.Remove(range);
  repairing_ -= std::min<std::size_t>(repairing_, 1);
  if (repaired_.size() >= kMaximumRepaired) {
    repaired_.clear();
  }
  if (repaired_.insert(range.first).second) {
    ask_damaged_at_ = damaged_pause_ = Time{0};
  }
  if (repairing_ == 0 && !damaged_.empty() && healer_) {
    AskForDamaged(*healer_, out);
    healer_.reset();  // who has nothing more to give is not asked for ever
  }
}

// One range after another, so that what nobody has does not stand before the rest.
void Replica::AskForDamaged(const MemberId& peer, Effects& out) {
  const LsnRange next = damaged_.NextFrom(asked_from_);
  asked_from_ = next.first + 1;
  out.Send(peer, Pull{branch().id, next.first});
}

// More and more rarely while nothing gets better: what no peer has in good shape, or what is found
// bad again as soon as it was repaired, must not keep disks and network busy.
void Replica::AskForDamagedInTime(const MemberId& peer, Time now, Effects& out) {
  if (now < ask_damaged_at_) {
    return;
  }
  damaged_pause_ = std::clamp(2 * damaged_pause_, kLeastDamagedPause, kGreatestDamagedPause);
  ask_damaged_at_ = now + damaged_pause_;
  AskForDamaged(peer, out);
}

void Replica::Scrub(Effects& out) {
  if (scrubbed_ >= scl_) {
    scrubbed_ = start();
  }
  if (Settled() && scl_ > start()) {
    out.Do(ReadLog{branch().id, scrubbed_, kPullBytes, 0});
  }
}

}  // namespace sextant::protocol
