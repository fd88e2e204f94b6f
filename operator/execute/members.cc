#include "operator/execute/members.h"

#include "sextant/client/client.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <sys/mman.h>
#include <unistd.h>

namespace sextant::op {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);

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

}  // namespace

Fleet::Done ConfigureMembers(const MembersRequest& request) {
  auto members = ParseMembers(request.members);
  auto next = ParseMembers(request.next);
  if (!members || !next) {
    return std::unexpected(!members ? members.error() : next.error());
  }
  const MemoryFile ca(request.tls.ca);
  const MemoryFile certificate(request.tls.certificate);
  const MemoryFile key(request.tls.key);
  client::ClientOptions options;
  options.tls =
      net::TlsFiles{.ca = ca.path(), .certificate = certificate.path(), .key = key.path()};
  options.threads = 1;
  for (const StorageNodeAddress& node : request.nodes) {
    options.nodes.push_back({.address = {node.host, node.port}, .zone = node.zone});
  }
  const auto client = client::Client::Open(options);
  if (!client) {
    return std::unexpected(client.error().message);
  }
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  if (request.generation == 1) {
    const auto nodes = (*client)->Nodes(request.nodes.size(), deadline);
    if (!nodes) {
      return std::unexpected(nodes.error().message);
    }
    const auto used = std::ranges::find_if(*nodes, [](const client::NodeInfo& node) {
      return node.status.configuration.generation != 0;
    });
    if (used != nodes->end()) {
      return std::unexpected(used->address + " is a member of a volume already");
    }
  }
  const protocol::Configuration configuration{
      .generation = static_cast<protocol::Generation>(request.generation),
      .kind = next->empty() ? protocol::ConfigurationKind::kStable
                            : protocol::ConfigurationKind::kJoint,
      .members = std::move(*members),
      .next = std::move(*next)};
  if (const auto done = (*client)->Configure(configuration, deadline); !done) {
    return std::unexpected(done.error().message);
  }
  return {};
}

}  // namespace sextant::op
