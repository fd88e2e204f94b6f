// Which events to write when the same thing happens again and again: the first as an event, the
// second as a series, the rest as a count now and then. Without I/O, clock or threads.
#pragma once

#include "sextant/kube/runtime/clock.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sextant::kube::runtime {

enum class EventType { kNormal, kWarning };

// What makes two events the same.
struct EventKey {
  std::string api_version = {};  // of the object that it is about, as are:
  std::string kind = {};
  std::string ns = {};
  std::string name = {};
  std::string uid = {};
  EventType type = EventType::kNormal;
  std::string reason = {};
  std::string action = {};
  std::string note = {};

  auto operator<=>(const EventKey&) const = default;
};

struct EventSeriesOptions {
  Duration idle = std::chrono::minutes(6);     // after which a series has ended
  Duration refresh = std::chrono::minutes(1);  // how often a count that grows is written
  std::size_t max_series = 1000;               // remembered; the one longest silent goes first
};

// Not safe for concurrent use.
class EventSeries {
 public:
  explicit EventSeries(EventSeriesOptions options = {}) : options_(options) {}

  // A write that has to be done. A count of 1 makes a new event, more is a series of the event
  // that `id` has named since its first.
  struct Write {
    EventKey key;
    std::uint64_t id = 0;
    std::int64_t count = 0;
    TimePoint last_seen;
  };

  // Takes in an event. `id` names it if it turns out to be the first of its kind.
  [[nodiscard]] std::optional<Write> Observe(const EventKey& key, std::uint64_t id, TimePoint now);

  // The counts that are due, and forgets what has ended.
  [[nodiscard]] std::vector<Write> TakeDue(TimePoint now);

  // When TakeDue() will next have something to do; nothing while there is no series.
  [[nodiscard]] std::optional<TimePoint> NextDue() const;

 private:
  struct Series {
    std::uint64_t id;
    std::int64_t count;
    std::int64_t written_count;
    TimePoint written_at;
    TimePoint last_seen;
  };

  [[nodiscard]] TimePoint DueAt(const Series& series) const;

  const EventSeriesOptions options_;
  std::map<EventKey, Series> series_;
};

}  // namespace sextant::kube::runtime
