#include "daemon/log.h"

#include <nlohmann/json.hpp>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>
#include <format>

namespace sextant::daemon {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

Log::Log(LogLevel level)
    : logger_(std::make_shared<spdlog::logger>("sextant",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_level(ToSpdlog(level));
  logger_->set_pattern("%v");
}

void Log::Debug(std::string_view event, const nlohmann::json& fields) const {
  Write(LogLevel::kDebug, event, fields);
}
void Log::Info(std::string_view event, const nlohmann::json& fields) const {
  Write(LogLevel::kInfo, event, fields);
}
void Log::Warning(std::string_view event, const nlohmann::json& fields) const {
  Write(LogLevel::kWarning, event, fields);
}
void Log::Error(std::string_view event, const nlohmann::json& fields) const {
  Write(LogLevel::kError, event, fields);
}

void Log::Write(LogLevel wanted, std::string_view event, const nlohmann::json& fields) const {
  const auto level = ToSpdlog(wanted);
  if (!logger_->should_log(level)) {
    return;
  }
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  nlohmann::ordered_json line;
  line["time"] = std::format("{:%FT%T}Z", now);
  const auto name = spdlog::level::to_string_view(level);
  line["level"] = std::string_view(name.data(), name.size());
  line["event"] = event;
  for (const auto& [key, value] : fields.items()) {
    line[key] = value;
  }
  // A peer's words may be in it, in any encoding.
  logger_->log(level, "{}",
               line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace sextant::daemon
