#include "storage/index/retention.h"

#include "storage/index/key.h"
#include "storage/index/version.h"

#include <algorithm>

namespace sextant::storage {

bool Retention::NeedsAny(Lsn from, Lsn end) const {
  if (end > horizon) {
    return true;
  }
  const auto pin = std::ranges::lower_bound(pins, from);
  return pin != pins.end() && *pin < end;
}

bool RetentionSieve::MayDrop(std::string_view key, std::string_view value) {
  const char table = key.front();
  const bool page = table == 'p';
  if (!page && table != 'a' && table != 'd') {
    return false;
  }
  const auto policy = policy_.find(BranchOf(key));
  if (policy == policy_.end()) {
    return false;
  }
  const std::string_view thing = page ? key.substr(0, kPagePrefixSize) : PrefixOf(key);
  if (thing != thing_) {
    thing_ = thing;
    complete_.reset();
  }
  if (!page || PageRowOf(key) == PageRow::kImage) {
    const Lsn lsn = page ? PageLsnOf(key) : LsnOf(key);
    const bool drop = complete_ && lsn < *complete_ && !policy->second.NeedsAny(lsn, *complete_);
    if (!drop) {
      complete_ = std::min(lsn, complete_.value_or(lsn));
    }
    return drop;
  }
  const auto versions = UnpackVersions(value);
  if (!versions || versions->empty()) {
    return false;
  }
  // A list goes as a whole: its newest must be hidden, and its oldest sees the most.
  if (complete_ && versions->back().lsn < *complete_ &&
      !policy->second.NeedsAny(versions->front().lsn, *complete_)) {
    return true;
  }
  for (const Version& version : *versions) {
    if (version.kind == VersionKind::kImage) {
      complete_ = std::min(version.lsn, complete_.value_or(version.lsn));
    }
  }
  return false;
}

}  // namespace sextant::storage
