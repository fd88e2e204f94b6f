#include "client/writer_machine.h"

#include <format>

namespace sextant::client {

using protocol::WriterState;

void WriterMachine::Start(Time now, Effects& out, Time deadline, Callback<> opened) {
  opened_.Add(0, deadline, std::move(opened));
  progress_time_ = now;
  Join(out, writer_.Start(now));
}

void WriterMachine::Receive(const MemberId& from, const protocol::Message& message, Time now,
                            Effects& out) {
  Join(out, writer_.Receive(from, message, now));
}

void WriterMachine::Configure(const protocol::Configuration& configuration, Effects& out) {
  Join(out, writer_.Configure(configuration));
}

void WriterMachine::OnTimer(Time now, Effects& out) {
  if (writer_.next_timer() <= now) {
    Join(out, writer_.OnTimer(now));
  }
}

Time WriterMachine::next_timer() const {
  return std::min({writer_.next_timer(), opened_.next_deadline(), durable_.next_deadline()});
}

std::optional<Time> WriterMachine::Stalled(Time now) const {
  const bool waiting = writer_.state() != WriterState::kOpen || writer_.vdl() < writer_.end();
  return waiting ? std::optional(now - progress_time_) : std::nullopt;
}

std::optional<Error> WriterMachine::End() const {
  if (writer_.broken()) {
    return Error{ErrorCode::kLost, "the members' logs end below what they had acknowledged"};
  }
  if (writer_.state() == WriterState::kFenced) {
    return Error{ErrorCode::kFenced, std::format("epoch {} of branch {} was fenced by a newer one",
                                                 writer_.epoch(), writer_.branch().id)};
  }
  if (writer_.state() == WriterState::kSuperseded) {
    return Error{ErrorCode::kSuperseded, "the configuration became a rebuild"};
  }
  return std::nullopt;
}

std::string WriterMachine::Hindrance() const {
  const std::size_t full = writer_.full_members();
  return full == 0 ? "" : std::format("; storage nodes with a full disk: {}", full);
}

void WriterMachine::TakeCompletions(Time now, Completions& out) {
  if (writer_.vdl() > progress_ || writer_.vdl() == writer_.end()) {
    progress_ = writer_.vdl();
    progress_time_ = now;
  }
  if (writer_.state() == WriterState::kOpen) {
    opened_.Reach(0, out);
  }
  durable_.Reach(writer_.vdl(), out);
  if (!opened_.empty() || !durable_.empty()) {
    if (const auto error = End()) {
      opened_.Fail(*error, out);
      durable_.Fail(*error, out);
    }
  }
  opened_.Expire(now, out);
  if (durable_.next_deadline() <= now) {
    durable_.Expire(now, out, Hindrance());
  }
}

void WriterMachine::Close(Completions& out) {
  closed_ = true;
  const Error closed{ErrorCode::kClosed, "the writer was closed"};
  opened_.Fail(closed, out);
  durable_.Fail(closed, out);
}

}  // namespace sextant::client
