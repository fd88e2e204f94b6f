#include "sextant/kube/runtime/event_series.h"

#include <algorithm>

namespace sextant::kube::runtime {

std::optional<EventSeries::Write> EventSeries::Observe(const EventKey& key, std::uint64_t id,
                                                       TimePoint now) {
  auto found = series_.find(key);
  if (found != series_.end() && now - found->second.last_seen > options_.idle) {
    series_.erase(found);
    found = series_.end();
  }
  if (found == series_.end()) {
    if (series_.size() >= options_.max_series) {
      series_.erase(std::ranges::min_element(
          series_, {}, [](const auto& entry) { return entry.second.last_seen; }));
    }
    series_[key] = {.id = id, .count = 1, .written_count = 1, .written_at = now, .last_seen = now};
    return Write{.key = key, .id = id, .count = 1, .last_seen = now};
  }
  Series& series = found->second;
  ++series.count;
  series.last_seen = now;
  if (series.count > 2) return std::nullopt;
  series.written_count = series.count;
  series.written_at = now;
  return Write{.key = key, .id = series.id, .count = series.count, .last_seen = now};
}

std::vector<EventSeries::Write> EventSeries::TakeDue(TimePoint now) {
  std::vector<Write> due;
  for (auto entry = series_.begin(); entry != series_.end();) {
    auto& [key, series] = *entry;
    const bool ended = now - series.last_seen >= options_.idle;
    const bool refresh = now - series.written_at >= options_.refresh;
    if (series.count > series.written_count && (ended || refresh)) {
      due.push_back(
          {.key = key, .id = series.id, .count = series.count, .last_seen = series.last_seen});
      series.written_count = series.count;
      series.written_at = now;
    }
    entry = ended ? series_.erase(entry) : std::next(entry);
  }
  return due;
}

std::optional<TimePoint> EventSeries::NextDue() const {
  std::optional<TimePoint> next;
  for (const auto& [key, series] : series_) {
    if (const TimePoint due = DueAt(series); !next || due < *next) next = due;
  }
  return next;
}

TimePoint EventSeries::DueAt(const Series& series) const {
  const TimePoint end = series.last_seen + options_.idle;
  return series.count > series.written_count ? std::min(end, series.written_at + options_.refresh)
                                             : end;
}

}  // namespace sextant::kube::runtime
