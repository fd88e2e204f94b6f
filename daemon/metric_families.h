// A snapshot's numbers in Prometheus' text format.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sextant::daemon {

using Labels = std::vector<prometheus::ClientMetric::Label>;

// Families in the order they were named first. One thread.
class MetricFamilies {
 public:
  // Every name begins with `prefix`.
  explicit MetricFamilies(std::string prefix) : prefix_(std::move(prefix)) {}

  void Gauge(const std::string& name, const std::string& help, double value,
             const Labels& labels = {});
  void Gauge(const std::string& name, const std::string& help, std::uint64_t value,
             const Labels& labels = {});
  void Counter(const std::string& name, const std::string& help, std::uint64_t value,
               const Labels& labels = {});
  [[nodiscard]] std::string Text() const;

 private:
  prometheus::ClientMetric& Add(prometheus::MetricType type, const std::string& name,
                                const std::string& help, const Labels& labels);

  const std::string prefix_;
  std::vector<prometheus::MetricFamily> families_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace sextant::daemon
