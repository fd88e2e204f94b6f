// Cuts a stream of bytes into lines, however they arrive, in bounded memory.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace sextant::kube {

// Not safe for concurrent use.
class LineSplitter {
 public:
  // Takes a line without its newline, valid during the call; false: no more.
  using OnLine = std::function<bool(std::string_view)>;

  enum class Outcome { kContinue, kStopped, kTooLong };

  LineSplitter(std::size_t max_line_bytes, OnLine on_line)
      : max_(max_line_bytes), on_line_(std::move(on_line)) {}

  [[nodiscard]] Outcome Feed(std::string_view bytes);

  // The end: what is left is a line, if it is anything.
  [[nodiscard]] Outcome Finish();

 private:
  const std::size_t max_;
  const OnLine on_line_;
  std::string tail_;  // the beginning of a line whose end has not come
};

}  // namespace sextant::kube
