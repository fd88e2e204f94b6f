// Every group and every page of a branch, from every node, compared.
#include "sextant/net/hello.h"
#include "sextant/protocol/crc32c.h"
#include "storage/storectl/command.h"
#include "storage/storectl/tree.h"

#include <algorithm>
#include <deque>
#include <format>
#include <future>
#include <iostream>

namespace sextant::storectl {
namespace {

using protocol::Group;
using protocol::Lsn;
using protocol::MemberId;

constexpr auto kPatience = std::chrono::seconds(5);  // with one node, for one answer
constexpr std::size_t kPagesAtOnce = 64;

// How many nodes have a thing, over all things.
struct Tally {
  std::map<std::size_t, std::uint64_t> by_nodes;
  std::uint64_t differing = 0;

  [[nodiscard]] bool Well(std::size_t at_least) const {
    return differing == 0 && (by_nodes.empty() || by_nodes.begin()->first >= at_least);
  }
  void Print(std::string_view what, std::ostream& out) const {
    std::uint64_t all = 0;
    for (const auto& [nodes, count] : by_nodes) {
      all += count;
    }
    out << std::format("{} {}", all, what);
    for (const auto& [nodes, count] : by_nodes) {
      out << std::format(", {} on {} nodes", count, nodes);
    }
    out << std::format(", {} differ\n", differing);
  }
};

client::Deadline Soon(const Session& session) {
  return std::min(session.deadline, std::chrono::steady_clock::now() + kPatience);
}

// --- The log. ---

using Logs = std::map<MemberId, std::vector<Group>>;

// What each node has from `from` on; nothing for one that does not answer.
Logs ReadLogs(const Session& session, const std::map<MemberId, Lsn>& ends,
              protocol::BranchId branch, Lsn from) {
  std::vector<std::pair<MemberId, std::future<std::vector<Group>>>> running;
  for (const auto& [member, end] : ends) {
    if (end > from) {
      running.emplace_back(member, std::async(std::launch::async, [&session, member, branch, from] {
                             return session.client.ReadLog(member, branch, from, Soon(session))
                                 .value_or(std::vector<Group>{});
                           }));
    }
  }
  Logs logs;
  for (auto& [member, groups] : running) {
    logs[member] = groups.get();
  }
  return logs;
}

// Compares up to where the shortest answer ends; returns that, or `from` when nobody has anything.
// What has left one log, no other is compared with.
Lsn CompareLogs(const Logs& logs, Lsn from, Lsn until, Tally& tally) {
  Lsn begin = from;
  for (const auto& [member, groups] : logs) {
    begin = std::max(begin, groups.empty() ? from : groups.front().header().first);
  }
  if (begin > from) {
    return std::min(begin, until);
  }
  Lsn covered = until;
  const std::vector<Group>* longest = nullptr;
  for (const auto& [member, groups] : logs) {
    if (!groups.empty()) {
      covered = std::min(covered, groups.back().end());
      longest =
          longest == nullptr || longest->back().end() < groups.back().end() ? &groups : longest;
    }
  }
  if (longest == nullptr) {
    return from;
  }
  for (std::size_t i = 0; i < longest->size() && (*longest)[i].end() <= covered; ++i) {
    std::size_t holders = 0;
    for (const auto& [member, groups] : logs) {
      if (i < groups.size()) {
        holders += groups[i] == (*longest)[i] ? 1 : 0;
        tally.differing += groups[i] == (*longest)[i] ? 0 : 1;
      }
    }
    ++tally.by_nodes[holders];
  }
  return covered;
}

bool VerifyLog(const Session& session, const protocol::BranchStatus& branch, Lsn until,
               const std::vector<client::NodeInfo>& nodes, Tally& tally) {
  std::map<MemberId, Lsn> ends;
  for (const client::NodeInfo& node : nodes) {
    for (const protocol::BranchStatus& status : node.status.branches) {
      if (status.branch.id == branch.branch.id) {
        ends[node.member] = status.scl;
      }
    }
  }
  for (Lsn at = branch.branch.fork; at < until;) {
    const Lsn next = CompareLogs(ReadLogs(session, ends, branch.branch.id, at), at, until, tally);
    if (next == at) {
      session.out << std::format("no node gives the group at {}\n", at);
      return false;
    }
    at = next;
  }
  return true;
}

// --- Pages. ---

struct PageAnswers {
  protocol::PageId page;
  std::vector<std::future<client::Result<protocol::PageVersion>>> answers;
};

PageAnswers AskAll(const Session& session, protocol::BranchId branch, const protocol::PageId& page,
                   const protocol::Position& at, const std::vector<client::NodeInfo>& nodes) {
  PageAnswers asked{page, {}};
  for (const client::NodeInfo& node : nodes) {
    std::promise<client::Result<protocol::PageVersion>> promise;
    asked.answers.push_back(promise.get_future());
    session.client.ReadPage(
        branch, page, at, Soon(session),
        [promise = std::move(promise)](client::Result<protocol::PageVersion> answer) mutable {
          promise.set_value(std::move(answer));
        },
        node.member);
  }
  return asked;
}

void Compare(PageAnswers& asked, const std::vector<client::NodeInfo>& nodes, Tally& tally,
             std::ostream& out) {
  std::optional<protocol::PageVersion> first;
  std::size_t holders = 0;
  for (std::size_t i = 0; i < asked.answers.size(); ++i) {
    auto answer = asked.answers[i].get();
    if (!answer) {
      continue;
    }
    if (!first) {
      first = std::move(*answer);
    } else if (first->version != answer->version || first->bytes != answer->bytes) {
      ++tally.differing;
      out << std::format("inode {} page {} differs on {}\n", asked.page.inode, asked.page.index,
                         net::ToString(nodes[i].member));
      continue;
    }
    ++holders;
  }
  ++tally.by_nodes[holders];
}

}  // namespace

int Verify(const Session& session, protocol::BranchId branch, const Point& at,
           std::size_t at_least) {
  const auto position = Resolve(session, branch, at);
  if (!position) {
    return Fail(position.error());
  }
  const auto found = session.client.FindBranch(branch, session.deadline);
  if (!found) {
    return Fail(found.error());
  }
  auto nodes = session.client.Nodes(session.nodes, Soon(session));
  if (!nodes) {
    nodes = session.client.Nodes(at_least, session.deadline);
  }
  if (!nodes) {
    return Fail(nodes.error());
  }
  session.out << std::format("branch {} up to {} on {} nodes\n", branch, position->lsn,
                             nodes->size());

  Tally groups;
  const bool whole = VerifyLog(session, *found, position->lsn, *nodes, groups);
  groups.Print("groups", session.out);

  Tally pages;
  std::deque<PageAnswers> running;
  const auto finish_one = [&] {
    Compare(running.front(), *nodes, pages, session.out);
    running.pop_front();
  };
  const auto walked = WalkTree(session, branch, *position, [&](const File& file) {
    const std::uint64_t count =
        (file.attributes.size + protocol::kPageSize - 1) / protocol::kPageSize;
    for (std::uint64_t index = 0; index < count; ++index) {
      running.push_back(AskAll(session, branch, {file.inode, index}, *position, *nodes));
      if (running.size() >= kPagesAtOnce) {
        finish_one();
      }
    }
  });
  while (!running.empty()) {
    finish_one();
  }
  if (!walked) {
    return Fail(walked.error());
  }
  pages.Print("pages", session.out);
  return whole && groups.Well(at_least) && pages.Well(at_least) ? 0 : 1;
}

}  // namespace sextant::storectl
