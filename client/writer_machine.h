// protocol::Writer and those who wait for it.
#pragma once

#include "client/machine.h"
#include "client/waiters.h"
#include "sextant/protocol/writer.h"

namespace sextant::client {

class WriterMachine : public Machine {
 public:
  WriterMachine(const protocol::WriterOptions& options, const protocol::Branch& branch,
                protocol::Epoch epoch, const protocol::ClientId& client,
                const protocol::Configuration& configuration)
      : writer_(options, branch, epoch, client, configuration) {}

  void Start(Time now, Effects& out, Time deadline, Callback<> opened);
  [[nodiscard]] std::expected<protocol::Lsn, protocol::AppendError> Append(
      std::span<const protocol::Record> records, std::uint64_t wall_time, Effects& out) {
    return writer_.Append(records, wall_time, out);
  }
  void WhenDurable(protocol::Lsn lsn, Time deadline, Callback<> done) {
    durable_.Add(lsn, deadline, std::move(done));
  }
  // When less is outstanding than now.
  void WhenRoom(Time deadline, Callback<> done) {
    durable_.Add(writer_.vdl() + 1, deadline, std::move(done));
  }
  void RetainFrom(protocol::Lsn lsn) { writer_.RetainFrom(lsn); }
  [[nodiscard]] const protocol::Writer& writer() const { return writer_; }
  [[nodiscard]] std::optional<Time> Stalled(Time now) const;

  void Receive(const MemberId& from, const protocol::Message& message, Time now,
               Effects& out) override;
  void Configure(const protocol::Configuration& configuration, Effects& out) override;
  void OnTimer(Time now, Effects& out) override;
  [[nodiscard]] Time next_timer() const override;
  void TakeCompletions(Time now, Completions& out) override;
  void Close(Completions& out) override;
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  // Why nothing will become durable any more.
  [[nodiscard]] std::optional<Error> End() const;
  // Why nothing becomes durable for now, as far as it is known.
  [[nodiscard]] std::string Hindrance() const;

  protocol::Writer writer_;
  Waiters opened_;
  Waiters durable_;
  bool closed_ = false;
  protocol::Lsn progress_ = 0;  // the VDL when it last rose, or when all was durable
  Time progress_time_{0};
};

}  // namespace sextant::client
