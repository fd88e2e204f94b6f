#include "storage/log_writer.h"

#include <algorithm>
#include <format>

namespace sextant::storage {
namespace {

Result<Log*> Find(Store& store, BranchId branch) {
  Log* log = store.logs().Find(branch);
  if (log == nullptr) {
    return std::unexpected(
        DiskError{DiskError::Kind::kMisuse, std::format("branch {} has no log", branch)});
  }
  return log;
}

// The branch whose log the operation appends to or syncs; 0 for all other operations.
BranchId Appends(const WriteOperation& operation) {
  if (const auto* write = std::get_if<protocol::WriteLog>(&operation)) {
    return write->group.header().branch;
  }
  const auto* sync = std::get_if<protocol::SyncLog>(&operation);
  return sync != nullptr ? sync->branch : 0;
}

std::uint64_t BytesOf(const WriteOperation& operation) {
  const auto* write = std::get_if<protocol::WriteLog>(&operation);
  return write != nullptr ? write->group.bytes().size() : 0;
}

}  // namespace

LogWriter::LogWriter(Store& store, Ingester& ingester, WriterEvents events)
    : store_(store),
      ingester_(ingester),
      events_(std::move(events)),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void LogWriter::Submit(WriteOperation operation) {
  queued_bytes_ += BytesOf(operation);
  const std::scoped_lock lock(mutex_);
  queue_.push_back(std::move(operation));
  changed_.notify_one();
}

void LogWriter::Retry() {
  const std::scoped_lock lock(mutex_);
  retry_ = true;
  changed_.notify_one();
}

void LogWriter::Run(const std::stop_token& stop) {
  while (!failed_) {
    std::deque<WriteOperation> operations;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, stop, [&] { return !queue_.empty() || (retry_ && full_); });
      if (stop.stop_requested()) {
        return;
      }
      if (retry_) {
        operations.swap(held_);
        held_branches_.clear();
        retry_ = false;
      }
      operations.insert(operations.end(), std::move_iterator(queue_.begin()),
                        std::move_iterator(queue_.end()));
      queue_.clear();
    }
    Carry(std::move(operations));
  }
}

void LogWriter::Carry(std::deque<WriteOperation> operations) {
  for (WriteOperation& operation : operations) {
    if (failed_) {
      return;
    }
    const BranchId branch = Appends(operation);
    if (branch != 0 && held_branches_.contains(branch)) {
      Hold(std::move(operation));
      continue;
    }
    if (branch == 0) {
      SyncWaiting();  // what came first is done first
    }
    if (failed_) {
      return;
    }
    const auto done =
        std::visit([&](const auto& alternative) { return Do(alternative); }, operation);
    if (done) {
      queued_bytes_ -= BytesOf(operation);
    } else if (done.error().kind == DiskError::Kind::kFull) {
      Hold(std::move(operation));
    } else {
      Fail(done.error());
    }
  }
  if (!failed_) {
    SyncWaiting();
  }
  full_ = !held_.empty();
}

void LogWriter::Hold(WriteOperation operation) {
  if (const BranchId branch = Appends(operation); branch != 0) {
    held_branches_.insert(branch);
  }
  held_.push_back(std::move(operation));
  full_ = true;
}

void LogWriter::Fail(const DiskError& error) {
  failed_ = true;
  events_.failed(error);
}

void LogWriter::SyncWaiting() {
  std::vector<BranchId> branches;
  branches.swap(to_sync_);
  for (const BranchId branch : branches) {
    const auto log = Find(store_, branch);
    const auto synced = log ? (*log)->Sync() : std::unexpected(log.error());
    if (!synced) {
      Fail(synced.error());
      return;
    }
    events_.completed(protocol::LogSynced{branch});
  }
  if (!branches.empty()) {
    ingester_.Wake();
  }
}

Result<> LogWriter::Do(const protocol::WriteLog& operation) {
  const auto log = Find(store_, operation.group.header().branch);
  return log ? (*log)->Append(operation.group) : std::unexpected(log.error());
}

// Done with all that was queued behind it: their groups share the sync.
Result<> LogWriter::Do(const protocol::SyncLog& operation) {
  to_sync_.push_back(operation.branch);
  return {};
}

Result<> LogWriter::Do(const protocol::PersistNode& operation) {
  auto written = store_.Write(operation.record);
  if (written) {
    events_.completed(protocol::NodePersisted{});
  }
  return written;
}

Result<> LogWriter::Do(const protocol::PersistBranch& operation) {
  auto written = store_.Write(operation.record);
  if (written) {
    ingester_.Wake();  // more is durable: child branches may have waited for it
    events_.completed(protocol::BranchPersisted{operation.record.branch.id});
  }
  return written;
}

Result<> LogWriter::Do(const protocol::TruncateLog& operation) {
  const auto log = Find(store_, operation.branch);
  auto done = log ? (*log)->Truncate(operation.from) : std::unexpected(log.error());
  if (done) {
    done = store_.index().Truncate(operation.branch, operation.from);
  }
  if (done) {
    events_.completed(protocol::LogTruncated{operation.branch});
  }
  return done;
}

Result<> LogWriter::Do(const DropLog& operation) {
  const auto log = Find(store_, operation.branch);
  auto done = log ? (*log)->DropBelow(operation.start) : std::unexpected(log.error());
  if (done) {
    events_.completed(protocol::LogTrimmed{operation.branch, (*log)->start()});
  }
  return done;
}

Result<> LogWriter::Do(const protocol::RepairLog& operation) {
  const BranchId branch = operation.group.header().branch;
  const auto log = Find(store_, branch);
  auto done = log ? (*log)->Repair(operation.group) : std::unexpected(log.error());
  if (done) {
    ingester_.Wake();  // first: a read that follows the completion must not find the old damage
    events_.completed(protocol::LogRepaired{branch, operation.group.range()});
  }
  return done;
}

}  // namespace sextant::storage
