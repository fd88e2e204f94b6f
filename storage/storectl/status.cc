#include "sextant/net/hello.h"
#include "storage/storectl/command.h"

#include <algorithm>
#include <format>

namespace sextant::storectl {
namespace {

// What answers in time; a node that is away must not hide the others.
client::Result<std::vector<client::NodeInfo>> Reachable(const Session& session) {
  const auto now = std::chrono::steady_clock::now();
  const auto patience = std::min(session.deadline, now + std::chrono::seconds(2));
  if (auto all = session.client.Nodes(session.nodes, patience)) {
    return all;
  }
  return session.client.Nodes(1, session.deadline);
}

std::string Epochs(const protocol::BranchStatus& status) {
  return std::format("{}/{}", status.history.last_epoch(), status.promised);
}

}  // namespace

int Status(const Session& session) {
  const auto nodes = Reachable(session);
  if (!nodes) {
    return Fail(nodes.error());
  }
  std::map<protocol::BranchId, protocol::Lsn> ends;
  for (const client::NodeInfo& node : *nodes) {
    for (const protocol::BranchStatus& branch : node.status.branches) {
      ends[branch.branch.id] = std::max(ends[branch.branch.id], branch.scl);
    }
  }
  session.out << std::format("{} of {} nodes answer\n", nodes->size(), session.nodes)
              << std::format("{:<24} {:<8} {:<34} {:>4}  {:>6} {:>8} {:>14} {:>14} {:>12} {}\n",
                             "ADDRESS", "ZONE", "MEMBER", "GEN", "BRANCH", "EPOCH", "SCL", "VDL",
                             "LAG", "DAMAGED");
  for (const client::NodeInfo& node : *nodes) {
    const std::string who =
        std::format("{:<24} {:<8} {:<34} {:>4}", node.address, node.zone,
                    net::ToString(node.member), node.status.configuration.generation);
    if (node.status.branches.empty()) {
      session.out << who << "  (no branch)\n";
    }
    for (const protocol::BranchStatus& branch : node.status.branches) {
      session.out << std::format("{}  {:>6} {:>8} {:>14} {:>14} {:>12} {}\n", who, branch.branch.id,
                                 Epochs(branch), branch.scl, branch.vdl,
                                 ends[branch.branch.id] - branch.scl, branch.damaged);
    }
  }
  return nodes->size() == session.nodes ? 0 : 1;
}

int Init(const Session& session) {
  const auto nodes = session.client.Nodes(session.nodes, session.deadline);
  if (!nodes) {
    return Fail(nodes.error());
  }
  protocol::Configuration configuration{.generation = 1, .members = {}, .next = {}};
  for (const client::NodeInfo& node : *nodes) {
    if (node.status.configuration.generation != 0) {
      return Fail(node.address + " is a member of a volume already");
    }
    configuration.members.push_back(node.member);
  }
  if (configuration.members.size() < 6) {
    return Fail(std::format("a volume has six members; {} are named", session.nodes));
  }
  if (const auto done = session.client.Configure(configuration, session.deadline); !done) {
    return Fail(done.error());
  }
  session.out << std::format("generation 1: {} members\n", configuration.members.size());
  return 0;
}

}  // namespace sextant::storectl
