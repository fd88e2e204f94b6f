#include "client/log_reads.h"

namespace sextant::client {
namespace {

constexpr Time kAskAgain = std::chrono::seconds(1);
using Groups = std::vector<protocol::Group>;

}  // namespace

void LogReads::Start(const MemberId& member, protocol::BranchId branch, protocol::Lsn from,
                     Time now, Effects& out, Time deadline, Callback<Groups> done) {
  waiting_.push_back({.member = member,
                      .branch = branch,
                      .from = from,
                      .deadline = deadline,
                      .done = std::move(done)});
  out.Send(member, protocol::Pull{branch, from});
  next_ask_ = std::min(next_ask_, now + kAskAgain);
}

void LogReads::Receive(const MemberId& from, const protocol::Message& message, Time, Effects& out) {
  if (const auto* begins = std::get_if<protocol::LogBegins>(&message)) {
    for (Waiting& waiting : waiting_) {
      if (waiting.member == from && waiting.branch == begins->branch && !waiting.answer &&
          waiting.from < begins->start) {
        waiting.from = begins->start;
        out.Send(from, protocol::Pull{waiting.branch, waiting.from});
      }
    }
    return;
  }
  const auto* pulled = std::get_if<protocol::Pulled>(&message);
  if (pulled == nullptr) {
    return;
  }
  for (Waiting& waiting : waiting_) {
    // An answer carries no number: its first group tells where it begins.
    if (waiting.member == from && waiting.branch == pulled->branch && !waiting.answer &&
        (pulled->groups.empty() || pulled->groups.front().range().first == waiting.from)) {
      waiting.answer = pulled->groups;
    }
  }
}

void LogReads::OnTimer(Time now, Effects& out) {
  next_ask_ = now + kAskAgain;
  for (const Waiting& waiting : waiting_) {
    out.Send(waiting.member, protocol::Pull{waiting.branch, waiting.from});
  }
}

Time LogReads::next_timer() const { return waiting_.empty() ? Time::max() : next_ask_; }

void LogReads::TakeCompletions(Time now, Completions& out) {
  for (Waiting& waiting : waiting_) {
    if (waiting.answer) {
      Complete(std::move(waiting.done), Result<Groups>(std::move(*waiting.answer)), out);
    } else if (waiting.deadline <= now) {
      Complete(std::move(waiting.done),
               Result<Groups>(std::unexpected(
                   Error{ErrorCode::kTimeout, "the member did not answer before the deadline"})),
               out);
    }
  }
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    return waiting.answer.has_value() || waiting.deadline <= now;
  });
}

void LogReads::Close(Completions& out) {
  for (Waiting& waiting : waiting_) {
    Complete(std::move(waiting.done),
             Result<Groups>(std::unexpected(Error{ErrorCode::kClosed, "the client was closed"})),
             out);
  }
  waiting_.clear();
}

}  // namespace sextant::client
