#include "sextant/protocol/message.h"

#include <format>

namespace sextant::protocol {
namespace {

std::string Text(const History& history) {
  std::string text = "[";
  for (const HistoryEntry& entry : history.entries()) {
    text += std::format("{}{}@{}", text.size() > 1 ? " " : "", entry.epoch, entry.first);
  }
  return text + "]";
}

std::string Text(const std::vector<Group>& groups) {
  return groups.empty() ? "-"
                        : std::format("{}..{} ({})", groups.front().header().previous_end,
                                      groups.back().end(), groups.size());
}

std::string Text(const std::map<Uuid, Pin>& pins) {
  std::string text = "{";
  for (const auto& [id, pin] : pins) {
    text += std::format("{}{}{:x}@{}", text.size() > 1 ? " " : "", pin.dropped() ? "-" : "", id.low,
                        pin.lsn);
  }
  return text + "}";
}

std::string Text(Refusal reason) {
  switch (reason) {
    case Refusal::kEpoch:
      return "epoch";
    case Refusal::kGeneration:
      return "generation";
    case Refusal::kOutdated:
      return "outdated";
    case Refusal::kNotAdopted:
      return "not adopted";
    case Refusal::kFull:
      return "full";
    case Refusal::kMismatch:
      return "mismatch";
  }
  return "?";
}

std::string Text(ReadStatus status) {
  switch (status) {
    case ReadStatus::kOk:
      return "ok";
    case ReadStatus::kBehind:
      return "behind";
    case ReadStatus::kCollected:
      return "collected";
    case ReadStatus::kDamaged:
      return "damaged";
  }
  return "?";
}

std::string Text(const Seal& m) {
  return std::format("Seal b{} e{} g{}", m.branch.id, m.epoch, m.configuration.generation);
}
std::string Text(const Sealed& m) {
  return std::format("Sealed b{} e{} g{} {} scl={} vdl={}", m.branch, m.epoch, m.generation,
                     Text(m.history), m.scl, m.vdl);
}
std::string Text(const Adopt& m) {
  return std::format("Adopt b{} e{} g{} {} from={}", m.branch, m.epoch, m.generation,
                     Text(m.history), m.from);
}
std::string Text(const Append& m) {
  return std::format("Append b{} e{} g{} vdl={} {}", m.branch, m.epoch, m.generation, m.vdl,
                     Text(m.groups));
}
std::string Text(const Appended& m) {
  return std::format("Appended b{} e{} g{} scl={} end={}{}", m.branch, m.epoch, m.generation, m.scl,
                     m.end, m.gap ? " gap" : "");
}
std::string Text(const Configure& m) {
  return std::format("Configure g{}", m.configuration.generation);
}
std::string Text(const Configured& m) { return std::format("Configured g{}", m.generation); }
std::string Text(const Refused& m) {
  return std::format("Refused b{} e{} ({}) promised={} g{}", m.branch, m.epoch, Text(m.reason),
                     m.promised, m.configuration.generation);
}
std::string Text(const ReadPage& m) {
  return std::format("ReadPage #{} b{} {}/{} at e{}:{}", m.request, m.branch, m.page.inode,
                     m.page.index, m.at.epoch, m.at.lsn);
}
std::string Text(const PageRead& m) {
  return std::format("PageRead #{} {} version={} scl={}", m.request, Text(m.status), m.version,
                     m.scl);
}
std::string Text(const ReadMetadata& m) {
  const auto query = [](const auto& q) {
    if constexpr (requires { q.inode; }) {
      return std::format("inode {}", q.inode);
    } else if constexpr (requires { q.name; }) {
      return std::format("name {} in {}", q.name, q.directory);
    } else {
      return std::format("{} names in {} after '{}'", q.limit, q.directory, q.after);
    }
  };
  return std::format("ReadMetadata #{} b{} {} at e{}:{}", m.request, m.branch,
                     std::visit(query, m.query), m.at.epoch, m.at.lsn);
}
std::string Text(const MetadataRead& m) {
  return std::format("MetadataRead #{} {} scl={}", m.request, Text(m.status), m.scl);
}
std::string Text(const FindLsn& m) {
  return std::format("FindLsn #{} b{} of {} at e{}:{}", m.request, m.branch, m.time, m.at.epoch,
                     m.at.lsn);
}
std::string Text(const LsnFound& m) {
  return std::format("LsnFound #{} {} e{}:{} scl={}", m.request, Text(m.status), m.found.epoch,
                     m.found.lsn, m.scl);
}
std::string Text(const SetPin& m) {
  return std::format("SetPin b{} {:x} at {} for {}", m.branch, m.pin.low, m.lsn, m.lease.count());
}
std::string Text(const PinSet& m) {
  return std::format("PinSet b{} {:x} {} horizon={}", m.branch, m.pin.low,
                     m.accepted ? "accepted" : "refused", m.horizon);
}
std::string Text(const DropPin& m) { return std::format("DropPin b{} {:x}", m.branch, m.pin.low); }
std::string Text(const Gossip& m) {
  return std::format("Gossip b{} g{} {} scl={} vdl={} pins={} retain={}", m.branch.id,
                     m.configuration.generation, Text(m.history), m.scl, m.vdl, Text(m.pins),
                     m.retain_from);
}
std::string Text(const Pull& m) { return std::format("Pull b{} from={}", m.branch, m.from); }
std::string Text(const Pulled& m) {
  return std::format("Pulled b{} vdl={} {}", m.branch, m.vdl, Text(m.groups));
}

std::string Text(const LogBegins& m) {
  return std::format("LogBegins b{} at {}", m.branch, m.start);
}
std::string Text(const AskSnapshot& m) { return std::format("AskSnapshot #{}", m.request); }
std::string Text(const SnapshotOffer& m) {
  return std::format("SnapshotOffer #{} branches={} files={}", m.request,
                     m.manifest.branches.size(), m.manifest.files.size());
}
std::string Text(const AskPiece& m) {
  return std::format("AskPiece #{} {} at {}", m.request, m.file, m.offset);
}
std::string Text(const SnapshotPiece& m) {
  return std::format("SnapshotPiece #{} {} at {} ({})", m.request, m.file, m.offset,
                     m.bytes.size());
}
std::string Text(const AskStatus& m) { return std::format("AskStatus #{}", m.request); }
std::string Text(const NodeStatus& m) {
  return std::format("NodeStatus #{} g{} branches={}", m.request, m.configuration.generation,
                     m.branches.size());
}

}  // namespace

std::string ToString(const Message& message) {
  return std::visit([](const auto& alternative) { return Text(alternative); }, message);
}

}  // namespace sextant::protocol
