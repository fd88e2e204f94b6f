#include "client/core.h"

#include "client/log_reads.h"
#include "client/membership.h"
#include "client/reads.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

namespace sextant::client {

namespace asio = boost::asio;

Result<std::shared_ptr<Core>> Core::Start(const ClientOptions& options) {
  std::shared_ptr<net::Credentials> credentials;
  if (options.tls) {
    auto loaded = net::Credentials::Load(*options.tls);
    if (!loaded) {
      return std::unexpected(Error{ErrorCode::kInvalid, loaded.error()});
    }
    credentials = std::move(*loaded);
  }
  if (options.nodes.empty()) {
    return std::unexpected(Error{ErrorCode::kInvalid, "no storage node is named"});
  }
  std::shared_ptr<Core> core(new Core(options, credentials));
  core->With([&](Time now, Effects& out) {
    core->Add(core->membership_, now, out);
    core->Add(core->log_reads_, now, out);
    core->Add(core->reads_, now, out);
  });
  core->Dial();
  return core;
}

Core::Core(const ClientOptions& options, std::shared_ptr<net::Credentials> credentials)
    : options_(options),
      self_{net::PartyKind::kClient, net::MakeUuid()},
      threads_(std::max<std::size_t>(1, options.threads)),
      membership_(std::make_shared<Membership>()),
      log_reads_(std::make_shared<LogReads>()),
      reads_(std::make_shared<Reads>(options.reader, std::nullopt)),
      owner_(asio::make_strand(threads_.get_executor())),
      timer_(owner_) {
  const net::Context context{.io = threads_.get_executor(),
                             .owner = owner_,
                             .self = self_,
                             .credentials = std::move(credentials),
                             .limits = options.limits};
  const net::ConnectionEvents events{
      .opened = [this](const net::ConnectionPtr& connection) { OnOpened(connection); },
      .received = [this](const net::ConnectionPtr&,
                         const protocol::Frame& frame) { OnReceived(frame.from, frame.message); },
      .closed = [this](const net::ConnectionPtr& connection,
                       const std::string&) { OnClosed(connection); },
      .failed = [](const std::string&, const std::string&) {}};
  dialer_ = std::make_unique<net::Dialer>(context, net::DialerOptions{}, events);
}

Core::~Core() { Stop(); }

void Core::Dial() {
  std::vector<net::Address> addresses;
  for (const NodeAddress& node : options_.nodes) {
    addresses.push_back(node.address);
    zones_[net::ToString(node.address)] = node.zone;
  }
  asio::dispatch(owner_, [this, addresses] { dialer_->SetAddresses(addresses); });
}

void Core::Stop() {
  Completions done;
  {
    const std::scoped_lock lock(mutex_);
    if (stopped_) {
      return;
    }
    stopped_ = true;
    for (const auto& machine : machines_) {
      machine->Close(done);
    }
  }
  Call(done);
  asio::post(owner_, [this] {
    dialer_->Stop();
    timer_.cancel();
  });
  threads_.join();
}

Time Core::Now() {
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

Time Core::ToTime(Deadline deadline) {
  return deadline == kNoDeadline ? Time::max()
                                 : std::chrono::duration_cast<Time>(deadline.time_since_epoch());
}

void Core::Add(const std::shared_ptr<Machine>& machine, Time now, Effects& out) {
  machines_.push_back(machine);
  machine->SetMembers(Places(), now, out);
}

void Core::Remove(const std::shared_ptr<Machine>& machine) {
  Completions done;
  {
    const std::scoped_lock lock(mutex_);
    if (std::erase(machines_, machine) > 0) {
      machine->Close(done);
    }
  }
  Call(done);
}

Reads& Core::reads(const std::optional<MemberId>& from, Time now, Effects& out) {
  if (!from) {
    return *reads_;
  }
  auto& one = reads_of_one_[*from];
  if (!one) {
    one = std::make_shared<Reads>(options_.reader, from);
    Add(one, now, out);
  }
  return *one;
}

void Core::OnOpened(const net::ConnectionPtr& connection) {
  if (connection->peer().hello.kind != net::PartyKind::kNode) {
    return;
  }
  With([&](Time now, Effects& out) {
    routes_.Add(connection);
    TellMembers(now, out);
  });
}

void Core::OnClosed(const net::ConnectionPtr& connection) {
  With([&](Time now, Effects& out) {
    routes_.Remove(connection);
    TellMembers(now, out);
  });
}

void Core::OnReceived(const MemberId& from, const protocol::Message& message) {
  With([&](Time now, Effects& out) {
    for (const auto& machine : machines_) {
      machine->Receive(from, message, now, out);
    }
  });
}

void Core::OnTimer() {
  With([&](Time now, Effects& out) {
    armed_ = Time::max();
    for (const auto& machine : machines_) {
      if (machine->next_timer() <= now) {
        machine->OnTimer(now, out);
      }
    }
  });
}

std::vector<protocol::MemberPlace> Core::Places() const {
  std::vector<protocol::MemberPlace> places;
  for (const auto& [uuid, connections] : routes_.all()) {
    const auto zone = zones_.find(connections.back()->address());
    const bool near = zone != zones_.end() && zone->second == options_.zone;
    places.push_back({uuid, near ? 0U : 1U});
  }
  return places;
}

NodeInfo Core::Describe(const MemberId& member, const protocol::NodeStatus& status) const {
  const net::ConnectionPtr connection = routes_.Find(member);
  const std::string address = connection ? connection->address() : "";
  const auto zone = zones_.find(address);
  return {member, address, zone == zones_.end() ? "" : zone->second, status};
}

void Core::TellMembers(Time now, Effects& out) {
  const auto places = Places();
  for (const auto& machine : machines_) {
    machine->SetMembers(places, now, out);
  }
}

void Core::Settle(Time now, Effects out, Completions& done) {
  if (stopped_) {
    for (const auto& machine : machines_) {
      machine->Close(done);
    }
    return;
  }
  if (const auto configuration = membership_->TakeConfiguration()) {
    for (const auto& machine : machines_) {
      machine->Configure(*configuration, out);
    }
  }
  for (protocol::Outgoing& outgoing : out.messages) {
    routes_.Send(std::move(outgoing));  // what goes nowhere is sent again by the protocol
  }
  for (const auto& machine : machines_) {
    machine->TakeCompletions(now, done);
  }
  Arm();
}

void Core::Arm() {
  Time next = Time::max();
  for (const auto& machine : machines_) {
    next = std::min(next, machine->next_timer());
  }
  if (next >= armed_) {
    return;
  }
  armed_ = next;
  asio::dispatch(owner_, [this, next] {
    timer_.expires_at(std::chrono::steady_clock::time_point(next));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) {
        OnTimer();
      }
    });
  });
}

void Core::Call(Completions& done) {
  for (auto& call : done) {
    call();
  }
}

}  // namespace sextant::client
