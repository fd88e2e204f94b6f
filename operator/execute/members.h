// Tells storage nodes who the members are, over the storage protocol.
#pragma once

#include "operator/observe/fleet.h"

namespace sextant::op {

// Waits until a write quorum has the configuration on disk, for seconds at most. A first
// configuration (generation 1) is given only to nodes that have none.
[[nodiscard]] Fleet::Done ConfigureMembers(const MembersRequest& request);

// Takes the branch over, waits until the configuration in force is durable in its log, and lets it
// go. Every writer before is fenced.
[[nodiscard]] Fleet::Done RenewBranch(const RenewRequest& request);

}  // namespace sextant::op
