#include "storage/log/log_scan.h"

#include "sextant/protocol/codec.h"

#include <algorithm>
#include <array>

namespace sextant::storage {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic = {'S', 'X', 'X', 'G'};
constexpr std::size_t kBranchOffset = 16;
constexpr std::size_t kTimeOffset = 56;

struct Scanner {
  BytesView bytes;
  BranchId branch;
  Lsn first;

  [[nodiscard]] BytesView At(Lsn lsn) const {
    return lsn - first < bytes.size() ? bytes.subspan(lsn - first) : BytesView();
  }

  // The size of what begins at `lsn`, if its header says that it belongs there and ends within the
  // bytes.
  [[nodiscard]] std::optional<std::size_t> Fits(Lsn lsn) const {
    const BytesView rest = At(lsn);
    const auto size = Group::SizeOf(rest);
    if (!size || *size > rest.size()) {
      return std::nullopt;
    }
    BranchId found_branch = 0;
    protocol::Epoch epoch = 0;
    Lsn begin = 0;
    Lsn end = 0;
    Lsn previous_end = 0;
    protocol::Decoder(rest.subspan(kBranchOffset, kTimeOffset - kBranchOffset))(
        found_branch, epoch, begin, end, previous_end);
    if (found_branch != branch || begin != lsn || previous_end != lsn || end != lsn + *size) {
      return std::nullopt;
    }
    return *size;
  }

  [[nodiscard]] std::optional<Group> GoodGroup(Lsn lsn) const {
    const auto size = Fits(lsn);
    if (!size) {
      return std::nullopt;
    }
    auto group = Group::Decode(At(lsn).first(*size));
    return group ? std::optional(std::move(*group)) : std::nullopt;
  }

  // The next LSN above `lsn` where a good group begins.
  [[nodiscard]] std::optional<Lsn> NextGood(Lsn lsn) const {
    auto rest = At(lsn + 1);
    while (!rest.empty()) {
      const auto found = std::ranges::search(rest, kMagic);
      if (found.empty()) {
        return std::nullopt;
      }
      const auto skipped = static_cast<std::size_t>(found.begin() - rest.begin());
      const Lsn at = first + (bytes.size() - rest.size()) + skipped;
      if (GoodGroup(at)) {
        return at;
      }
      rest = rest.subspan(skipped + 1);
    }
    return std::nullopt;
  }
};

}  // namespace

ScanResult ScanGroups(BytesView bytes, const ScanRequest& request, const GroupVisitor& visit) {
  const Scanner scanner{bytes, request.branch, request.first};
  ScanResult result{.end = request.from, .damaged = {}, .open_damage = false};
  while (true) {
    if (auto group = scanner.GoodGroup(result.end)) {
      result.end = group->end();
      if (!visit(std::move(*group))) {
        return result;
      }
      continue;
    }
    if (result.end >= request.known) {
      return result;
    }
    const auto size = scanner.Fits(result.end);
    const Lsn behind = result.end + size.value_or(0);
    const bool followed = size && (scanner.Fits(behind) || behind == request.known);
    const auto next = followed ? std::optional(behind) : scanner.NextGood(result.end);
    if (!next) {
      result.open_damage = true;
      return result;
    }
    // What was never known to be synced must not be counted as ours, so damage ends where knowledge
    // does.
    const Lsn resumed = std::min(*next, request.known);
    result.damaged.push_back({result.end, resumed});
    result.end = resumed;
  }
}

}  // namespace sextant::storage
