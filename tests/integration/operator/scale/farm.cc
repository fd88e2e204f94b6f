#include "tests/integration/operator/scale/farm.h"

#include "operator/api/names.h"
#include "tests/integration/operator/fake_fleet.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <format>
#include <mutex>
#include <thread>

namespace sextant::op::testing {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using kube::Json;

constexpr int kClustersInABlock = 200;

struct Place {
  int index = 0;    // of the cluster
  int process = 0;  // within it
};

// 127.BLOCK.CLUSTER.PROCESS, from 127.1.1.1 on.
Place PlaceOf(const asio::ip::address_v4& address) {
  const auto bytes = address.to_bytes();
  return {.index = (bytes[1] - 1) * kClustersInABlock + bytes[2] - 1, .process = bytes[3]};
}

std::string MemberOf(const Place& place, int process) {
  return std::format("{:016x}{:016x}", place.index + 1, process);
}

// As long as a real node's answer.
Json StorageAnswer(const Place& place, const StorageStatus& played) {
  Json members = Json::array();
  Json peers = Json::array();
  Json known = Json::array();
  Json connections = Json::array();
  for (int process = 1; process <= kStorageNodes; ++process) {
    const std::string member = MemberOf(place, process);
    members.push_back(member);
    peers.push_back({{"address", Farm::IpOf(place.index, process) + ":7400"}, {"zone", "a"}});
    connections.push_back({{"uuid", member},
                           {"kind", "node"},
                           {"name", "storage"},
                           {"address", Farm::IpOf(place.index, process) + ":7400"},
                           {"queued_bytes", 0}});
    if (process != place.process) {
      known.push_back({{"member", member}, {"scl", 4096}, {"vdl", 4096}, {"heard_ms_ago", 40}});
    }
  }
  Json branches = Json::array();
  if (played.has_branch) {
    branches.push_back(
        {{"branch", 1},
         {"parent", 0},
         {"fork", 0},
         {"epoch_promised", played.epoch_promised},
         {"history_epoch", played.epoch_promised},
         {"history", Json::array({{{"epoch", played.epoch_promised}, {"first", 0}}})},
         {"scl", 4096},
         {"vdl", 4096},
         {"end", 4096},
         {"horizon", 0},
         {"pins", Json::array()},
         {"forks", Json::array()},
         {"writer",
          {{"uuid", MemberOf(place, 99)}, {"heard_ms_ago", played.writer_heard_ms.value_or(0)}}},
         {"takes_groups", true},
         {"refuses_because", nullptr},
         {"repair", {{"missing_bytes", 0}, {"damaged_bytes", 0}, {"damaged", Json::array()}}},
         {"index",
          {{"ingested", 4096},
           {"flushed", 4096},
           {"log_bytes_in_memory", 0},
           {"pages_in_memory", 0}}},
         {"log_bytes_on_disk", 16777216},
         {"peers", known}});
  }
  return {{"version", "0.1.0"},
          {"member", MemberOf(place, place.process)},
          {"zone", "a"},
          {"state", "ready"},
          {"age_ms", 40},
          {"broken", false},
          {"configuration",
           {{"generation", 1},
            {"kind", "stable"},
            {"members", members},
            {"next", Json::array()},
            {"write_quorum", 4},
            {"takeover_quorum", 3}}},
          {"disk",
           {{"full", false},
            {"failure", ""},
            {"used_bytes", 16777216},
            {"index_bytes", 4096},
            {"free_bytes", 1000000000},
            {"capacity_bytes", 1073741824}}},
          {"branches", branches},
          {"peers", peers},
          {"connections", connections},
          {"certificate_error", ""}};
}

Json AgentAnswer(const AgentStatus& agent) {
  const bool attached = agent.volume_state == "attached";
  return {{"instance", agent.instance},
          {"version", "0.1.0"},
          {"order", agent.order.role.empty() ? Json(nullptr) : ToJson(agent.order)},
          {"engine",
           {{"type", "postgresql"},
            {"version", "17.2"},
            {"state", agent.engine_state},
            {"role", agent.engine_role},
            {"accepting", agent.accepting},
            {"connections", 3},
            {"restarts", 0},
            {"lag_bytes", agent.engine_role == "reader" ? Json(0) : Json(nullptr)},
            {"lag_ms", agent.engine_role == "reader" ? Json(0) : Json(nullptr)}}},
          {"volume",
           {{"state", agent.volume_state},
            {"mode", attached ? Json(agent.volume_mode) : Json(nullptr)},
            {"epoch", agent.volume_epoch},
            {"stalled_ms", nullptr}}},
          {"progress", {{"step", "serves"}, {"since_ms", 1000}, {"error", nullptr}}}};
}

Order ParseOrder(const Json& body) {
  return {.id = kube::FindInteger(body, {"id"}).value_or(0),
          .role = std::string(kube::FindString(body, {"role"})),
          .branch = kube::FindInteger(body, {"branch"}).value_or(1),
          .epoch = kube::FindInteger(body, {"epoch"}).value_or(0)};
}

}  // namespace

