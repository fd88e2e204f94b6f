#include "storage/index/branch_view.h"

#include <algorithm>

namespace sextant::storage {

BranchView::BranchView(const Index& index, BranchId branch) : index_(index) {
  const std::shared_lock lock(index.mutex_);
  if (const auto state = index.branches_.find(branch); state != index.branches_.end()) {
    tables_.assign(state->second.tables.rbegin(), state->second.tables.rend());
  }
}

rocksdb::Iterator& BranchView::Disk() {
  if (!iterator_) {
    rocksdb::ReadOptions options;
    options.total_order_seek = true;
    iterator_.reset(index_.db_->NewIterator(options));
  }
  return *iterator_;
}

Result<> BranchView::status() const {
  rocksdb::Status status = status_;
  if (status.ok() && iterator_) {
    status = iterator_->status();
  }
  if (!status.ok()) {
    return std::unexpected(FromRocksDb("reading the index", status));
  }
  return {};
}

std::optional<std::string> BranchView::Newest(const std::string& prefix, Lsn lsn) {
  const std::string from = VersionKey(prefix, lsn);
  {
    const std::shared_lock lock(index_.mutex_);
    for (const auto& table : tables_) {
      const auto row = table->rows().lower_bound(from);
      if (row != table->rows().end() && row->first.starts_with(prefix)) {
        return row->second;
      }
    }
  }
  rocksdb::Iterator& disk = Disk();
  disk.Seek(from);
  if (disk.Valid() && disk.key().starts_with(prefix)) {
    return disk.value().ToString();
  }
  return std::nullopt;
}

std::optional<std::string> BranchView::Next(const std::string& from, const std::string& end) {
  std::optional<std::string> least;
  const auto offer = [&](std::string_view key) {
    if (key < end && (!least || key < *least)) {
      least = key;
    }
  };
  {
    const std::shared_lock lock(index_.mutex_);
    for (const auto& table : tables_) {
      if (const auto row = table->rows().lower_bound(from); row != table->rows().end()) {
        offer(row->first);
      }
    }
  }
  rocksdb::Iterator& disk = Disk();
  disk.Seek(from);
  if (disk.Valid()) {
    offer(disk.key().ToStringView());
  }
  return least;
}

std::optional<std::pair<std::string, std::string>> BranchView::Last(const std::string& from,
                                                                    const std::string& end) {
  std::optional<std::pair<std::string, std::string>> greatest;
  const auto offer = [&](std::string_view key, std::string_view value) {
    if (key >= from && key < end && (!greatest || key > greatest->first)) {
      greatest = {std::string(key), std::string(value)};
    }
  };
  {
    const std::shared_lock lock(index_.mutex_);
    for (const auto& table : tables_) {
      if (const auto row = table->rows().lower_bound(end); row != table->rows().begin()) {
        offer(std::prev(row)->first, std::prev(row)->second);
      }
    }
  }
  rocksdb::Iterator& disk = Disk();
  disk.SeekForPrev(end);
  if (disk.Valid() && disk.key() == end) {
    disk.Prev();
  }
  if (disk.Valid()) {
    offer(disk.key().ToStringView(), disk.value().ToStringView());
  }
  return greatest;
}

void BranchView::ForEach(const std::string& from, const std::string& end,
                         const std::function<void(std::string_view, std::string_view)>& visit) {
  {
    const std::shared_lock lock(index_.mutex_);
    for (const auto& table : tables_) {
      for (auto row = table->rows().lower_bound(from);
           row != table->rows().end() && row->first < end; ++row) {
        visit(row->first, row->second);
      }
    }
  }
  rocksdb::Iterator& disk = Disk();
  for (disk.Seek(from); disk.Valid() && disk.key().ToStringView() < end; disk.Next()) {
    visit(disk.key().ToStringView(), disk.value().ToStringView());
  }
}

void BranchView::ForEachPageRow(
    const std::string& from, const std::function<bool(std::string_view, std::string_view)>& visit) {
  rocksdb::ReadOptions options;
  options.prefix_same_as_start = true;  // bloom filters keep files without the page out of this
  const std::unique_ptr<rocksdb::Iterator> rows(index_.db_->NewIterator(options));
  for (rows->Seek(from); rows->Valid(); rows->Next()) {
    if (!visit(rows->key().ToStringView(), rows->value().ToStringView())) {
      break;
    }
  }
  if (status_.ok()) {
    status_ = rows->status();
  }
}

void BranchView::ForEachVersion(PageId page, Lsn lsn, Lsn above,
                                const std::function<void(const Version&)>& visit) const {
  const std::shared_lock lock(index_.mutex_);
  for (const auto& table : tables_) {
    const auto found = table->pages().find(page);
    if (found == table->pages().end()) {
      continue;
    }
    const auto& versions = found->second;
    auto end = std::ranges::upper_bound(versions, lsn, {}, &Version::lsn);
    while (end != versions.begin()) {
      --end;
      if (end->lsn <= above) {
        return;
      }
      visit(*end);
      if (end->kind == VersionKind::kImage) {
        return;
      }
    }
  }
}

}  // namespace sextant::storage
