#include "storage/read_pool.h"

#include <ranges>

namespace sextant::storage {

ReadPool::ReadPool(Store& store, Ingester& ingester, std::size_t threads, OnCompletion completed,
                   OnFailure failed)
    : store_(store),
      ingester_(ingester),
      completed_(std::move(completed)),
      failed_(std::move(failed)) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { Run(stop); });
  }
}

void ReadPool::Submit(ReadOperation operation) {
  const std::scoped_lock lock(mutex_);
  queue_.push_back(std::move(operation));
  changed_.notify_one();
}

void ReadPool::Run(const std::stop_token& stop) {
  while (true) {
    ReadOperation operation;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !queue_.empty(); }) || stop.stop_requested()) {
        return;
      }
      operation = std::move(queue_.front());
      queue_.pop_front();
    }
    std::visit([this](const auto& read) { Do(read); }, operation);
  }
}

void ReadPool::Do(const protocol::ReadLog& operation) {
  auto slice = store_.logs().Read(operation.branch, operation.from, operation.bytes);
  if (!slice) {
    failed_(slice.error());
    return;
  }
  completed_(protocol::LogRead{operation.branch, operation.token, std::move(slice->groups),
                               slice->damaged});
}

std::optional<protocol::DamagedGroup> ReadPool::WaitForIndex(BranchId branch, Lsn lsn) {
  // The oldest first: the others wait for it.
  for (const Index::Ancestor& ancestor : std::views::reverse(store_.index().Lineage(branch, lsn))) {
    if (const auto damage = ingester_.WaitFor(ancestor.branch, ancestor.lsn)) {
      return protocol::DamagedGroup{ancestor.branch, *damage};
    }
  }
  return std::nullopt;
}

template <class Completion, class Operation, class Read, class Fill>
void ReadPool::Answer(const Operation& operation, const Read& read, const Fill& fill) {
  Completion completion;
  completion.token = operation.token;
  completion.damaged = WaitForIndex(operation.branch, operation.lsn);
  if (!completion.damaged) {
    ReadResult<typename decltype(read())::value_type> result = read();
    if (result) {
      fill(completion, std::move(*result));
    } else if (const auto* damage = std::get_if<ReadDamage>(&result.error())) {
      completion.damaged = *damage;
    } else {
      failed_(std::get<DiskError>(result.error()));
      return;
    }
  }
  completed_(std::move(completion));
}

void ReadPool::Do(const protocol::ReadIndex& operation) {
  Answer<protocol::IndexRead>(
      operation,
      [&] { return store_.index().ReadPage(operation.branch, operation.page, operation.lsn); },
      [](protocol::IndexRead& read, PageVersion&& page) {
        read.version = page.version;
        read.bytes = std::move(page.bytes);
      });
}

void ReadPool::Do(const protocol::QueryIndex& operation) {
  Answer<protocol::IndexQueried>(
      operation,
      [&] { return store_.index().ReadMetadata(operation.branch, operation.query, operation.lsn); },
      [](protocol::IndexQueried& queried, protocol::MetadataAnswer&& answer) {
        queried.answer = std::move(answer);
      });
}

void ReadPool::Do(const protocol::SearchIndex& operation) {
  Answer<protocol::IndexSearched>(
      operation,
      [&] { return store_.index().FindLsn(operation.branch, operation.time, operation.lsn); },
      [](protocol::IndexSearched& searched, const FoundLsn& found) {
        searched.lsn = found.lsn;
        searched.is_trimmed = found.is_trimmed;
      });
}

}  // namespace sextant::storage
