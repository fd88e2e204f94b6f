#include "sextant/net/hello.h"
#include "storage/storectl/command.h"

#include <array>
#include <format>

namespace sextant::storectl {
namespace {

std::string Show(const protocol::PageId& page) {
  return std::format("inode {} page {}", page.inode, page.index);
}

std::string Show(const protocol::PageImage& image) { return "image " + Show(image.page); }
std::string Show(const protocol::PagePatch& patch) {
  std::string text = "patch " + Show(patch.page);
  for (const auto& piece : patch.pieces) {
    text += std::format(" {}+{}", piece.offset, piece.bytes.size());
  }
  return text;
}
std::string Show(const protocol::PunchHole& hole) {
  return std::format("punch inode {} {}+{}", hole.inode, hole.offset, hole.length);
}
std::string Show(const protocol::Truncate& cut) {
  return std::format("truncate inode {} to {}", cut.inode, cut.size);
}
std::string Show(const protocol::Create& create) {
  return std::format("create {}/{} inode {} mode {:o}", create.parent, create.name, create.inode,
                     create.mode);
}
std::string Show(const protocol::Link& link) {
  return std::format("link {}/{} inode {}", link.parent, link.name, link.inode);
}
std::string Show(const protocol::Unlink& unlink) {
  return std::format("unlink {}/{}", unlink.parent, unlink.name);
}
std::string Show(const protocol::Rename& rename) {
  return std::format("rename {}/{} to {}/{}", rename.parent, rename.name, rename.new_parent,
                     rename.new_name);
}
std::string Show(const protocol::SetAttributes& set) {
  return std::format("attributes inode {}", set.inode);
}
std::string Show(const protocol::Symlink& symlink) {
  return std::format("symlink {}/{} inode {} to {}", symlink.parent, symlink.name, symlink.inode,
                     symlink.target);
}
std::string Show(const protocol::EpochStarted& started) {
  return std::format("epoch {} by {}", started.epoch, net::ToString(started.writer));
}
std::string Show(const protocol::BranchCreated& created) {
  return std::format("branch {} at {}", created.branch.id, created.branch.fork);
}
std::string Show(const protocol::PinChanged& pin) {
  return std::format("pin {} {} at {}", pin.name, pin.dropped ? "dropped" : "set", pin.lsn);
}
std::string Show(const protocol::MembersChanged& changed) {
  return std::format("members of generation {}", changed.configuration.generation);
}

void Print(const protocol::Group& group, std::ostream& out) {
  const protocol::GroupHeader& header = group.header();
  out << std::format("{} +{} epoch {} time {}\n", header.first, group.bytes().size(), header.epoch,
                     header.time);
  const auto records = group.Records();
  if (!records) {
    out << "  records that do not decode\n";
    return;
  }
  for (const protocol::Record& record : *records) {
    out << "  " << std::visit([](const auto& any) { return Show(any); }, record) << "\n";
  }
}

}  // namespace

int DumpLog(const Session& session, protocol::BranchId branch, const Point& from,
            const std::string& member) {
  const auto nodes = session.client.Nodes(member.empty() ? 1 : session.nodes, session.deadline);
  if (!nodes) {
    return Fail(nodes.error());
  }
  for (const client::NodeInfo& node : *nodes) {
    if (!member.empty() && net::ToString(node.member) != member) {
      continue;
    }
    for (const protocol::BranchStatus& status : node.status.branches) {
      if (status.branch.id != branch) {
        continue;
      }
      Point start = from;
      if (!start.lsn && !start.time) {
        start.lsn = status.branch.fork;
      }
      const auto position = Resolve(session, branch, start);
      if (!position) {
        return Fail(position.error());
      }
      for (protocol::Lsn at = position->lsn; at < status.scl;) {
        const auto groups = session.client.ReadLog(node.member, branch, at, session.deadline);
        if (!groups) {
          return Fail(groups.error());
        }
        for (const protocol::Group& group : *groups) {
          Print(group, session.out);
          at = group.end();
        }
      }
      return 0;
    }
  }
  return Fail(std::format("no such node has branch {}", branch));
}

int DumpPage(const Session& session, protocol::BranchId branch, const protocol::PageId& page,
             const Point& at) {
  const auto position = Resolve(session, branch, at);
  if (!position) {
    return Fail(position.error());
  }
  const auto read = session.client.ReadPage(branch, page, *position, session.deadline);
  if (!read) {
    return Fail(read.error());
  }
  session.out.write(reinterpret_cast<const char*>(read->bytes.data()),
                    static_cast<std::streamsize>(read->bytes.size()));
  return session.out ? 0 : 1;
}

}  // namespace sextant::storectl
