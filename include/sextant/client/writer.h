// The writer of a branch, in one epoch.
#pragma once

#include "sextant/client/error.h"
#include "sextant/protocol/writer.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>

namespace sextant::client {

class Core;
class WriterMachine;

// Any thread. Closed by its destructor: what waits then gets kClosed, and groups that were not
// durable may become so or not.
class Writer {
 public:
  Writer(std::shared_ptr<Core> core, std::shared_ptr<WriterMachine> machine);
  ~Writer();
  // Ends everything that waits with kClosed, and all that is called later. May be called again.
  void Close();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // Sends the records as one group and returns its end. It is durable when vdl() has come there.
  // Waits while too much is outstanding (protocol::WriterOptions::outstanding_bytes).
  [[nodiscard]] Result<protocol::Lsn> Append(std::span<const protocol::Record> records,
                                             Deadline deadline);
  // A write that finds no quorum waits: only fencing, closing and the deadline end it.
  void WhenDurable(protocol::Lsn lsn, Deadline deadline, Callback<> done);
  [[nodiscard]] Result<> WaitDurable(protocol::Lsn lsn, Deadline deadline);

  [[nodiscard]] protocol::WriterState state() const;
  [[nodiscard]] protocol::Epoch epoch() const;
  [[nodiscard]] protocol::Branch branch() const;
  [[nodiscard]] protocol::Lsn vdl() const;
  // Where the epoch began: all below is durable and was found by it.
  [[nodiscard]] protocol::Lsn begin() const;
  [[nodiscard]] protocol::Lsn end() const;
  // Where a read sees all that was written up to `lsn`.
  [[nodiscard]] protocol::Position PositionAt(protocol::Lsn lsn) const;
  // For how long groups have waited with none becoming durable: no quorum answers. None when all
  // is well.
  [[nodiscard]] std::optional<protocol::Time> stalled() const;
  // How many nodes take no groups because their disks are full.
  [[nodiscard]] std::size_t full_nodes() const;
  // A change of members up to this generation may be concluded, as far as this branch goes.
  [[nodiscard]] protocol::Generation committed_generation() const;
  // Versions of pages that only older LSNs see may go.
  void RetainFrom(protocol::Lsn lsn);

 private:
  // Hands `done` to the machine by `add`, unless the writer was closed.
  void Wait(Callback<> done, const std::function<void(Callback<>)>& add);

  std::shared_ptr<Core> core_;
  std::shared_ptr<WriterMachine> machine_;
};

}  // namespace sextant::client
