#include "kube/client/cpprest_body.h"

#include <cpprest/astreambuf.h>
#include <cpprest/producerconsumerstream.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sextant::kube {
namespace {

// cpprestsdk takes a chunk's length from the wire without a check; a negative one comes out as
// this.
constexpr std::size_t kMaxChunkBytes = std::size_t{1} << 30;

using ByteBuffer = concurrency::streams::details::streambuf_state_manager<std::uint8_t>;

// The response body's destination: hands every byte to the exchange, and answers with a task that
// is done when the exchange can take more. An exception thrown here would end the process; a failed
// task ends the request.
class ExchangeBuffer final : public ByteBuffer {
 public:
  explicit ExchangeBuffer(std::shared_ptr<Exchange> exchange)
      : ByteBuffer(std::ios_base::out), exchange_(std::move(exchange)) {}

  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode /*mode*/) const override { return 0; }
  void set_buffer_size(std::size_t /*size*/, std::ios_base::openmode /*mode*/) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode /*mode*/) const override { return Nowhere(); }
  pos_type seekpos(pos_type /*position*/, std::ios_base::openmode /*mode*/) override {
    return Nowhere();
  }
  pos_type seekoff(off_type /*offset*/, std::ios_base::seekdir /*way*/,
                   std::ios_base::openmode /*mode*/) override {
    return Nowhere();
  }
  bool acquire(std::uint8_t*& /*data*/, std::size_t& /*count*/) override { return false; }
  void release(std::uint8_t* /*data*/, std::size_t /*count*/) override {}

 protected:
  pplx::task<std::size_t> _putn(const std::uint8_t* data, std::size_t count) override {
    if (count > kMaxChunkBytes) return Refuse<std::size_t>("a chunk of impossible length");
    const pplx::task_completion_event<std::size_t> resumed;
    const std::string_view bytes(reinterpret_cast<const char*>(data), count);
    switch (exchange_->PutBytes(bytes, [resumed, count] { resumed.set(count); })) {
      case Exchange::Put::kTaken:
        return pplx::task_from_result(count);
      case Exchange::Put::kFull:
        return pplx::create_task(resumed);
      case Exchange::Put::kRefused:
        break;
    }
    return Refuse<std::size_t>("nobody takes the answer");
  }
  pplx::task<int_type> _putc(std::uint8_t byte) override {
    return _putn(&byte, 1).then([byte](std::size_t) { return static_cast<int_type>(byte); });
  }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }

  std::uint8_t* _alloc(std::size_t /*count*/) override { return nullptr; }
  void _commit(std::size_t /*count*/) override {}
  pplx::task<int_type> _bumpc() override { return pplx::task_from_result(traits::eof()); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return pplx::task_from_result(traits::eof()); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return pplx::task_from_result(traits::eof()); }
  pplx::task<int_type> _ungetc() override { return pplx::task_from_result(traits::eof()); }
  pplx::task<std::size_t> _getn(std::uint8_t* /*data*/, std::size_t /*count*/) override {
    return pplx::task_from_result<std::size_t>(0);
  }
  std::size_t _scopy(std::uint8_t* /*data*/, std::size_t /*count*/) override { return 0; }

 private:
  static pos_type Nowhere() { return static_cast<pos_type>(traits::eof()); }

  template <typename T>
  static pplx::task<T> Refuse(const char* why) {
    return pplx::task_from_exception<T>(web::http::http_exception(why));
  }

  const std::shared_ptr<Exchange> exchange_;
};

// The body of a request that must not be sent twice. cpprestsdk sends a request again when a reused
// connection turns out to be closed, even a POST that the server has executed; what stops it is a
// body that cannot be rewound.
concurrency::streams::istream OneTimeBody(const std::string& body) {
  concurrency::streams::producer_consumer_buffer<std::uint8_t> buffer;
  buffer.putn_nocopy(reinterpret_cast<const std::uint8_t*>(body.data()), body.size()).get();
  buffer.close(std::ios_base::out).get();
  return buffer.create_istream();
}

}  // namespace

void SetBody(web::http::http_request& message, const Request& request) {
  if (!request.idempotent) {
    message.set_body(OneTimeBody(request.body), request.body.size(), request.content_type);
  } else if (!request.body.empty()) {
    message.set_body(request.body, request.content_type);
  }
}

concurrency::streams::ostream AnswerTo(std::shared_ptr<Exchange> exchange) {
  const concurrency::streams::streambuf<std::uint8_t> buffer(
      std::make_shared<ExchangeBuffer>(std::move(exchange)));
  return buffer.create_ostream();
}

}  // namespace sextant::kube
