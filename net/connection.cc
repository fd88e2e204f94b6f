#include "sextant/net/connection.h"

#include "net/frame_size.h"
#include "net/receive_buffer.h"
#include "net/stream.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <format>

namespace sextant::net {
namespace {

namespace asio = boost::asio;
using Error = boost::system::error_code;

// Of encoded frames handed to the socket at once.
constexpr std::size_t kGatheredBytes = 256U << 10;
constexpr std::size_t kGatheredFrames = 64;

std::string_view ToString(protocol::DecodeError error) {
  switch (error) {
    case protocol::DecodeError::kTruncated:
      return "is cut off";
    case protocol::DecodeError::kMagic:
      return "has a wrong magic number";
    case protocol::DecodeError::kVersion:
      return "is of a version or kind not known here";
    case protocol::DecodeError::kChecksum:
      return "has a wrong checksum";
    case protocol::DecodeError::kMalformed:
      return "is malformed";
    case protocol::DecodeError::kTooLarge:
      return "is too large";
  }
  return "is bad";
}

}  // namespace

ConnectionPtr Connection::Start(const Context& context, asio::ip::tcp::socket socket, Origin origin,
                                std::shared_ptr<const ConnectionEvents> events) {
  auto connection = std::make_shared<Connection>(Private(), context, std::move(socket),
                                                 std::move(origin), std::move(events));
  asio::post(connection->strand_, [connection] { connection->Begin(); });
  return connection;
}

Connection::Connection(Private, const Context& context, asio::ip::tcp::socket socket, Origin origin,
                       std::shared_ptr<const ConnectionEvents> events)
    : context_(context),
      origin_(std::move(origin)),
      strand_(socket.get_executor()),
      events_(std::move(events)),
      stream_(std::make_unique<Stream>(
          std::move(socket), context.credentials ? context.credentials->Current() : nullptr)),
      received_(std::make_unique<ReceiveBuffer>()),
      deadline_(strand_) {}

Connection::~Connection() = default;

void Connection::Close() {
  events_.reset();
  asio::post(strand_, [self = shared_from_this()] { self->End("closed"); });
}

// --- The beginning: TLS, then a Hello each way. ---

void Connection::Begin() {
  stream_->Configure(context_.limits.silence);
  deadline_.expires_after(context_.limits.handshake);
  deadline_.async_wait([self = shared_from_this()](const Error& error) {
    if (!error && !self->opened_) {
      self->End("it said no Hello in time");
    }
  });
  stream_->Handshake(origin_.dialled, [self = shared_from_this()](const Error& error) {
    if (error) {
      self->End("TLS: " + self->stream_->Explain(error));
    } else {
      self->SayHello();
      self->Read();
    }
  });
}

void Connection::SayHello() {
  writing_.push_back(EncodeHello(context_.self));
  stream_->Write(asio::buffer(writing_.front()),
                 [self = shared_from_this()](const Error& error, std::size_t) {
                   self->writing_.clear();
                   if (error) {
                     self->End(self->stream_->Explain(error));
                   } else {
                     self->Write();
                   }
                 });
}

void Connection::OnHello(const Hello& hello) {
  const auto certificate = stream_->Certificate();
  peer_ = {.hello = hello, .common_name = certificate ? certificate->common_name : ""};
  if (hello.uuid == context_.self.uuid) {
    leads_back_ = true;
    if (origin_.dialled) {
      End(std::string(kLeadsBack));
    } else {
      Read();  // the end that dialled hangs up, once it has our Hello and knows
    }
    return;
  }
  if (hello.kind == PartyKind::kNode && certificate &&
      !std::ranges::contains(certificate->uris, kStorageRole)) {
    ++context_.traffic->connections_malformed;
    End(std::format("{} speaks as a storage node and its certificate does not name the role {}",
                    peer_.common_name, kStorageRole));
    return;
  }
  opened_ = true;
  deadline_.cancel();
  asio::post(context_.owner, [self = shared_from_this()] {
    if (const auto events = self->events_) {
      events->opened(self);
    }
    asio::post(self->strand_, [self] { self->OnBytes(); });  // frames may have come with the Hello
  });
}

// --- Receiving. ---

void Connection::Read() {
  if (ended_) {
    return;
  }
  const auto space = received_->Space();
  stream_->ReadSome(asio::buffer(space.data(), space.size()),
                    [self = shared_from_this()](const Error& error, std::size_t size) {
                      if (error) {
                        self->End(self->stream_->Explain(error));
                        return;
                      }
                      self->received_->Filled(size);
                      self->context_.traffic->bytes_received += size;
                      self->OnBytes();
                    });
}

void Connection::OnBytes() {
  if (ended_) {
    return;
  }
  if (opened_) {
    Deliver(DecodeArrived());
    return;
  }
  if (leads_back_) {
    return;
  }
  const auto bytes = received_->Take(kHelloSize);
  if (!bytes) {
    Read();
    return;
  }
  if (const auto hello = DecodeHello(*bytes)) {
    OnHello(*hello);
  } else {
    ++context_.traffic->connections_malformed;
    End(std::format("its Hello {}", ToString(hello.error())));
  }
}

Connection::Batch Connection::DecodeArrived() {
  Batch batch;
  while (true) {
    const auto bytes = received_->TakeFrame();
    if (bytes && !*bytes) {
      return batch;
    }
    auto frame = bytes ? protocol::DecodeFrame(**bytes) : std::unexpected(bytes.error());
    if (!frame) {
      batch.error = std::format("a frame {}", ToString(frame.error()));
      return batch;
    }
    ++context_.traffic->frames_received;
    if (frame->from != peer_.hello.uuid) {
      batch.error = "a frame is from somebody else";
      return batch;
    }
    if (frame->to == context_.self.uuid) {
      batch.frames.push_back(std::move(*frame));
    } else {
      ++context_.traffic->frames_misaddressed;
    }
  }
}

// The next read begins when the owner has taken these.
void Connection::Deliver(Batch batch) {
  if (batch.frames.empty() && !batch.error) {
    Read();
    return;
  }
  asio::post(context_.owner, [self = shared_from_this(), batch = std::move(batch)]() mutable {
    for (protocol::Frame& frame : batch.frames) {
      if (const auto events = self->events_) {
        events->received(self, std::move(frame));
      }
    }
    asio::post(self->strand_, [self, error = std::move(batch.error)] {
      if (error) {
        ++self->context_.traffic->connections_malformed;
        self->End(*error);
      } else {
        self->Read();
      }
    });
  });
}

// --- Sending. ---

bool Connection::Send(protocol::Message message) {
  const std::size_t size = EncodedFrameSize(message);
  const std::size_t before = queued_bytes_.fetch_add(size);
  const bool full = before > 0 && before + size > context_.limits.send_queue_bytes;
  if (full || ended_ || size > protocol::kMaximumFrameSize) {
    queued_bytes_ -= size;
    ++context_.traffic->frames_dropped;
    return false;
  }
  asio::post(strand_,
             [self = shared_from_this(), queued = Queued{std::move(message), size}]() mutable {
               self->queue_.push_back(std::move(queued));
               self->Write();
             });
  return true;
}

// Encodes as much as goes out in one piece, and only when the piece before is gone.
void Connection::Write() {
  if (ended_ || !writing_.empty() || queue_.empty()) {
    return;
  }
  std::size_t size = 0;
  while (!queue_.empty() && size < kGatheredBytes && writing_.size() < kGatheredFrames) {
    writing_.push_back(protocol::EncodeFrame({.from = context_.self.uuid,
                                              .to = peer_.hello.uuid,
                                              .message = std::move(queue_.front().message)}));
    size += queue_.front().size;
    queue_.pop_front();
  }
  std::vector<asio::const_buffer> buffers;
  for (const protocol::Bytes& bytes : writing_) {
    buffers.push_back(asio::buffer(bytes));
  }
  stream_->Write(buffers,
                 [self = shared_from_this(), size](const Error& error, std::size_t written) {
                   self->context_.traffic->frames_sent += self->writing_.size();
                   self->context_.traffic->bytes_sent += written;
                   self->queued_bytes_ -= size;
                   self->writing_.clear();
                   if (error) {
                     self->End(self->stream_->Explain(error));
                   } else {
                     self->Write();
                   }
                 });
}

// --- The end. ---

void Connection::End(const std::string& why) {
  if (ended_.exchange(true)) {
    return;
  }
  deadline_.cancel();
  stream_->Close();
  queue_.clear();
  origin_.slot.reset();
  asio::post(context_.owner,
             [self = shared_from_this(), why = leads_back_ ? std::string(kLeadsBack) : why] {
               const auto events = std::exchange(self->events_, nullptr);
               if (events && self->opened_) {
                 events->closed(self, why);
               } else if (events) {
                 events->failed(self->address(), why);
               }
             });
}

}  // namespace sextant::net
