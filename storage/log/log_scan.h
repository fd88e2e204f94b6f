// Finding groups in the bytes of a log: where they end, and which are damaged. No I/O; the bytes
// may be anything.
#pragma once

#include "sextant/protocol/group.h"
#include "sextant/protocol/types.h"

#include <functional>
#include <optional>
#include <vector>

namespace sextant::storage {

using protocol::BranchId;
using protocol::BytesView;
using protocol::Group;
using protocol::Lsn;
using protocol::LsnRange;

struct ScanRequest {
  BranchId branch = 0;
  Lsn first = 0;  // the LSN of the first byte
  Lsn from = 0;   // where the first group begins; not below `first`
  // What is bad and begins below is damage; what is bad from here on is the end of the log: a torn
  // write, zeros, or the old bytes of a file in its second life.
  Lsn known = 0;
};

struct ScanResult {
  Lsn end = 0;  // behind the last good group; or, after damage that nothing good follows, where
                // that began
  std::vector<LsnRange> damaged;
  bool open_damage = false;  // from `end` on all is bad although `end` is below `known`
};

// Every good group, in order; false to stop.
using GroupVisitor = std::function<bool(Group)>;

// Walks the groups of `bytes`. A group is good when its checksum is, and when it says that it
// belongs just there: in this branch, at this LSN, behind the group before it. Within damage a
// header that still fits keeps its group's range apart from its neighbours'; where none fits, the
// range lasts to the next good group.
[[nodiscard]] ScanResult ScanGroups(BytesView bytes, const ScanRequest& request,
                                    const GroupVisitor& visit);

}  // namespace sextant::storage
