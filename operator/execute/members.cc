#include "operator/execute/members.h"

#include "sextant/client/client.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

namespace sextant::op {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);
constexpr auto kHeartbeat = std::chrono::milliseconds(50);
constexpr auto kChangePatience = std::chrono::seconds(3);  // somebody writes meanwhile

// Bytes in memory under a file's name, for libraries that want files: never on a disk, and gone
// with the object.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& content)
      : descriptor_(memfd_create("sextant", MFD_CLOEXEC)) {
    std::size_t written = 0;
    while (descriptor_ >= 0 && written < content.size()) {
      const ssize_t count = write(descriptor_, content.data() + written, content.size() - written);
      if (count <= 0) {
        break;
      }
      written += static_cast<std::size_t>(count);
    }
  }
  ~MemoryFile() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] std::string path() const { return std::format("/proc/self/fd/{}", descriptor_); }

 private:
  const int descriptor_;
};

std::expected<std::vector<protocol::MemberId>, std::string> ParseMembers(
    const std::vector<std::string>& texts) {
  std::vector<protocol::MemberId> members;
  for (const std::string& text : texts) {
    protocol::MemberId member{};
    const char* begin = text.data();
    if (text.size() != 32 ||
        std::from_chars(begin, begin + 16, member.high, 16).ptr != begin + 16 ||
        std::from_chars(begin + 16, begin + 32, member.low, 16).ptr != begin + 32) {
      return std::unexpected(std::format("'{}' is no member", text));
    }
    members.push_back(member);
  }
  return members;
}

// The client reads the certificates' files when it is opened.
std::expected<std::unique_ptr<client::Client>, std::string> OpenClient(
    const std::vector<StorageNodeAddress>& nodes, const TlsMaterial& tls) {
  const MemoryFile ca(tls.ca);
  const MemoryFile certificate(tls.certificate);
  const MemoryFile key(tls.key);
  client::ClientOptions options;
  options.tls =
      net::TlsFiles{.ca = ca.path(), .certificate = certificate.path(), .key = key.path()};
  options.threads = 1;
  for (const StorageNodeAddress& node : nodes) {
    options.nodes.push_back({.address = {node.host, node.port}, .zone = node.zone});
  }
  return client::Client::Open(options).transform_error(
      [](const client::Error& error) { return error.message; });
}

// Who is a member of anything already must not be made one of a new volume.
Fleet::Done RefuseUsedNodes(client::Client& client, std::size_t count, client::Deadline deadline) {
  const auto nodes = client.Nodes(count, deadline);
  if (!nodes) {
    return std::unexpected(nodes.error().message);
  }
  const auto used = std::ranges::find_if(*nodes, [](const client::NodeInfo& node) {
    return node.status.configuration.generation != 0;
  });
  if (used != nodes->end()) {
    return std::unexpected(used->address + " is a member of a volume already");
  }
  return {};
}

// Nodes hear by the writer's heartbeats that what they have is durable.
client::Result<> LetAllKnow(client::Client& client, client::Writer& writer,
                            client::Deadline deadline) {
  const protocol::Lsn end = writer.end();
  if (auto durable = writer.WaitDurable(end, deadline); !durable) {
    return durable;
  }
  while (true) {
    const auto told = client.FindBranch(writer.branch().id, deadline);
    if (!told) {
      return std::unexpected(told.error());
    }
    if (told->vdl >= end) {
      return {};
    }
    std::this_thread::sleep_for(kHeartbeat);
  }
}

}  // namespace

Fleet::Done ConfigureMembers(const MembersRequest& request) {
  auto members = ParseMembers(request.members);
  auto next = ParseMembers(request.next);
  if (!members || !next) {
    return std::unexpected(!members ? members.error() : next.error());
  }
  const auto client = OpenClient(request.nodes, request.tls);
  if (!client) {
    return std::unexpected(client.error());
  }
  const bool first = request.generation == 1;
  const auto deadline = std::chrono::steady_clock::now() + (first ? kPatience : kChangePatience);
  if (first) {
    if (auto unused = RefuseUsedNodes(**client, request.nodes.size(), deadline); !unused) {
      return unused;
    }
  }
  const protocol::Configuration configuration{
      .generation = static_cast<protocol::Generation>(request.generation),
      .kind = next->empty() ? protocol::ConfigurationKind::kStable
                            : protocol::ConfigurationKind::kJoint,
      .members = std::move(*members),
      .next = std::move(*next)};
  return (*client)
      ->Configure(configuration, deadline)
      .transform_error([](const client::Error& error) { return error.message; });
}

Fleet::Done RenewBranch(const RenewRequest& request) {
  const auto client = OpenClient(request.nodes, request.tls);
  if (!client) {
    return std::unexpected(client.error());
  }
  const auto deadline = std::chrono::steady_clock::now() + kChangePatience;
  const protocol::Branch branch{.id = static_cast<protocol::BranchId>(request.branch),
                                .parent = static_cast<protocol::BranchId>(request.parent),
                                .fork = static_cast<protocol::Lsn>(request.fork)};
  return (*client)
      ->Attach(branch, static_cast<protocol::Epoch>(request.epoch), deadline)
      .and_then([&](const std::unique_ptr<client::Writer>& writer) {
        return LetAllKnow(**client, *writer, deadline);
      })
      .transform_error([](const client::Error& error) { return error.message; });
}

}  // namespace sextant::op
