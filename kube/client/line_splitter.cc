#include "kube/client/line_splitter.h"

namespace sextant::kube {

LineSplitter::Outcome LineSplitter::Feed(std::string_view bytes) {
  while (true) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (part.size() > max_ - tail_.size()) return Outcome::kTooLong;
    if (end == std::string_view::npos) {
      tail_ += part;
      return Outcome::kContinue;
    }
    bool more = false;
    if (tail_.empty()) {
      more = on_line_(part);  // the usual case copies nothing
    } else {
      tail_ += part;
      more = on_line_(tail_);
      tail_.clear();
    }
    if (!more) return Outcome::kStopped;
    bytes.remove_prefix(end + 1);
  }
}

LineSplitter::Outcome LineSplitter::Finish() {
  if (tail_.empty()) return Outcome::kContinue;
  const bool more = on_line_(tail_);
  tail_.clear();
  return more ? Outcome::kContinue : Outcome::kStopped;
}

}  // namespace sextant::kube
