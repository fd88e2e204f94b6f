#include "sextant/protocol/crc32c.h"

#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace sextant::protocol {

// The program is built for any processor of its kind, so only these functions may use the
// instruction.
#if defined(__x86_64__)

bool HasCrc32cInstruction() { return __builtin_cpu_supports("sse4.2") != 0; }

[[gnu::target("sse4.2")]] std::uint32_t Crc32cByInstruction(BytesView bytes,
                                                            std::uint32_t previous) {
  std::uint64_t crc = ~previous;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (std::uint64_t word = 0; left >= sizeof(word); at += sizeof(word), left -= sizeof(word)) {
    std::memcpy(&word, at, sizeof(word));
    crc = _mm_crc32_u64(crc, word);
  }
  for (; left > 0; ++at, --left) {
    crc = _mm_crc32_u8(static_cast<std::uint32_t>(crc), *at);
  }
  return ~static_cast<std::uint32_t>(crc);
}

#elif defined(__aarch64__) && defined(__linux__)

bool HasCrc32cInstruction() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

[[gnu::target("+crc")]] std::uint32_t Crc32cByInstruction(BytesView bytes, std::uint32_t previous) {
  std::uint32_t crc = ~previous;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (std::uint64_t word = 0; left >= sizeof(word); at += sizeof(word), left -= sizeof(word)) {
    std::memcpy(&word, at, sizeof(word));
    crc = __crc32cd(crc, word);
  }
  for (; left > 0; ++at, --left) {
    crc = __crc32cb(crc, *at);
  }
  return ~crc;
}

#else

bool HasCrc32cInstruction() { return false; }

std::uint32_t Crc32cByInstruction(BytesView, std::uint32_t) { std::abort(); }

#endif

}  // namespace sextant::protocol
