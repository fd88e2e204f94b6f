// The part of a branch's index that is in memory: positions of page versions, and rows of
// everything else as they will be on disk. No page bytes.
#pragma once

#include "storage/index/key.h"
#include "storage/index/version.h"

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <map>
#include <string>
#include <vector>

namespace sextant::storage {

struct PageIdHash {
  using is_avalanching = void;
  std::size_t operator()(const PageId& page) const {
    std::uint64_t mixed =
        (page.inode * 0x9E3779B97F4A7C15U) ^ page.index;  // SplitMix64's finalizer
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31);
  }
};

// Not thread-safe; the index guards it.
class Table {
 public:
  using Versions = boost::container::small_vector<Version, 1>;
  using Pages = boost::unordered_flat_map<PageId, Versions, PageIdHash>;
  using Rows = std::map<std::string, std::string>;

  explicit Table(Lsn first) : first_(first), last_(first) {}

  // Covers the groups that end above first() and at or below last().
  [[nodiscard]] Lsn first() const { return first_; }
  [[nodiscard]] Lsn last() const { return last_; }
  void set_last(Lsn last) { last_ = last; }
  [[nodiscard]] const Pages& pages() const { return pages_; }
  [[nodiscard]] const Rows& rows() const { return rows_; }

  // Versions of a page are added in rising order.
  void AddVersion(const PageId& page, const Version& version) { pages_[page].push_back(version); }
  void AddRow(std::string key, std::string value) {
    rows_.insert_or_assign(std::move(key), std::move(value));
  }

  // Forgets what groups above `lsn` said.
  void CutTo(Lsn lsn);

 private:
  Lsn first_;
  Lsn last_;
  Pages pages_;
  Rows rows_;
};

}  // namespace sextant::storage
