#include "agent/mariadb/adapter.h"

#include "agent/files.h"
#include "agent/mariadb/settings.h"
#include "agent/user.h"

#include <csignal>
#include <format>

namespace sextant::agent::mariadb {
namespace {

class Adapter final : public Engine {
 public:
  Adapter(const Config& config, std::string user) : config_(config), user_(std::move(user)) {}

  [[nodiscard]] std::filesystem::path home() const override { return config_.data / "mysql"; }

  [[nodiscard]] Command Initialize(const std::filesystem::path& directory) const override {
    return {.arguments = InitializeCommand(directory, user_)};
  }

  [[nodiscard]] Result<Command> Prepare(Role role) const override {
    const Files files(config_);
    std::error_code error;
    std::filesystem::remove_all(files.temporary, error);
    std::filesystem::create_directories(files.temporary, error);
    if (error) {
      return std::unexpected(std::format("make {}: {}", files.temporary.string(), error.message()));
    }
    const auto written = ReplaceFile(files.settings, RenderSettings(config_, home()), 0600);
    if (!written) {
      return std::unexpected(written.error());
    }
    return Command{.arguments = RenderCommand(config_, role)};
  }

  [[nodiscard]] std::unique_ptr<EngineClient> MakeClient() const override {
    return mariadb::MakeClient(config_);
  }

  // It has no other way to stop at once.
  [[nodiscard]] StopSignals stop_signals() const override {
    return {.fast = SIGTERM, .immediate = SIGKILL};
  }

 private:
  const Config& config_;
  const std::string user_;
};

}  // namespace

Result<std::unique_ptr<Engine>> MakeAdapter(const Config& config) {
  const auto checked = CheckParameters(config.parameters);
  if (!checked) {
    return std::unexpected(checked.error());
  }
  auto user = UserName();
  if (!user) {
    return std::unexpected(user.error());
  }
  return std::make_unique<Adapter>(config, std::move(*user));
}

}  // namespace sextant::agent::mariadb
