// A TCP socket with or without TLS on it. Used on its socket's strand.
#pragma once

#include "net/openssl.h"
#include "sextant/net/connection.h"

#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <variant>

namespace sextant::net {

class Stream {
 public:
  using Tcp = boost::asio::ip::tcp::socket;
  using Tls = boost::asio::ssl::stream<Tcp>;
  using Error = boost::system::error_code;

  // Without a TLS context, plain.
  Stream(Tcp socket, TlsContext context);

  // Small writes at once, and an end for peers that are silent for `silence`.
  void Configure(std::chrono::milliseconds silence);

  // `dialled` makes this the client's side.
  template <class Handler>  // void(Error)
  void Handshake(const std::optional<std::string>& dialled, Handler handler) {
    auto* tls = std::get_if<Tls>(&stream_);
    if (tls == nullptr) {
      handler(Error());
      return;
    }
    if (dialled) {
      ExpectServer(tls->native_handle(), *dialled);
    }
    tls->async_handshake(dialled ? Tls::client : Tls::server, std::move(handler));
  }
  template <class Buffer, class Handler>  // void(Error, std::size_t)
  void ReadSome(Buffer buffer, Handler handler) {
    std::visit([&](auto& stream) { stream.async_read_some(buffer, std::move(handler)); }, stream_);
  }
  template <class Buffers, class Handler>  // void(Error, std::size_t)
  void Write(const Buffers& buffers, Handler handler) {
    std::visit([&](auto& stream) { boost::asio::async_write(stream, buffers, std::move(handler)); },
               stream_);
  }
  void Close();

  // None on plain TCP.
  [[nodiscard]] std::optional<PeerCertificate> Certificate();
  // The error in words, with what was wrong with the certificate if that was it.
  [[nodiscard]] std::string Explain(const Error& error);

 private:
  [[nodiscard]] Tcp& Socket();

  TlsContext context_;
  std::variant<Tcp, Tls> stream_;
};

}  // namespace sextant::net
