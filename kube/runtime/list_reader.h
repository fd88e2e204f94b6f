#pragma once

#include "sextant/kube/runtime/packed_object.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sextant::kube::runtime {

// Reads a list as it comes, in pieces of any size, and hands on each item when it is whole, so that
// a list of any length takes the memory of one item. Not safe for concurrent use.
class ListReader {
 public:
  explicit ListReader(std::function<void(PackedObject)> on_item);
  ~ListReader();
  ListReader(const ListReader&) = delete;
  ListReader& operator=(const ListReader&) = delete;

  // False when it is no JSON, and nothing more of it is wanted.
  [[nodiscard]] bool Read(std::string_view piece);

  // Whether what was read is a list, from its beginning to its end.
  [[nodiscard]] bool IsWhole() const;

  // Of a list that is whole.
  [[nodiscard]] const std::string& ResourceVersion() const;
  [[nodiscard]] const std::string& ContinueToken() const;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace sextant::kube::runtime
