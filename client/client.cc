#include "sextant/client/client.h"

#include "client/core.h"
#include "client/log_reads.h"
#include "client/membership.h"
#include "client/pin_machine.h"
#include "client/reads.h"
#include "client/writer_machine.h"

#include <format>

namespace sextant::client {
namespace {

constexpr std::size_t kTakeoverQuorum = 3;
constexpr Time kForkLease = std::chrono::seconds(60);

std::unexpected<Error> Invalid(std::string message) {
  return std::unexpected(Error{ErrorCode::kInvalid, std::move(message)});
}

// Starts a read whose answer is of this kind.
template <class T>
void Begin(Core& core, const std::optional<protocol::MemberId>& from, protocol::ReadRequest request,
           Deadline deadline, Callback<T> done) {
  core.With([&](Time now, Effects& out) {
    core.reads(from, now, out)
        .Start(std::move(request), now, out, Core::ToTime(deadline),
               [done = std::move(done)](Result<protocol::ReadValue> value) mutable {
                 done(std::move(value).transform(
                     [](protocol::ReadValue&& any) { return std::get<T>(std::move(any)); }));
               });
  });
}

// Starts a machine and waits until it is where its user wants it.
template <class M>
Result<> Begin(Core& core, const std::shared_ptr<M>& machine, Deadline deadline) {
  return Await<void>([&](Callback<> done) {
    core.With([&](Time now, Effects& out) {
      core.Add(machine, now, out);
      machine->Start(now, out, Core::ToTime(deadline), std::move(done));
    });
  });
}

}  // namespace

Result<std::unique_ptr<Client>> Client::Open(const ClientOptions& options) {
  return Core::Start(options).transform(
      [](std::shared_ptr<Core>&& core) { return std::unique_ptr<Client>(new Client(core)); });
}

Client::Client(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Client::~Client() { Close(); }

void Client::Close() { core_->Stop(); }

const protocol::ClientId& Client::id() const { return core_->id(); }

// --- The members. ---

Result<std::vector<NodeInfo>> Client::Nodes(std::size_t count, Deadline deadline) {
  return Await<Statuses>([&](Callback<Statuses> done) {
           core_->With([&](Time now, Effects& out) {
             core_->membership().Ask(count, now, out, Core::ToTime(deadline), std::move(done));
           });
         })
      .transform([&](const Statuses& statuses) {
        return core_->With([&](Time, Effects&) {
          std::vector<NodeInfo> nodes;
          for (const auto& [member, status] : statuses) {
            nodes.push_back(core_->Describe(member, status));
          }
          return nodes;
        });
      });
}

Result<protocol::Configuration> Client::Configuration(Deadline deadline) {
  return Nodes(kTakeoverQuorum, deadline).transform([](const std::vector<NodeInfo>& nodes) {
    return std::ranges::max(
               nodes, {}, [](const NodeInfo& node) { return node.status.configuration.generation; })
        .status.configuration;
  });
}

Result<> Client::Configure(const protocol::Configuration& configuration, Deadline deadline) {
  return Await<void>([&](Callback<> done) {
    core_->With([&](Time now, Effects& out) {
      core_->membership().Spread(configuration, now, out, Core::ToTime(deadline), std::move(done));
    });
  });
}

Result<protocol::BranchStatus> Client::FindBranch(protocol::BranchId branch, Deadline deadline) {
  const auto nodes = Nodes(kTakeoverQuorum, deadline);
  if (!nodes) {
    return std::unexpected(nodes.error());
  }
  std::optional<protocol::BranchStatus> found;
  for (const NodeInfo& node : *nodes) {
    for (const protocol::BranchStatus& status : node.status.branches) {
      if (status.branch.id != branch) {
        continue;
      }
      if (!found) {
        found = status;
      }
      found->promised = std::max(found->promised, status.promised);
      if (status.vdl > found->vdl) {
        found->vdl = status.vdl;
        found->history = status.history;
      }
      found->scl = std::max(found->scl, status.scl);
      found->horizon = std::max(found->horizon, status.horizon);
    }
  }
  if (!found) {
    return Invalid(std::format("no storage node has branch {}", branch));
  }
  return *found;
}

// --- Writing. ---

Result<std::unique_ptr<Writer>> Client::Attach(const protocol::Branch& branch,
                                               protocol::Epoch epoch, Deadline deadline) {
  const auto configuration = Configuration(deadline);
  if (!configuration) {
    return std::unexpected(configuration.error());
  }
  if (configuration->generation == 0) {
    return Invalid("the storage nodes have no configuration yet");
  }
  auto machine = std::make_shared<WriterMachine>(core_->options().writer, branch, epoch,
                                                 core_->id(), *configuration);
  auto writer = std::make_unique<Writer>(core_, machine);
  return Begin(*core_, machine, deadline).transform([&] { return std::move(writer); });
}

Result<> Client::MakeBranch(const protocol::Branch& branch, Deadline deadline) {
  const auto pin = SetPin(branch.parent, branch.fork, kForkLease, deadline);
  if (!pin) {
    return std::unexpected(pin.error());
  }
  // The members keep a fork of a branch that they know for ever, and they know it from its seal.
  return Attach(branch, 1, deadline).transform([](const std::unique_ptr<Writer>&) {});
}

// --- Reading. ---

void Client::ReadPage(protocol::BranchId branch, const protocol::PageId& page,
                      const protocol::Position& at, Deadline deadline,
                      Callback<protocol::PageVersion> done, const Member& from) {
  Begin(*core_, from, protocol::ReadPage{.request = 0, .branch = branch, .page = page, .at = at},
        deadline, std::move(done));
}

void Client::ReadMetadata(protocol::BranchId branch, protocol::MetadataQuery query,
                          const protocol::Position& at, Deadline deadline,
                          Callback<protocol::MetadataAnswer> done, const Member& from) {
  Begin(*core_, from,
        protocol::ReadMetadata{.request = 0, .branch = branch, .at = at, .query = std::move(query)},
        deadline, std::move(done));
}

void Client::FindLsn(protocol::BranchId branch, std::uint64_t time, const protocol::Position& at,
                     Deadline deadline, Callback<protocol::Position> done) {
  Begin(*core_, {}, protocol::FindLsn{.request = 0, .branch = branch, .at = at, .time = time},
        deadline, std::move(done));
}

Result<protocol::PageVersion> Client::ReadPage(protocol::BranchId branch,
                                               const protocol::PageId& page,
                                               const protocol::Position& at, Deadline deadline,
                                               const Member& from) {
  return Await<protocol::PageVersion>(
      [&](auto done) { ReadPage(branch, page, at, deadline, std::move(done), from); });
}

Result<protocol::MetadataAnswer> Client::ReadMetadata(protocol::BranchId branch,
                                                      protocol::MetadataQuery query,
                                                      const protocol::Position& at,
                                                      Deadline deadline, const Member& from) {
  return Await<protocol::MetadataAnswer>([&](auto done) {
    ReadMetadata(branch, std::move(query), at, deadline, std::move(done), from);
  });
}

Result<protocol::Position> Client::FindLsn(protocol::BranchId branch, std::uint64_t time,
                                           const protocol::Position& at, Deadline deadline) {
  return Await<protocol::Position>(
      [&](auto done) { FindLsn(branch, time, at, deadline, std::move(done)); });
}

Result<std::vector<protocol::Group>> Client::ReadLog(const protocol::MemberId& member,
                                                     protocol::BranchId branch, protocol::Lsn from,
                                                     Deadline deadline) {
  return Await<std::vector<protocol::Group>>([&](auto done) {
    core_->With([&](Time now, Effects& out) {
      core_->log_reads().Start(member, branch, from, now, out, Core::ToTime(deadline),
                               std::move(done));
    });
  });
}

Result<std::unique_ptr<Pin>> Client::SetPin(protocol::BranchId branch, protocol::Lsn lsn,
                                            protocol::Time lease, Deadline deadline) {
  const auto configuration = Configuration(deadline);
  if (!configuration) {
    return std::unexpected(configuration.error());
  }
  auto machine = std::make_shared<PinMachine>(branch, net::MakeUuid(), lsn, lease, *configuration);
  auto pin = std::make_unique<Pin>(core_, machine);
  return Begin(*core_, machine, deadline).transform([&] { return std::move(pin); });
}

}  // namespace sextant::client
