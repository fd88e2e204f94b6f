#include "sextant/protocol/replica.h"

#include <algorithm>
#include <utility>

namespace sextant::protocol {
namespace {

constexpr std::size_t kMaximumWaiting = 16;

}  // namespace

Replica::Replica(const Branch& branch, Generation generation) : generation_(generation) {
  record_.branch = branch;
  record_.vdl = record_.synced = record_.horizon = branch.fork;
  start_ = end_ = scl_ = vdl_ = scrubbed_ = branch.fork;
  retain_from_ = retain_next_ = record_.retain_from = branch.fork;
  saved_ = record_;
}

Replica::Replica(const RecoveredBranch& found, Generation generation, Time now)
    : record_(found.record),
      saved_(found.record),
      generation_(generation),
      start_(std::max(found.start, found.record.branch.fork)),
      end_(std::max(found.end, found.record.synced)),
      scl_(found.record.synced),
      vdl_(found.record.vdl),
      last_time_(found.last_time),
      scrubbed_(start_),
      retain_from_(found.record.horizon),
      retain_next_(found.record.horizon) {
  for (const LsnRange& range : found.damaged) {
    MarkDamaged(range);
  }
  for (const auto& [id, pin] : record_.pins) {
    if (pin.leased()) {
      expiry_[id] = now + pin.lease;  // a restart renews every lease: its time was not counted
    }
  }
}

void Replica::Start(Effects& out) {
  if (record_.intent) {
    step_ = Step::kTruncating;
    out.Do(TruncateLog{branch().id, record_.intent->from});
  } else if (end_ > scl_) {
    Sync(out);
  }
}

// --- Seal: no older writer's group is taken from here on, and that is on disk before it is told.
// ---

void Replica::OnSeal(const ClientId& from, const Seal& seal, Effects& out) {
  if (step_ != Step::kIdle) {
    if (waiting_.size() < kMaximumWaiting) {
      waiting_.emplace_back(from, seal);
    }
    return;
  }
  Promise& promise = record_.promise;
  const bool known = promise.epoch == seal.epoch && promise.writer == from;
  if (seal.epoch <= promise.epoch && !known && !Unclaimed(seal.epoch)) {
    Refuse(from, seal.epoch, Refusal::kEpoch, out);
    return;
  }
  if (known) {  // promised and persisted before: the writer lost touch
    AnswerSeal(from, out);
    return;
  }
  promise = {seal.epoch, from};
  requester_ = from;
  step_ = Step::kSealing;
  if (Quiet()) {
    Become(Step::kPromising, out);
  } else {
    Sync(out);  // OnSynced goes on: the answer counts every group that was ever acknowledged
  }
}

// The answer to a seal.
void Replica::AnswerSeal(const ClientId& from, Effects& out) {
  out.Send(from, Sealed{.branch = branch().id,
                        .epoch = record_.promise.epoch,
                        .generation = generation_,
                        .history = record_.history.CutTo(scl_),
                        .scl = scl_,
                        .vdl = vdl_,
                        .last_time = last_time_});
}

// --- Adopt: the log is cut to what it shares with the new history, which then becomes its own. ---

void Replica::OnAdopt(const ClientId& from, const Adopt& adopt, Effects& out) {
  if (step_ != Step::kIdle) {
    if (waiting_.size() < kMaximumWaiting) {
      waiting_.emplace_back(from, adopt);
    }
    return;
  }
  if (adopt.epoch != record_.promise.epoch || from != record_.promise.writer) {
    const bool may_seal = adopt.epoch > record_.promise.epoch || Unclaimed(adopt.epoch);
    Refuse(from, adopt.epoch, may_seal ? Refusal::kMismatch : Refusal::kEpoch, out);
    return;
  }
  if (record_.history == adopt.history) {  // a repetition: within an epoch a log only grows
    Acknowledge(false, out);
    return;
  }
  const Lsn shared =
      Divergence({adopt.history, adopt.history.last_first()}, {record_.history, scl_}, fork());
  if (adopt.history.last_epoch() != adopt.epoch || shared != adopt.from || !Quiet()) {
    Refuse(from, adopt.epoch, Refusal::kMismatch, out);
    return;
  }
  if (shared < adopt.history.last_first()) {
    donor_ = adopt.donor;
  }
  BeginAdoption(adopt.history, shared, out);
}

void Replica::BeginAdoption(const History& history, Lsn from, Effects& out) {
  if (from < vdl_) {
    broken_ = true;
    return;
  }
  if (from == end_) {
    FinishAdoption(history, out);
    return;
  }
  record_.intent = TruncationIntent{history, from};
  Become(Step::kIntending, out);
}

void Replica::OnTruncated(Effects& out) {
  const Lsn from = record_.intent->from;
  end_ = scl_ = from;
  damaged_.Remove({from, ~Lsn{0}});
  const History history = record_.intent->history;
  record_.intent.reset();
  FinishAdoption(history, out);
}

void Replica::FinishAdoption(const History& history, Effects& out) {
  record_.history = history;
  if (record_.promise.epoch < history.last_epoch()) {  // learned from a peer, not from the writer
    record_.promise = {history.last_epoch(), ClientId{}};
  }
  Become(Step::kAdopting, out);
}

// --- Append: in order, from the promised writer, under its history; acknowledged when synced. ---

void Replica::OnAppend(const ClientId& from, const Append& append, Effects& out) {
  if (append.epoch <= record_.promise.epoch &&
      (append.epoch != record_.promise.epoch || from != record_.promise.writer)) {
    Refuse(from, append.epoch, Unclaimed(append.epoch) ? Refusal::kMismatch : Refusal::kEpoch, out);
    return;
  }
  if (!Settled() && append.epoch == record_.promise.epoch) {
    return;  // the writer does not know yet that it may; it will send again
  }
  if (append.epoch != record_.history.last_epoch()) {
    Refuse(from, append.epoch, Refusal::kNotAdopted, out);
    return;
  }
  bool malformed = false;
  for (const Group& group : append.groups) {  // repetitions and what follows a gap are passed over
    if (group.header().previous_end != end_ || group.epoch() != append.epoch ||
        group.header().branch != branch().id) {
      continue;
    }
    if (!group.RecordsAreWellFormed()) {  // once in the log it would stop every reader, for ever
      malformed = true;
      break;
    }
    Write(group, out);
  }
  // Told of a gap, a writer sends again at once; this it may do as seldom as it likes.
  const bool gap = end_ < append.sent && !malformed;
  RaiseVdl(append.vdl);
  record_.retain_from = std::max(record_.retain_from, append.retain_from);
  if (end_ > scl_) {
    Sync(out);  // OnSynced acknowledges
  }
  if (gap || end_ == scl_) {
    Acknowledge(gap, out);
  }
}

void Replica::Write(const Group& group, Effects& out) {
  out.Do(WriteLog{group});
  end_ = group.end();
  last_time_ = std::max(last_time_, group.header().time);
}

// One sync at a time: what is written while it runs shares the next one.
void Replica::Sync(Effects& out) {
  if (!sync_target_) {
    sync_target_ = end_;
    out.Do(SyncLog{branch().id});
  }
}

void Replica::OnSynced(Effects& out) {
  scl_ = *sync_target_;
  sync_target_.reset();
  if (Settled()) {
    Acknowledge(false, out);
  }
  if (end_ > scl_) {
    Sync(out);
  } else if (step_ == Step::kSealing) {
    Become(Step::kPromising, out);
  }
}

// Only to the writer that is promised, and only under its own history.
void Replica::Acknowledge(bool gap, Effects& out) const {
  if (AdoptedPromise() && record_.promise.writer != ClientId{}) {
    out.Send(record_.promise.writer, Appended{.branch = branch().id,
                                              .epoch = record_.promise.epoch,
                                              .generation = generation_,
                                              .scl = scl_,
                                              .end = end_,
                                              .gap = gap});
  }
}

// The VDL is told to a log that shares the teller's history, so it holds for as much of it as is
// here.
void Replica::RaiseVdl(Lsn vdl) { vdl_ = std::max(vdl_, std::min(vdl, scl_)); }

// --- One change of the record at a time. ---

void Replica::Become(Step step, Effects& out) {
  step_ = step;
  record_.vdl = vdl_;
  record_.synced = scl_;
  saving_ = record_;
  out.Do(PersistBranch{record_});
}

void Replica::OnPersisted(Effects& out) {
  saved_ = saving_;
  switch (step_) {
    case Step::kPromising:
      AnswerSeal(requester_, out);
      break;
    case Step::kIntending:
      step_ = Step::kTruncating;
      out.Do(TruncateLog{branch().id, record_.intent->from});
      return;
    case Step::kAdopting:
      Acknowledge(false, out);
      if (donor_) {
        out.Send(*donor_, Pull{branch().id, end_});
      }
      donor_.reset();
      break;
    case Step::kPinning:
      out.Send(requester_, *pin_reply_);
      pin_reply_.reset();
      break;
    case Step::kCheckpointing:
      if (collect_) {
        out.Do(*std::exchange(collect_, std::nullopt));
      }
      break;
    case Step::kIdle:
    case Step::kSealing:
    case Step::kTruncating:
      return;
  }
  Idle(out);
}

void Replica::Idle(Effects& out) {
  step_ = Step::kIdle;
  while (step_ == Step::kIdle && !waiting_.empty()) {
    const auto [from, message] = std::move(waiting_.front());
    waiting_.pop_front();
    if (const auto* seal = std::get_if<Seal>(&message)) {
      OnSeal(from, *seal, out);
    } else {
      OnAdopt(from, std::get<Adopt>(message), out);
    }
  }
}

void Replica::Refuse(const ClientId& to, Epoch epoch, Refusal reason, Effects& out) const {
  out.Send(to, Refused{.branch = branch().id,
                       .epoch = epoch,
                       .reason = reason,
                       .promised = record_.promise.epoch,
                       .configuration = {}});
}

BranchStatus Replica::Status() const {
  return {.branch = record_.branch,
          .promised = record_.promise.epoch,
          .history = record_.history.CutTo(scl_),
          .scl = scl_,
          .vdl = vdl_,
          .end = end_,
          .horizon = record_.horizon,
          .last_time = last_time_,
          .damaged = static_cast<std::uint32_t>(damaged_.ranges().size())};
}

}  // namespace sextant::protocol
