// The control socket's language: one JSON object a line, in and out. docs/volume.md has it.
#pragma once

#include "volume/server/session.h"

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <variant>

namespace sextant::volume::server {

struct StatusCommand {};
struct AttachCommand {
  Target target;
};
struct DetachCommand {};
struct FlushCommand {
  bool idle = false;  // nobody writes meanwhile
};
struct BranchCommand {
  protocol::BranchId id = 0;
  protocol::BranchId parent = 1;
  client::Point at;
};
struct StopCommand {};

struct Command {
  std::variant<StatusCommand, AttachCommand, DetachCommand, FlushCommand, BranchCommand,
               StopCommand>
      what;
  std::chrono::milliseconds timeout{30'000};
};

// The problem's code is "invalid".
[[nodiscard]] std::expected<Command, Problem> ParseCommand(std::string_view line);

[[nodiscard]] nlohmann::ordered_json Failure(const Problem& problem);
// {"ok": true} and the state, as /status shows it too.
[[nodiscard]] nlohmann::ordered_json Describe(const SessionStatus& status);
[[nodiscard]] std::string MakeMetrics(const SessionStatus& status);

}  // namespace sextant::volume::server
