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

// A callback that takes what a read of this kind gives.
template <class T>
Callback<protocol::ReadValue> Narrow(Callback<T> done) {
  return [done = std::move(done)](Result<protocol::ReadValue> value) mutable {
    done(std::move(value).transform(
        [](protocol::ReadValue&& any) { return std::get<T>(std::move(any)); }));
  };
}

}  // namespace

Result<std::unique_ptr<Client>> Client::Open(const ClientOptions& options) {
  return Core::Start(options).transform(
      [](std::shared_ptr<Core>&& core) { return std::unique_ptr<Client>(new Client(core)); });
}

Client::Client(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Client::~Client() { core_->Stop(); }

const protocol::ClientId& Client::id() const { return core_->id(); }

// --- The members. ---

Result<std::vector<NodeInfo>> Client::Nodes(std::size_t count, Deadline deadline) {
  const auto told = Await<void>([&](Callback<> done) {
    core_->With([&](Time now, Effects& out) {
      core_->membership().Refresh(now, out);
      core_->membership().WhenTold(count, Core::ToTime(deadline), std::move(done));
    });
  });
  if (!told) {
    return std::unexpected(
        Error{told.error().code, std::format("fewer than {} storage nodes answered", count)});
  }
  return core_->With([&](Time, Effects&) {
    std::vector<NodeInfo> nodes;
    for (const auto& [member, status] : core_->membership().statuses()) {
      nodes.push_back(core_->Describe(member, status));
    }
    return nodes;
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
  const auto opened = Await<void>([&](Callback<> done) {
    core_->With([&](Time now, Effects& out) {
      core_->Add(machine, now, out);
      machine->Start(now, out, Core::ToTime(deadline), std::move(done));
    });
  });
  if (!opened) {
    return std::unexpected(opened.error());
  }
  return writer;
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
  core_->With([&](Time now, Effects& out) {
    core_->reads(from, now, out)
        .Start(protocol::ReadPage{.request = 0, .branch = branch, .page = page, .at = at}, now, out,
               Core::ToTime(deadline), Narrow(std::move(done)));
  });
}

void Client::ReadMetadata(protocol::BranchId branch, protocol::MetadataQuery query,
                          const protocol::Position& at, Deadline deadline,
                          Callback<protocol::MetadataAnswer> done, const Member& from) {
  core_->With([&](Time now, Effects& out) {
    core_->reads(from, now, out)
        .Start(
            protocol::ReadMetadata{
                .request = 0, .branch = branch, .at = at, .query = std::move(query)},
            now, out, Core::ToTime(deadline), Narrow(std::move(done)));
  });
}

void Client::FindLsn(protocol::BranchId branch, std::uint64_t time, const protocol::Position& at,
                     Deadline deadline, Callback<protocol::Position> done) {
  core_->With([&](Time now, Effects& out) {
    core_->reads({}, now, out)
        .Start(protocol::FindLsn{.request = 0, .branch = branch, .at = at, .time = time}, now, out,
               Core::ToTime(deadline), Narrow(std::move(done)));
  });
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
  const auto held = Await<void>([&](Callback<> done) {
    core_->With([&](Time now, Effects& out) {
      core_->Add(machine, now, out);
      machine->Start(now, out, Core::ToTime(deadline), std::move(done));
    });
  });
  if (!held) {
    return std::unexpected(held.error());
  }
  return pin;
}

}  // namespace sextant::client
