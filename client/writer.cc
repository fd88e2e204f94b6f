#include "sextant/client/writer.h"

#include "client/core.h"
#include "client/writer_machine.h"

namespace sextant::client {
namespace {

std::uint64_t WallTime() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

std::unexpected<Error> Closed() {
  return std::unexpected(Error{ErrorCode::kClosed, "the writer was closed"});
}

}  // namespace

Writer::Writer(std::shared_ptr<Core> core, std::shared_ptr<WriterMachine> machine)
    : core_(std::move(core)), machine_(std::move(machine)) {}

Writer::~Writer() { Close(); }

void Writer::Close() { core_->Remove(machine_); }

Result<protocol::Lsn> Writer::Append(std::span<const protocol::Record> records, Deadline deadline) {
  while (true) {
    bool closed = false;
    const auto appended = core_->With([&](Time, Effects& out) {
      closed = machine_->closed();
      return closed ? std::unexpected(protocol::AppendError::kNotOpen)
                    : machine_->Append(records, WallTime(), out);
    });
    if (closed) {
      return Closed();
    }
    if (appended) {
      return *appended;
    }
    if (appended.error() == protocol::AppendError::kTooLarge) {
      return std::unexpected(Error{ErrorCode::kTooLarge, "the group is above 16 MiB"});
    }
    if (appended.error() == protocol::AppendError::kMalformed) {
      return std::unexpected(Error{ErrorCode::kInvalid, "a record is malformed"});
    }
    // Full: something must become durable. Not open: the same wait ends at once with the reason.
    const auto room = Await<void>([&](Callback<> done) {
      Wait(std::move(done), [&](Callback<> waiting) {
        machine_->WhenRoom(Core::ToTime(deadline), std::move(waiting));
      });
    });
    if (!room) {
      return std::unexpected(room.error());
    }
  }
}

void Writer::WhenDurable(protocol::Lsn lsn, Deadline deadline, Callback<> done) {
  Wait(std::move(done), [&](Callback<> waiting) {
    machine_->WhenDurable(lsn, Core::ToTime(deadline), std::move(waiting));
  });
}

void Writer::Wait(Callback<> done, const std::function<void(Callback<>)>& add) {
  const bool closed = core_->With([&](Time, Effects&) {
    if (!machine_->closed()) {
      add(std::move(done));
    }
    return machine_->closed();
  });
  if (closed) {
    done(Closed());
  }
}

Result<> Writer::WaitDurable(protocol::Lsn lsn, Deadline deadline) {
  return Await<void>([&](Callback<> done) { WhenDurable(lsn, deadline, std::move(done)); });
}

protocol::WriterState Writer::state() const {
  return core_->With([&](Time, Effects&) { return machine_->writer().state(); });
}

protocol::Epoch Writer::epoch() const { return machine_->writer().epoch(); }

protocol::Branch Writer::branch() const { return machine_->writer().branch(); }

protocol::Lsn Writer::vdl() const {
  return core_->With([&](Time, Effects&) { return machine_->writer().vdl(); });
}

protocol::Lsn Writer::begin() const {
  return core_->With([&](Time, Effects&) { return machine_->writer().begin(); });
}

protocol::Lsn Writer::end() const {
  return core_->With([&](Time, Effects&) { return machine_->writer().end(); });
}

protocol::Position Writer::PositionAt(protocol::Lsn lsn) const {
  return core_->With([&](Time, Effects&) {
    return protocol::Position{machine_->writer().history().EpochAt(lsn), lsn};
  });
}

std::optional<protocol::Time> Writer::stalled() const {
  return core_->With([&](Time now, Effects&) { return machine_->Stalled(now); });
}

std::size_t Writer::full_nodes() const {
  return core_->With([&](Time, Effects&) { return machine_->writer().full_members(); });
}

protocol::Generation Writer::committed_generation() const {
  return core_->With([&](Time, Effects&) { return machine_->writer().committed_generation(); });
}

void Writer::RetainFrom(protocol::Lsn lsn) {
  core_->With([&](Time, Effects&) { machine_->RetainFrom(lsn); });
}

}  // namespace sextant::client
