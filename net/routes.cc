#include "sextant/net/routes.h"

namespace sextant::net {

void Routes::Add(const ConnectionPtr& connection) {
  connections_[connection->peer().hello.uuid].push_back(connection);
}

void Routes::Remove(const ConnectionPtr& connection) {
  const auto found = connections_.find(connection->peer().hello.uuid);
  if (found != connections_.end()) {
    std::erase(found->second, connection);
    if (found->second.empty()) {
      connections_.erase(found);
    }
  }
}

ConnectionPtr Routes::Find(const protocol::Uuid& uuid) const {
  const auto found = connections_.find(uuid);
  return found == connections_.end() ? nullptr : found->second.back();
}

bool Routes::Send(protocol::Outgoing outgoing) const {
  const ConnectionPtr connection = Find(outgoing.to);
  return connection && connection->Send(std::move(outgoing.message));
}

}  // namespace sextant::net
