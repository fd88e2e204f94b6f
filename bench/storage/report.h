// Figures as they come, a table for people, and JSON last.
#pragma once

#include <algorithm>
#include <format>
#include <iostream>
#include <string>
#include <vector>

namespace sextant::bench {

class Report {
 public:
  void Add(std::string name, double value, std::string unit) {
    std::cout << std::format("{:<58} {:>14.2f} {}\n", name, value, unit) << std::flush;
    figures_.push_back({std::move(name), value, std::move(unit)});
  }

  void PrintJson() const {
    for (const Figure& figure : figures_) {
      std::cout << std::format(R"({{"name":"{}","value":{:.3f},"unit":"{}"}})", figure.name,
                               figure.value, figure.unit)
                << '\n';
    }
  }

 private:
  struct Figure {
    std::string name;
    double value;
    std::string unit;
  };
  std::vector<Figure> figures_;
};

// The value that `share` of the values are at or below.
inline double Percentile(std::vector<double> values, double share) {
  if (values.empty()) {
    return 0;
  }
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(rank));
  return values[rank];
}

}  // namespace sextant::bench
