// Readers and their claims on the past.
#include "sextant/protocol/codec.h"
#include "tests/simulation/world.h"

#include <algorithm>
#include <format>

namespace sextant::simulation {

using namespace std::chrono_literals;

void World::ReadOne(std::size_t index) {
  Host& host = hosts_.at(index);
  std::vector<protocol::MemberPlace> places;
  for (const MemberId& member : configuration_.All()) {
    const auto endpoint = EndpointOf(member);
    places.push_back({member, endpoint && *endpoint / 2 % kZones == index ? 0U : 1U});
  }
  host.reader.SetMembers(std::move(places));
  const auto line =
      std::next(lines_.begin(), static_cast<std::ptrdiff_t>(random_.Index(lines_.size())));
  ReadHost read{
      .branch = line->first, .page = {1, random_.Below(kPages)}, .lsn = 0, .pinned = false};
  const auto& ends = oracle_.ends(read.branch);
  if (ends.empty() || host.reads.size() > 8) {
    return;
  }
  const std::size_t back = random_.OneIn(3) ? random_.Index(ends.size()) : 0;
  read.lsn = ends[ends.size() - 1 - back];
  for (const auto& [id, pin] : host.pins) {
    if (pin.branch == read.branch && pin.keeper.Held(now_) && random_.OneIn(2)) {
      read.lsn = pin.keeper.lsn();
      read.pinned = true;
    }
  }
  const Epoch epoch = random_.OneIn(2) ? oracle_.EpochAt(read.branch, read.lsn) : 0;
  Effects effects;
  const protocol::ReadPage request_page{
      .request = 0, .branch = read.branch, .page = read.page, .at = {epoch, read.lsn}};
  const auto request = host.reader.Read(request_page, now_, effects);
  host.reads[request] = read;
  Send(kNodes + index, {kReader, index}, std::move(effects));
  ArmHost(index);
}

void World::ArmHost(std::size_t index) {
  Host& host = hosts_.at(index);
  const Time next = host.reader.next_timer();
  if (next == Time::max() || host.armed == std::max(next, now_)) {
    return;
  }
  host.armed = std::max(next, now_);
  At(host.armed, [this, index, armed = host.armed] {
    WhenAwake(index, [this, index, armed] {
      Host& woken = hosts_.at(index);
      if (woken.armed == armed) {
        woken.armed = Time{-1};
        Send(kNodes + index, {kReader, index}, woken.reader.OnTimer(now_));
        ArmHost(index);
      }
    });
  });
}

void World::TakeReads(std::size_t index) {
  Host& host = hosts_.at(index);
  for (const protocol::ReadResult& result : host.reader.TakeResults()) {
    const auto found = host.reads.find(result.request);
    const ReadHost read = found->second;
    host.reads.erase(found);
    if (!result.value) {
      const bool held = std::ranges::any_of(host.pins, [&](const auto& entry) {
        return entry.second.branch == read.branch && entry.second.keeper.lsn() == read.lsn &&
               entry.second.keeper.Held(now_);
      });
      if (read.pinned && held) {
        throw Violation(
            std::format("{} of branch {} is pinned and was collected", read.lsn, read.branch));
      }
      continue;
    }
    ++outcome_.reads;
    std::uint64_t value = 0;
    const auto& page = std::get<protocol::PageVersion>(*result.value);
    protocol::Decoder(page.bytes)(value);
    Trace("host {} reads page {} of branch {} at {} from {}: {} of {}", index, read.page.index,
          read.branch, read.lsn, Name(result.from), value, page.version);
    oracle_.Read(read.branch, read.page, read.lsn, page.version, value);
  }
  ArmHost(index);
}

Uuid World::MakePin(std::size_t index, BranchId branch, Lsn lsn, bool fork) {
  const Uuid id{kPin, next_client_++};
  const Time lease = fork ? Time(60s) : Time(120ms);
  hosts_.at(index).pins.emplace(
      id, PinHost{.keeper = protocol::PinKeeper(branch, id, lsn, lease, configuration_),
                  .branch = branch,
                  .fork = fork});
  ArmPin(index, id);
  return id;
}

void World::StartPin(std::size_t index) {
  Host& host = hosts_.at(index);
  const auto oldest =
      std::ranges::find_if(host.pins, [](const auto& entry) { return !entry.second.fork; });
  if (oldest != host.pins.end()) {
    Send(kNodes + index, {kReader, index}, oldest->second.keeper.Drop());
    host.pins.erase(oldest);
  }
  const auto line =
      std::next(lines_.begin(), static_cast<std::ptrdiff_t>(random_.Index(lines_.size())));
  const auto& ends = oracle_.ends(line->first);
  if (ends.empty()) {
    return;
  }
  MakePin(index, line->first, ends.back(), false);
}

void World::ArmPin(std::size_t index, const Uuid& id) {
  WhenAwake(index, [this, index, id] {
    Host& host = hosts_.at(index);
    const auto found = host.pins.find(id);
    if (found == host.pins.end() || !working_) {
      return;
    }
    found->second.keeper.SetConfiguration(configuration_);
    Send(kNodes + index, {kReader, index}, found->second.keeper.OnTimer(now_));
    At(found->second.keeper.next_timer(), [this, index, id] { ArmPin(index, id); });
  });
}

}  // namespace sextant::simulation