struct Farm::Impl {
  struct Cluster {
    Key key;
    std::unique_ptr<ssl::context> tls;
  };
  using Request = http::request<http::string_body>;
  using Response = http::response<http::string_body>;

  explicit Impl(std::string in) : ns(std::move(in)) {
    Listen(kAgentPort, true);
    Listen(kStorageHttpPort, false);
    thread = std::jthread([this] { io.run(); });
  }
  ~Impl() { io.stop(); }

  void Listen(std::uint16_t port, bool agents) {
    tcp::acceptor acceptor(io, tcp::endpoint(tcp::v4(), port));
    asio::co_spawn(io, Accept(std::move(acceptor), agents), asio::detached);
  }

  asio::awaitable<void> Accept(tcp::acceptor acceptor, bool agents) {
    while (true) {
      tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
      boost::system::error_code gone;
      const auto local = socket.local_endpoint(gone);
      const Place place = gone ? Place{.index = -1} : PlaceOf(local.address().to_v4());
      Cluster* const cluster = Find(place.index);
      if (cluster == nullptr) {
        continue;  // closed: nobody is there
      }
      const auto ended = [](const std::exception_ptr&) {};  // the peer left, or spoke nonsense
      if (agents) {
        asio::co_spawn(io, ServeTls(std::move(socket), *cluster, place), ended);
      } else {
        asio::co_spawn(io, Serve(std::move(socket), *cluster, place), ended);
      }
    }
  }

  Cluster* Find(int index) {
    const std::scoped_lock lock(mutex);
    const auto found = clusters.find(index);
    return found == clusters.end() ? nullptr : &found->second;
  }

  asio::awaitable<void> ServeTls(tcp::socket socket, Cluster& cluster, Place place) {
    ssl::stream<tcp::socket> stream(std::move(socket), *cluster.tls);
    co_await stream.async_handshake(ssl::stream_base::server, asio::use_awaitable);
    co_await Serve(std::move(stream), cluster, place);
  }

  template <class Stream>
  asio::awaitable<void> Serve(Stream stream, Cluster& cluster, Place place) {
    boost::beast::flat_buffer buffer;
    while (true) {
      Request request;
      co_await http::async_read(stream, buffer, request, asio::use_awaitable);
      Response response = Answer(cluster.key, place, request);
      response.keep_alive(request.keep_alive());
      response.set(http::field::content_type, "application/json");
      response.prepare_payload();
      co_await http::async_write(stream, response, asio::use_awaitable);
    }
  }

  Response Answer(const Key& key, const Place& place, const Request& request) {
    const FleetHealth health = fleet.Look(key);
    if (place.process <= kStorageNodes) {
      return Answer(StorageAnswer(place, *health.storage.begin()->second.status).dump(2));
    }
    const std::string instance = std::format("{}-{}", key.name, place.process - kStorageNodes);
    if (request.method() == http::verb::get) {
      return Answer(AgentAnswer(*health.agents.at(instance).status).dump());
    }
    const Json body = Json::parse(request.body());
    const auto done = request.target() == "/v1/order"
                          ? fleet.Send(key, instance, ParseOrder(body))
                          : fleet.Demote(key, instance, ParseOrder(body).id, {});
    return done ? Answer("{}") : Response{http::status::conflict, 11, done.error()};
  }

  static Response Answer(std::string body) {
    return Response{http::status::ok, 11, std::move(body)};
  }

  const std::string ns;
  FakeFleet fleet;
  std::mutex mutex;
  std::map<int, Cluster> clusters;  // guarded by mutex; none is ever removed
  asio::io_context io{1};
  std::jthread thread;
};

Farm::Farm(std::string ns) : impl_(std::make_unique<Impl>(std::move(ns))) {}

Farm::~Farm() = default;

std::string Farm::IpOf(int index, int process) {
  return std::format("127.{}.{}.{}", 1 + index / kClustersInABlock, 1 + index % kClustersInABlock,
                     process);
}

void Farm::Add(int index, const std::string& name, const std::string& authority,
               const KeyPair& agent) {
  auto tls = std::make_unique<ssl::context>(ssl::context::tls_server);
  tls->add_certificate_authority(asio::buffer(authority));
  tls->use_certificate_chain(asio::buffer(agent.certificate));
  tls->use_private_key(asio::buffer(agent.key), ssl::context::pem);
  tls->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  const std::scoped_lock lock(impl_->mutex);
  impl_->clusters.try_emplace(index,
                              Impl::Cluster{.key = {impl_->ns, name}, .tls = std::move(tls)});
}

}  // namespace sextant::op::testing
