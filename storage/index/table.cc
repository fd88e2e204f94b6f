#include "storage/index/table.h"

#include <algorithm>

namespace sextant::storage {

void Table::CutTo(Lsn lsn) {
  boost::unordered::erase_if(pages_, [&](auto& entry) {
    auto& versions = entry.second;
    while (!versions.empty() && versions.back().lsn > lsn) {
      versions.pop_back();
    }
    return versions.empty();
  });
  std::erase_if(rows_, [&](const auto& row) {
    const bool time = row.first.front() == 't';
    return (time ? BigEndianAt(row.second, 0) : LsnOf(row.first)) > lsn;
  });
  last_ = std::min(last_, lsn);
}

}  // namespace sextant::storage
