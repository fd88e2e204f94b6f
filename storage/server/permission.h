// What whom is allowed to say to a storage node.
#pragma once

#include "sextant/net/hello.h"
#include "sextant/protocol/message.h"

namespace sextant::storage::server {

// A client may ask and write; what a node believes of its peers' logs and configuration only a
// member may say.
[[nodiscard]] bool MaySay(net::PartyKind speaker, const protocol::Message& message);

}  // namespace sextant::storage::server
