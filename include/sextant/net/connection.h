// Frames of the storage protocol over TCP, with TLS or, if explicitly chosen, without.
//
// After the handshake both sides send a Hello, then frames. A connection keeps no promise beyond
// TCP's: a frame is dropped when the queue of what is to be sent is full, and all that is queued is
// lost when the connection ends. The protocol is made for that.
//
// Threads: a connection works on a strand of its own (ciphers, encoding, checksums); its events are
// called on the owner's executor, one at a time and in order. Frames are not read faster than the
// owner takes them. Send may be called from any thread, all else on the owner's executor.
#pragma once

#include "sextant/net/address.h"
#include "sextant/net/hello.h"
#include "sextant/net/tls.h"
#include "sextant/protocol/frame.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sextant::net {

struct ConnectionLimits {
  // Of frames not written yet; a frame that finds it full is dropped. One frame always has room.
  std::size_t send_queue_bytes = 64U << 20;
  // TLS and the Hello together.
  std::chrono::milliseconds handshake{5000};
  // A peer that acknowledges nothing for so long is gone: TCP_USER_TIMEOUT, and keep-alives when
  // there is nothing to acknowledge.
  std::chrono::milliseconds silence{10000};
};

// Sums over all connections of one process since it began. Any thread.
struct Traffic {
  std::atomic<std::uint64_t> frames_sent = 0;
  std::atomic<std::uint64_t> bytes_sent = 0;  // of frames
  std::atomic<std::uint64_t> frames_received = 0;
  std::atomic<std::uint64_t> bytes_received = 0;
  std::atomic<std::uint64_t> frames_dropped = 0;         // the send queue was full
  std::atomic<std::uint64_t> frames_misaddressed = 0;    // meant for another uuid: dropped
  std::atomic<std::uint64_t> connections_refused = 0;    // above the acceptor's bound
  std::atomic<std::uint64_t> connections_malformed = 0;  // closed for what they sent
};

// What all connections of a process have in common.
struct Context {
  boost::asio::any_io_executor io;     // each connection makes a strand on it
  boost::asio::any_io_executor owner;  // a strand, or an io_context that one thread runs
  Hello self;
  std::shared_ptr<Credentials> credentials;  // none: plain TCP. Used on the owner's executor
  ConnectionLimits limits = {};
  std::shared_ptr<Traffic> traffic = std::make_shared<Traffic>();
};

// Who is at the other end.
struct Peer {
  Hello hello;
  std::string common_name;  // of its certificate; empty on plain TCP
};

class Connection;
using ConnectionPtr = std::shared_ptr<Connection>;

// Why a connection failed whose two ends are this process: in a list of all nodes that a node
// dials, its own address is one.
inline constexpr std::string_view kLeadsBack = "it leads back to this process";

struct ConnectionEvents {
  // The Hello has arrived and is in order. A node showed a certificate with kStorageRole.
  std::function<void(const ConnectionPtr&)> opened;
  // `frame.from` is the peer's uuid and `frame.to` our own.
  std::function<void(const ConnectionPtr&, protocol::Frame)> received;
  // An opened connection ended. Told once, and not after Close.
  std::function<void(const ConnectionPtr&, const std::string& why)> closed;
  // A connection ended before it was opened, or could not be made.
  std::function<void(const std::string& address, const std::string& why)> failed;
};

class Stream;
class ReceiveBuffer;

class Connection : public std::enable_shared_from_this<Connection> {
  struct Private {};

 public:
  struct Origin {
    std::string address;                 // for people
    std::optional<std::string> dialled;  // the host that the server's certificate must be for
    std::shared_ptr<void> slot = {};     // released when the connection has ended
  };

  // `socket` is connected and its executor is a strand. For Dialer and Acceptor.
  static ConnectionPtr Start(const Context& context, boost::asio::ip::tcp::socket socket,
                             Origin origin, std::shared_ptr<const ConnectionEvents> events);
  Connection(Private, const Context& context, boost::asio::ip::tcp::socket socket, Origin origin,
             std::shared_ptr<const ConnectionEvents> events);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Once opened. False when the queue was full and the message was dropped.
  bool Send(protocol::Message message);
  // No event is called after it.
  void Close();

  // Once opened.
  [[nodiscard]] const Peer& peer() const { return peer_; }
  [[nodiscard]] const std::string& address() const { return origin_.address; }
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }

 private:
  struct Queued {
    protocol::Message message;
    std::size_t size = 0;
  };
  // What was decoded from one read, and why the connection must end after it, if it must.
  struct Batch {
    std::vector<protocol::Frame> frames;
    std::optional<std::string> error;
  };

  // All on the strand.
  void Begin();
  void SayHello();
  void Read();
  void OnBytes();
  void OnHello(const Hello& hello);
  [[nodiscard]] Batch DecodeArrived();
  void Deliver(Batch batch);
  void Write();
  void End(const std::string& why);

  const Context context_;
  Origin origin_;
  const boost::asio::any_io_executor strand_;
  std::atomic<std::size_t> queued_bytes_ = 0;
  std::atomic<bool> ended_ = false;

  std::shared_ptr<const ConnectionEvents> events_;  // the owner's; none after the last event

  // The strand's.
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<ReceiveBuffer> received_;
  boost::asio::steady_timer deadline_;
  std::deque<Queued> queue_;
  std::vector<protocol::Bytes> writing_;  // empty when nothing is being written
  Peer peer_;                             // constant once opened
  bool opened_ = false;
  bool leads_back_ = false;
};

}  // namespace sextant::net
