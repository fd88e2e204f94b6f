// sextant-volume: a branch of a volume as a file system. docs/volume.md is its manual.
#include "volume/server/client_volume.h"
#include "volume/server/ctl.h"
#include "volume/server/server.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <iostream>

namespace {

namespace server = sextant::volume::server;
namespace client = sextant::client;

int Fail(const std::string& what) {
  std::cerr << "sextant-volume: " << what << '\n';
  return 1;
}

int Check(const server::Config& config, const std::string& path) {
  if (config.tls) {
    if (const auto tls = sextant::net::MakeTlsContext(*config.tls); !tls) {
      return Fail(tls.error());
    }
  }
  std::cout << path << " is good\n";
  return 0;
}

int Serve(const server::Config& config) {
  const sextant::daemon::Log log(config.log_level);
  server::ClientVolume volume(config, log);
  const auto started = server::Server::Start(config, volume, log);
  if (!started) {
    return Fail(started.error());
  }
  (*started)->HandleSignals();
  (*started)->Wait();
  return 0;
}

int Control(const std::string& control, const std::vector<std::string>& words) {
  const auto line = server::MakeCommandLine(words);
  if (!line) {
    return Fail(line.error());
  }
  const auto answer = server::Ask(control, *line);
  if (!answer) {
    return Fail(answer.error());
  }
  std::cout << *answer << '\n';
  const auto json = nlohmann::json::parse(*answer, nullptr, false);
  return json.is_object() && json.value("ok", false) ? 0 : 1;
}

struct BranchArguments {
  sextant::protocol::BranchId id = 0;
  sextant::protocol::BranchId parent = 1;
  client::Point at;
  double timeout = 30;
};

int MakeBranch(const server::Config& config, const BranchArguments& arguments) {
  const sextant::daemon::Log log(config.log_level);
  server::ClientVolume volume(config, log);
  const auto allowed = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(arguments.timeout));
  const auto made = volume.MakeBranch(arguments.parent, arguments.at, arguments.id,
                                      std::chrono::steady_clock::now() + allowed);
  if (!made) {
    return Fail(made.error().message);
  }
  std::cout << "branch " << made->id << " forks from " << made->parent << " at " << made->fork
            << '\n';
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  CLI::App app{"A branch of a Sextant volume as a file system"};
  std::string path;
  bool only_check = false;
  app.add_option("--config", path, "YAML file; docs/volume.md explains it");
  app.add_flag("--check-config", only_check, "Say whether the configuration is good, and end");
  app.set_version_flag("--version", std::string("sextant-volume ") + SEXTANT_VERSION);
  app.require_subcommand(0, 1);

  auto* ctl = app.add_subcommand("ctl", "Tells a running sextant-volume what to do");
  std::string control;
  std::vector<std::string> words;
  ctl->add_option("--control", control, "its control socket")->required();
  ctl->add_option("command", words, "status, attach mode=writer epoch=7, …, or JSON")->required();

  auto* branch = app.add_subcommand("branch", "Makes a branch of a branch's past");
  BranchArguments branching;
  branch->add_option("--config", path, "YAML file; docs/volume.md explains it");
  branch->add_option("--id", branching.id, "the new branch's number")->required();
  branch->add_option("--parent", branching.parent, "whose branch it is")->capture_default_str();
  auto* lsn = branch->add_option("--lsn", branching.at.lsn, "at this LSN (default: at its end)");
  branch
      ->add_option_function<std::string>(
          "--at",
          [&](const std::string& text) {
            branching.at.time = client::ParseTime(text);
            if (!branching.at.time) {
              throw CLI::ValidationError("--at", "a time looks like 2026-01-31T16:00:00Z");
            }
          },
          "at this moment, as in 2026-01-31T16:00:00Z")
      ->excludes(lsn);
  branch->add_option("--timeout", branching.timeout, "seconds")->capture_default_str();
  CLI11_PARSE(app, count, arguments);

  if (ctl->parsed()) {
    return Control(control, words);
  }
  if (path.empty()) {
    return Fail("--config is missing");
  }
  const auto config = server::LoadConfig(path);
  if (!config) {
    return Fail(config.error());
  }
  if (branch->parsed()) {
    return MakeBranch(*config, branching);
  }
  return only_check ? Check(*config, path) : Serve(*config);
}
