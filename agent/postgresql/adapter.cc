#include "agent/postgresql/adapter.h"

#include "agent/files.h"
#include "agent/postgresql/settings.h"
#include "agent/process.h"
#include "agent/user.h"

#include <algorithm>
#include <csignal>
#include <format>

namespace sextant::agent::postgresql {
namespace {

class Adapter final : public Engine {
 public:
  explicit Adapter(const Config& config) : config_(config) {}

  [[nodiscard]] std::filesystem::path home() const override { return Home(config_); }

  [[nodiscard]] Command Initialize(const std::filesystem::path& directory) const override {
    return {.arguments = InitializeCommand(directory)};
  }

  [[nodiscard]] Result<Command> Prepare(Role role) const override {
    const auto written = WriteFiles(role);
    if (!written) {
      return std::unexpected(written.error());
    }
    std::error_code error;
    std::filesystem::remove(home() / "postmaster.pid", error);
    if (!error && role == Role::kWriter) {
      std::filesystem::remove(home() / "standby.signal", error);
    }
    if (error) {
      return std::unexpected(std::format("clean {}: {}", home().string(), error.message()));
    }
    if (role == Role::kReader) {
      const auto signal = ReplaceFile(home() / "standby.signal", "", 0600);
      if (!signal) {
        return std::unexpected(signal.error());
      }
    }
    Command command{.arguments = RenderCommand(config_, role, home())};
    if (role == Role::kReader) {
      const auto control = OutputOf({.arguments = {"pg_controldata", "-D", home().string()}});
      if (!control) {
        return std::unexpected(control.error());
      }
      std::ranges::copy(RenderReadersRoom(config_, *control),
                        std::back_inserter(command.arguments));
    }
    return command;
  }

  [[nodiscard]] std::unique_ptr<EngineClient> MakeClient() const override {
    return postgresql::MakeClient(config_);
  }

  [[nodiscard]] StopSignals stop_signals() const override {
    return {.fast = SIGINT, .immediate = SIGQUIT};
  }

 private:
  [[nodiscard]] Result<> WriteFiles(Role role) const {
    const Files files(config_);
    const auto user = UserName();
    if (!user) {
      return std::unexpected(user.error());
    }
    Result<> written = CopyKey(config_);
    const auto write = [&](const std::filesystem::path& path, const std::string& text) {
      written = written.and_then([&] { return ReplaceFile(path, text, 0600); });
    };
    write(files.settings, RenderSettings(config_));
    write(files.access, RenderAccess(*user));
    write(files.identities, RenderIdentities(*user));
    if (role == Role::kReader) {
      const auto password = ReadSecret(config_.secrets / "replication-password");
      if (!password) {
        return std::unexpected(password.error());
      }
      write(files.password, RenderPasswordFile(*password));
    }
    return written;
  }

  const Config& config_;
};

}  // namespace

Result<> CopyKey(const Config& config) {
  return ReadSmallFile(config.server_tls.key).and_then([&](const std::string& key) {
    return ReplaceFile(Files(config).key, key, 0600);
  });
}

Result<std::unique_ptr<Engine>> MakeAdapter(const Config& config) {
  const auto checked = CheckParameters(config.parameters);
  if (!checked) {
    return std::unexpected(checked.error());
  }
  return std::make_unique<Adapter>(config);
}

}  // namespace sextant::agent::postgresql
