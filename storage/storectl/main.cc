#include "sextant/net/address.h"
#include "storage/storectl/command.h"

#include <CLI/CLI.hpp>

#include <iostream>

namespace {

using sextant::storectl::Point;
using sextant::storectl::Session;
namespace client = sextant::client;

// "host:port" or "host:port,zone".
std::string AddNode(const std::string& text, client::ClientOptions& options) {
  const auto comma = text.find(',');
  const auto address = sextant::net::ParseAddress(text.substr(0, comma));
  if (!address) {
    return text + ": " + address.error();
  }
  options.nodes.push_back(
      {*address, comma == std::string::npos ? std::string() : text.substr(comma + 1)});
  return {};
}

// "2026-11-23T16:00:00Z" as µs since 1970.
std::string ParseTime(const std::string& text, Point& point) {
  point.time = client::ParseTime(text);
  return point.time ? "" : "a time looks like 2026-01-31T16:00:00Z";
}

void AddPoint(CLI::App& command, Point& point) {
  auto* lsn = command.add_option("--lsn", point.lsn, "at this LSN (default: the branch's end)");
  command
      .add_option_function<std::string>(
          "--time",
          [&point](const std::string& text) {
            if (const auto wrong = ParseTime(text, point); !wrong.empty()) {
              throw CLI::ValidationError("--time", wrong);
            }
          },
          "at this moment, as in 2026-01-31T16:00:00Z")
      ->excludes(lsn);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Looks into Sextant's storage nodes and tells them what to do.");
  app.set_version_flag("--version", SEXTANT_VERSION);
  app.require_subcommand(1);
  client::ClientOptions options;
  sextant::net::TlsFiles tls;
  bool insecure = false;
  double timeout = 10;
  app.add_option_function<std::vector<std::string>>(
         "--node",
         [&options](const std::vector<std::string>& nodes) {
           for (const std::string& node : nodes) {
             if (const auto wrong = AddNode(node, options); !wrong.empty()) {
               throw CLI::ValidationError("--node", wrong);
             }
           }
         },
         "a storage node as HOST:PORT[,ZONE]; once for each")
      ->required();
  app.add_option("--ca", tls.ca, "the authority's certificate, PEM");
  app.add_option("--cert", tls.certificate, "our certificate, PEM");
  app.add_option("--key", tls.key, "its key, PEM");
  app.add_flag("--insecure", insecure, "plain TCP, for tests");
  app.add_option("--timeout", timeout, "seconds that a command may take")->capture_default_str();

  auto* status = app.add_subcommand("status", "every node and branch");
  auto* init = app.add_subcommand("init", "makes empty nodes the members of a new volume");

  sextant::protocol::BranchId branch = 1;
  Point point;
  const auto on_branch = [&branch](CLI::App* command) {
    command->add_option("--branch", branch, "a branch's number")->capture_default_str();
    return command;
  };

  auto* seal = on_branch(app.add_subcommand("seal", "fences every writer of a branch"));
  std::optional<sextant::protocol::Epoch> epoch;
  seal->add_option("--epoch", epoch, "a number never used before (default: the next one)");

  auto* make = on_branch(app.add_subcommand("branch", "makes a branch of --branch"));
  sextant::protocol::BranchId id = 0;
  make->add_option("--id", id, "the new branch's number")->required();
  AddPoint(*make, point);

  auto* verify =
      on_branch(app.add_subcommand("verify", "reads everything from every node and compares"));
  std::size_t at_least = 4;
  verify->add_option("--at-least", at_least, "nodes that must have it")->capture_default_str();
  AddPoint(*verify, point);

  auto* dump = app.add_subcommand("dump", "what is in a log, or in a page");
  dump->require_subcommand(1);
  auto* log = on_branch(dump->add_subcommand("log", "groups and records from --lsn on"));
  std::string member;
  log->add_option("--member", member, "of this member (default: any)");
  AddPoint(*log, point);
  auto* page = on_branch(dump->add_subcommand("page", "a page's bytes, as they are"));
  sextant::protocol::PageId which;
  page->add_option("--inode", which.inode)->required();
  page->add_option("--page", which.index)->required();
  AddPoint(*page, point);
  CLI11_PARSE(app, argc, argv);

  if (!insecure) {
    if (tls.ca.empty() || tls.certificate.empty() || tls.key.empty()) {
      std::cerr << "error: give --ca, --cert and --key, or --insecure\n";
      return 2;
    }
    options.tls = tls;
  }
  const auto opened = client::Client::Open(options);
  if (!opened) {
    return sextant::storectl::Fail(opened.error());
  }
  const auto allowed = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(timeout));
  const Session session{.client = **opened,
                        .nodes = options.nodes.size(),
                        .deadline = std::chrono::steady_clock::now() + allowed,
                        .out = std::cout};
  if (status->parsed()) {
    return sextant::storectl::Status(session);
  }
  if (init->parsed()) {
    return sextant::storectl::Init(session);
  }
  if (seal->parsed()) {
    return sextant::storectl::Seal(session, branch, epoch);
  }
  if (make->parsed()) {
    return sextant::storectl::MakeBranch(session, branch, point, id);
  }
  if (verify->parsed()) {
    return sextant::storectl::Verify(session, branch, point, at_least);
  }
  if (log->parsed()) {
    return sextant::storectl::DumpLog(session, branch, point, member);
  }
  return sextant::storectl::DumpPage(session, branch, which, point);
}
