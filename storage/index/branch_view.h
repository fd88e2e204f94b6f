// One branch's rows, in memory and on disk, for the length of one read.
#pragma once

#include "storage/index/index.h"

namespace sextant::storage {

// Holds on to the tables first and looks at the disk later, so that a table which goes to disk
// meanwhile is seen twice rather than not at all. Not thread-safe.
class BranchView {
 public:
  BranchView(const Index& index, BranchId branch);

  // The newest row at or below `lsn` of the thing that `prefix` names.
  [[nodiscard]] std::optional<std::string> Newest(const std::string& prefix, Lsn lsn);
  // The least key in [from, end).
  [[nodiscard]] std::optional<std::string> Next(const std::string& from, const std::string& end);
  // The greatest key in [from, end) and its value.
  [[nodiscard]] std::optional<std::pair<std::string, std::string>> Last(const std::string& from,
                                                                        const std::string& end);
  // Every row in [from, end), in no order.
  void ForEach(const std::string& from, const std::string& end,
               const std::function<void(std::string_view, std::string_view)>& visit);
  // Rows on disk of a page, newest first, from `from` on, until `visit` says false.
  void ForEachPageRow(const std::string& from,
                      const std::function<bool(std::string_view, std::string_view)>& visit);
  // A page's versions at or below `lsn` and above `above` that are in memory, down to the first
  // image.
  void ForEachVersion(PageId page, Lsn lsn, Lsn above,
                      const std::function<void(const Version&)>& visit) const;

  // What went wrong on disk, if anything did.
  [[nodiscard]] Result<> status() const;

 private:
  rocksdb::Iterator& Disk();

  const Index& index_;
  std::vector<std::shared_ptr<Table>> tables_;  // newest first
  std::unique_ptr<rocksdb::Iterator> iterator_;
  rocksdb::Status status_;
};

}  // namespace sextant::storage
