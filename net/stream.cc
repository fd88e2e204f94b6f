#include "net/stream.h"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

#include <format>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace sextant::net {
namespace {

std::variant<Stream::Tcp, Stream::Tls> Wrap(Stream::Tcp socket, const TlsContext& context) {
  using Either = std::variant<Stream::Tcp, Stream::Tls>;
  return context ? Either(std::in_place_type<Stream::Tls>, std::move(socket), *context)
                 : Either(std::in_place_type<Stream::Tcp>, std::move(socket));
}

}  // namespace

Stream::Stream(Tcp socket, TlsContext context)
    : context_(std::move(context)), stream_(Wrap(std::move(socket), context_)) {}

Stream::Tcp& Stream::Socket() {
  auto* tls = std::get_if<Tls>(&stream_);
  return tls != nullptr ? tls->next_layer() : std::get<Tcp>(stream_);
}

void Stream::Configure(std::chrono::milliseconds silence) {
  const auto socket = Socket().native_handle();
  const auto set = [&](int level, int option, long value) {
    const int number = static_cast<int>(value);
    setsockopt(socket, level, option, &number, sizeof number);  // without it, only less prompt
  };
  const long seconds = std::max(1L, static_cast<long>(silence.count() / 1000));
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, std::max(1L, seconds / 2));
  set(IPPROTO_TCP, TCP_KEEPINTVL, std::max(1L, seconds / 6));
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, silence.count());
}

void Stream::Close() {
  Error ignored;
  static_cast<void>(Socket().close(ignored));
}

std::optional<PeerCertificate> Stream::Certificate() {
  auto* tls = std::get_if<Tls>(&stream_);
  return tls == nullptr ? std::nullopt : std::optional(ReadPeerCertificate(tls->native_handle()));
}

std::string Stream::Explain(const Error& error) {
  if (error == boost::asio::error::eof || error == boost::asio::ssl::error::stream_truncated) {
    return "the peer closed the connection";
  }
  if (auto* tls = std::get_if<Tls>(&stream_)) {
    const long verdict = SSL_get_verify_result(tls->native_handle());
    if (verdict != X509_V_OK) {
      return std::format("{}: {}", error.message(), X509_verify_cert_error_string(verdict));
    }
  }
  return error.message();
}

}  // namespace sextant::net
