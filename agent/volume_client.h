// Talks to the volume's daemon beside us: one JSON object a line, over a Unix socket.
#pragma once

#include "agent/planner.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <expected>
#include <filesystem>

namespace sextant::agent {

struct VolumeError {
  std::string code;  // the daemon's; "gone": no process listens; "unreachable": anything else
  std::string message;
};

// Each call is a connection of its own and ends within its time. Any thread.
class VolumeClient {
 public:
  explicit VolumeClient(std::filesystem::path socket) : socket_(std::move(socket)) {}

  // The whole answer, whose "ok" is true.
  [[nodiscard]] std::expected<nlohmann::json, VolumeError> Call(
      const nlohmann::json& command, std::chrono::milliseconds time) const;

 private:
  const std::filesystem::path socket_;
};

// The commands that bring an order's mount about.
[[nodiscard]] nlohmann::json AttachCommand(const Order& order, std::chrono::milliseconds time);
// What a status says; unknown fields are left aside.
[[nodiscard]] VolumeView ParseVolumeStatus(const nlohmann::json& status);

}  // namespace sextant::agent
