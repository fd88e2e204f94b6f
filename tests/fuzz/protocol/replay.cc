// Runs the fuzz target without libFuzzer: on the files given, and on many damaged copies of each.
#include "tests/simulation/random.h"

#include <algorithm>
#include <cstdint>
#include <format>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** names) {
  constexpr int kCopies = 5'000;
  sextant::simulation::Random random(1);
  int inputs = 0;
  for (int i = 1; i < count; ++i) {
    std::ifstream file(names[i], std::ios::binary);
    const std::vector<char> text((std::istreambuf_iterator<char>(file)),
                                 std::istreambuf_iterator<char>());
    if (text.empty()) {
      std::cerr << "can not read " << names[i] << '\n';
      return 1;
    }
    const std::vector<std::uint8_t> original(text.begin(), text.end());
    for (int copy = 0; copy < kCopies; ++copy, ++inputs) {
      std::vector<std::uint8_t> bytes = original;
      for (std::uint64_t changes = copy == 0 ? 0 : 1 + random.Below(4); changes > 0; --changes) {
        // Most fields are in the first bytes.
        const std::size_t reach =
            random.OneIn(2) ? std::min<std::size_t>(bytes.size(), 160) : bytes.size();
        bytes[random.Index(reach)] = static_cast<std::uint8_t>(random.Next() & 0xFF);
      }
      if (random.OneIn(8)) {
        bytes.resize(random.Index(bytes.size()) + 1);
      }
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    }
  }
  std::cout << std::format("{} inputs\n", inputs);
  return 0;
}
