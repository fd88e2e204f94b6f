#include "net/frame_size.h"

#include "sextant/protocol/codec.h"

namespace sextant::net {
namespace {

// An archive beside protocol::Encoder that counts what that one would write.
class SizeCounter {
 public:
  template <class... Fields>
  void operator()(const Fields&... fields) {
    (Put(fields), ...);
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kCount = 4;  // of a list's or a string's elements

  template <class T>
    requires(std::integral<T> || std::is_enum_v<T>)
  void Put(T /*value*/) {
    size_ += sizeof(T);
  }
  void Put(protocol::Time value) { Put(value.count()); }
  void Put(const std::string& value) { size_ += kCount + value.size(); }
  void Put(const protocol::Bytes& value) { size_ += kCount + value.size(); }
  void Put(const protocol::Group& value) { size_ += kCount + value.bytes().size(); }
  template <class A, class B>
  void Put(const std::pair<A, B>& value) {
    (*this)(value.first, value.second);
  }
  template <class T>
  void Put(const std::optional<T>& value) {
    size_ += 1;
    if (value) {
      Put(*value);
    }
  }
  template <class... Ts>
  void Put(const std::variant<Ts...>& value) {
    size_ += 1;
    std::visit([this](const auto& alternative) { Put(alternative); }, value);
  }
  template <std::ranges::sized_range Range>
    requires(!protocol::Described<const Range, SizeCounter>)
  void Put(const Range& range) {
    size_ += kCount;
    for (const auto& element : range) {
      Put(element);
    }
  }
  template <protocol::Described<SizeCounter> T>
  void Put(const T& value) {
    value.Describe(*this);
  }

  std::size_t size_ = 0;
};

}  // namespace

std::size_t EncodedFrameSize(const protocol::Message& message) {
  SizeCounter counter;
  std::visit([&](const auto& alternative) { counter(alternative); }, message);
  return protocol::kFrameHeaderSize + counter.size();
}

}  // namespace sextant::net
