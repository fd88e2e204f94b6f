// What the process has to say to people and machines: one JSON object a line, on standard error.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace spdlog {
class logger;  // its header costs whoever includes it three seconds
}

namespace sextant::daemon {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

// Thread-safe. Each line has "time", "level" and "event", a short phrase that never varies; what
// varies is in fields of their own.
class Log {
 public:
  explicit Log(LogLevel level);

  void Debug(std::string_view event, const nlohmann::json& fields) const;
  void Info(std::string_view event, const nlohmann::json& fields) const;
  void Warning(std::string_view event, const nlohmann::json& fields) const;
  void Error(std::string_view event, const nlohmann::json& fields) const;

 private:
  void Write(LogLevel level, std::string_view event, const nlohmann::json& fields) const;

  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace sextant::daemon
