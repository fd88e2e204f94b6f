// sextant-explore: walks the small model and says how far it came, or how it broke.
#include "tests/simulation/explorer.h"

#include <charconv>
#include <cstring>
#include <format>
#include <iostream>
#include <string_view>

namespace sextant::exploration {
namespace {

constexpr const char* kUsage =
    "usage: sextant-explore [--states N] [--groups N] [--crashes N] [--change 0|1] [--members "
    "3|4]\n"
    "                       [--write-quorum N] [--deviations K]\n";

int Main(int count, char** values) {
  Options options;
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = values[i];
    std::uint64_t number = 0;
    if (i + 1 == count ||
        std::from_chars(values[i + 1], values[i + 1] + std::strlen(values[i + 1]), number).ec !=
            std::errc()) {
      std::cerr << kUsage;
      return 2;
    }
    if (name == "--states") {
      options.states = number;
    } else if (name == "--groups") {
      options.groups = number;
    } else if (name == "--crashes") {
      options.crashes = number;
    } else if (name == "--change") {
      options.change = number != 0;
    } else if (name == "--members" && (number == 3 || number == 4)) {
      options.members = number;
    } else if (name == "--deviations") {
      options.deviations = number;
    } else if (name == "--write-quorum") {
      options.write_quorum = static_cast<std::uint8_t>(number);
    } else {
      std::cerr << kUsage;
      return 2;
    }
  }
  Explorer explorer(options);
  int status = 0;
  try {
    const bool complete = explorer.Run();
    std::cout << (complete ? "complete: " : "stopped at the limit: ");
  } catch (const Violation& violation) {
    std::cout << "VIOLATION\n" << violation.what() << '\n';
    status = 1;
  }
  std::cout << std::format("{} states, {} steps, depth {}, {} openings, {} concluded changes\n",
                           explorer.states(), explorer.steps(), explorer.depth(), explorer.opened(),
                           explorer.committed());
  return status;
}

}  // namespace
}  // namespace sextant::exploration

int main(int count, char** values) { return sextant::exploration::Main(count, values); }
