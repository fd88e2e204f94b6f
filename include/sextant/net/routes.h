// Which connection leads to whom.
#pragma once

#include "sextant/net/connection.h"
#include "sextant/protocol/effects.h"

#include <map>

namespace sextant::net {

// Two processes that dial each other have two connections: the newer one is used, because the older
// may lead to a run of the peer that is gone, and the other one when that ends. Not thread-safe.
class Routes {
 public:
  void Add(const ConnectionPtr& connection);
  void Remove(const ConnectionPtr& connection);

  // None when there is no connection.
  [[nodiscard]] ConnectionPtr Find(const protocol::Uuid& uuid) const;
  // False when it went nowhere: no connection, or its queue was full.
  bool Send(protocol::Outgoing outgoing) const;
  [[nodiscard]] const std::map<protocol::Uuid, std::vector<ConnectionPtr>>& all() const {
    return connections_;
  }

 private:
  std::map<protocol::Uuid, std::vector<ConnectionPtr>> connections_;  // oldest first; never empty
};

}  // namespace sextant::net
