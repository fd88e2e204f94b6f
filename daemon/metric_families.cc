#include "daemon/metric_families.h"

#include <prometheus/text_serializer.h>

namespace sextant::daemon {

using prometheus::MetricType;

void MetricFamilies::Gauge(const std::string& name, const std::string& help, double value,
                           const Labels& labels) {
  Add(MetricType::Gauge, name, help, labels).gauge.value = value;
}

void MetricFamilies::Gauge(const std::string& name, const std::string& help, std::uint64_t value,
                           const Labels& labels) {
  Gauge(name, help, static_cast<double>(value), labels);
}

void MetricFamilies::Counter(const std::string& name, const std::string& help, std::uint64_t value,
                             const Labels& labels) {
  Add(MetricType::Counter, name, help, labels).counter.value = static_cast<double>(value);
}

std::string MetricFamilies::Text() const {
  return prometheus::TextSerializer().Serialize(families_);
}

prometheus::ClientMetric& MetricFamilies::Add(MetricType type, const std::string& name,
                                              const std::string& help, const Labels& labels) {
  const auto [place, added] = places_.try_emplace(name, families_.size());
  if (added) {
    families_.push_back({.name = prefix_ + name, .help = help, .type = type, .metric = {}});
  }
  auto& metric = families_[place->second].metric.emplace_back();
  metric.label = labels;
  return metric;
}

}  // namespace sextant::daemon
