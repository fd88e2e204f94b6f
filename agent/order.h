// What an instance is told to be.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sextant::agent {

enum class Role : std::uint8_t { kNone, kReader, kWriter };

[[nodiscard]] std::string_view ToString(Role role);

struct Order {
  std::uint64_t id = 0;  // never going back; a lower one is refused
  Role role = Role::kNone;
  std::uint64_t branch = 0;  // none: 0
  std::uint64_t epoch = 0;   // writer only

  bool operator==(const Order&) const = default;
};

// Strict: a key too many is an error, which names it.
[[nodiscard]] std::expected<Order, std::string> ParseOrder(std::string_view text);
[[nodiscard]] nlohmann::ordered_json ToJson(const Order& order);

// The last order, kept over restarts of the process. Nothing when there is none, or none that can
// be read.
[[nodiscard]] std::optional<Order> LoadOrder(const std::filesystem::path& path);
// Whole or not at all.
[[nodiscard]] std::expected<void, std::string> SaveOrder(const std::filesystem::path& path,
                                                         const Order& order);

}  // namespace sextant::agent
