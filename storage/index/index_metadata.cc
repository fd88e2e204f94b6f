// Metadata as of an LSN, and the LSN of a time.
#include "storage/index/branch_view.h"

#include <algorithm>

namespace sextant::storage {

Result<std::optional<std::string>> Index::NewestRow(
    BranchId branch, Lsn lsn, const std::function<std::string(BranchId)>& prefix) const {
  for (const Ancestor& ancestor : Lineage(branch, lsn)) {
    BranchView view(*this, ancestor.branch);
    auto row = view.Newest(prefix(ancestor.branch), ancestor.lsn);
    if (auto status = view.status(); !status) {
      return std::unexpected(status.error());
    }
    if (row) {
      return row;
    }
  }
  return std::nullopt;
}

Result<std::optional<Attributes>> Index::GetAttributes(BranchId branch, std::uint64_t inode,
                                                       Lsn lsn) const {
  const auto row =
      NewestRow(branch, lsn, [inode](BranchId of) { return AttributesPrefix(of, inode); });
  if (!row) {
    return std::unexpected(row.error());
  }
  return *row ? UnpackAttributes(**row) : std::nullopt;
}

Result<std::uint64_t> Index::Lookup(BranchId branch, std::uint64_t directory,
                                    const std::string& name, Lsn lsn) const {
  const auto row =
      NewestRow(branch, lsn, [&](BranchId of) { return EntryPrefix(of, directory, name); });
  if (!row) {
    return std::unexpected(row.error());
  }
  return *row ? UnpackInode(**row) : 0;
}

Result<std::vector<DirectoryEntry>> Index::List(BranchId branch, std::uint64_t directory, Lsn lsn,
                                                const std::string& after, std::size_t limit) const {
  // One name at a time from each branch, merged: the youngest branch that says anything about a
  // name decides.
  struct Cursor {
    Ancestor ancestor;
    BranchView view;
    std::string from;
    std::string end;
    std::optional<DirectoryEntry> entry;  // inode 0: removed in this branch

    void Advance() {
      entry.reset();
      while (const auto key = view.Next(from, end)) {
        const std::string prefix(PrefixOf(*key));
        from = Above(prefix);
        if (const auto row = view.Newest(prefix, ancestor.lsn)) {
          entry = {NameOf(*key), UnpackInode(*row)};
          return;
        }
      }
    }
  };
  std::vector<Cursor> cursors;
  for (const Ancestor& ancestor : Lineage(branch, lsn)) {
    const std::string all = DirectoryPrefix(ancestor.branch, directory);
    cursors.push_back(
        {.ancestor = ancestor,
         .view = BranchView(*this, ancestor.branch),
         .from = after.empty() ? all : Above(EntryPrefix(ancestor.branch, directory, after)),
         .end = Above(all),
         .entry = {}});
    cursors.back().Advance();
  }
  std::vector<DirectoryEntry> entries;
  while (entries.size() < limit) {
    const DirectoryEntry* least = nullptr;
    for (const Cursor& cursor : cursors) {
      if (cursor.entry && (least == nullptr || cursor.entry->name < least->name)) {
        least = &*cursor.entry;
      }
    }
    if (least == nullptr) {
      break;
    }
    const DirectoryEntry decided = *least;
    if (decided.inode != 0) {
      entries.push_back(decided);
    }
    for (Cursor& cursor : cursors) {
      if (cursor.entry && cursor.entry->name == decided.name) {
        cursor.Advance();
      }
    }
  }
  for (const Cursor& cursor : cursors) {
    if (auto status = cursor.view.status(); !status) {
      return std::unexpected(status.error());
    }
  }
  return entries;
}

Result<protocol::MetadataAnswer> Index::ReadMetadata(BranchId branch,
                                                     const protocol::MetadataQuery& query,
                                                     Lsn lsn) const {
  const auto answer = [&](const auto& alternative) { return Answer(branch, alternative, lsn); };
  return std::visit(answer, query);
}

Result<protocol::MetadataAnswer> Index::Answer(BranchId branch,
                                               const protocol::GetAttributes& query,
                                               Lsn lsn) const {
  auto attributes = GetAttributes(branch, query.inode, lsn);
  if (!attributes) {
    return std::unexpected(attributes.error());
  }
  return std::move(*attributes);
}

Result<protocol::MetadataAnswer> Index::Answer(BranchId branch, const protocol::LookUpName& query,
                                               Lsn lsn) const {
  const auto inode = Lookup(branch, query.directory, query.name, lsn);
  if (!inode) {
    return std::unexpected(inode.error());
  }
  if (*inode == 0) {
    return std::optional<DirectoryEntry>();
  }
  auto attributes = GetAttributes(branch, *inode, lsn);
  if (!attributes) {
    return std::unexpected(attributes.error());
  }
  return std::optional(DirectoryEntry{query.name, *inode, std::move(*attributes)});
}

Result<protocol::MetadataAnswer> Index::Answer(BranchId branch,
                                               const protocol::ListDirectory& query,
                                               Lsn lsn) const {
  auto entries = List(branch, query.directory, lsn, query.after, query.limit);
  if (!entries) {
    return std::unexpected(entries.error());
  }
  protocol::DirectoryListing listing{.entries = {}, .more = entries->size() == query.limit};
  std::size_t bytes = 0;
  for (DirectoryEntry& entry : *entries) {
    auto attributes = GetAttributes(branch, entry.inode, lsn);
    if (!attributes) {
      return std::unexpected(attributes.error());
    }
    entry.attributes = std::move(*attributes);
    bytes += EncodedSize(entry);
    if (bytes > protocol::kMaximumListBytes && !listing.entries.empty()) {
      listing.more = true;
      break;
    }
    listing.entries.push_back(std::move(entry));
  }
  return listing;
}

ReadResult<FoundLsn> Index::FindLsn(BranchId branch, std::uint64_t time, Lsn lsn) const {
  constexpr std::size_t kReadAtOnce = 1U << 20;
  constexpr std::uint64_t kEndOfTime = ~std::uint64_t{0};
  const auto lineage = Lineage(branch, lsn);
  for (auto ancestor = lineage.begin(); ancestor != lineage.end(); ++ancestor) {
    const auto parent = std::next(ancestor);
    if (parent != lineage.end() && parent->lsn == ancestor->lsn) {
      continue;  // nothing of this branch is at or below the LSN
    }
    BranchView view(*this, ancestor->branch);
    const auto row = view.Last(TimeKey(ancestor->branch, 0),
                               TimeKey(ancestor->branch, time == kEndOfTime ? time : time + 1));
    if (auto status = view.status(); !status) {
      return std::unexpected(status.error());
    }
    if (!row) {
      continue;  // all of this branch is younger
    }
    Lsn found = BigEndianAt(row->second, 0);
    if (found > ancestor->lsn) {  // times never fall along a log: all below is older than `time`
      return FoundLsn{ancestor->lsn};
    }
    // The rest of that second is in the log.
    for (bool more = true; more;) {
      if (found < log_.Start(ancestor->branch)) {
        return FoundLsn{.lsn = found, .is_trimmed = true};
      }
      const auto slice = log_.Read(ancestor->branch, found, kReadAtOnce);
      if (!slice) {
        return std::unexpected(slice.error());
      }
      more = !slice->groups.empty();
      for (const Group& group : slice->groups) {
        if (group.header().time > time || group.end() > ancestor->lsn ||
            group.header().previous_end != found) {
          return FoundLsn{found};
        }
        found = group.end();
      }
      if (slice->damaged && found < ancestor->lsn && slice->damaged->first <= found) {
        return std::unexpected(ReadDamage{ancestor->branch, *slice->damaged});
      }
    }
    return FoundLsn{found};
  }
  return FoundLsn{};  // before everything
}

}  // namespace sextant::storage
