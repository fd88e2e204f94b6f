// JSON from outside, read in one pass without a tree, by Boost.JSON's parser: it checks UTF-8,
// bounds the depth, and takes a third of the time that nlohmann's takes.
#pragma once

#include <boost/json/basic_parser_impl.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace sextant::kube {

// What is deeper is no object of Kubernetes but an attack on whoever walks through it recursively.
inline constexpr std::size_t kMaxJsonDepth = 500;

// Tells a sink whole strings, where Boost.JSON may give them in parts. A sink has the functions of
// MessagePackWriter.
template <typename Sink>
class JsonHandler {
 public:
  // NOLINTBEGIN(readability-identifier-naming): Boost.JSON's names
  static constexpr std::size_t max_object_size = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::uint32_t>::max();
  // NOLINTEND(readability-identifier-naming)

  explicit JsonHandler(Sink& sink) : sink_(sink) {}

  // NOLINTBEGIN(readability-identifier-naming): Boost.JSON's names
  using Code = boost::json::error_code;
  using Text = boost::json::string_view;
  bool on_document_begin(Code& /*error*/) { return true; }
  bool on_document_end(Code& /*error*/) { return true; }
  bool on_object_begin(Code& /*error*/) {
    sink_.BeginMap();
    return true;
  }
  bool on_object_end(std::size_t members, Code& /*error*/) {
    sink_.EndMap(members);
    return true;
  }
  bool on_array_begin(Code& /*error*/) {
    sink_.BeginArray();
    return true;
  }
  bool on_array_end(std::size_t elements, Code& /*error*/) {
    sink_.EndArray(elements);
    return true;
  }
  bool on_key_part(Text part, std::size_t /*size*/, Code& /*error*/) { return Keep(part); }
  bool on_key(Text last, std::size_t /*size*/, Code& /*error*/) {
    sink_.Key(Whole(last));
    parts_.clear();
    return true;
  }
  bool on_string_part(Text part, std::size_t /*size*/, Code& /*error*/) { return Keep(part); }
  bool on_string(Text last, std::size_t /*size*/, Code& /*error*/) {
    sink_.String(Whole(last));
    parts_.clear();
    return true;
  }
  bool on_number_part(Text /*part*/, Code& /*error*/) { return true; }
  bool on_int64(std::int64_t value, Text /*text*/, Code& /*error*/) {
    sink_.Integer(value);
    return true;
  }
  bool on_uint64(std::uint64_t value, Text /*text*/, Code& /*error*/) {
    sink_.Unsigned(value);
    return true;
  }
  bool on_double(double value, Text /*text*/, Code& /*error*/) {
    sink_.Double(value);
    return true;
  }
  bool on_bool(bool value, Code& /*error*/) {
    sink_.Bool(value);
    return true;
  }
  bool on_null(Code& /*error*/) {
    sink_.Null();
    return true;
  }
  bool on_comment_part(Text /*part*/, Code& /*error*/) { return true; }
  bool on_comment(Text /*last*/, Code& /*error*/) { return true; }
  // NOLINTEND(readability-identifier-naming)

 private:
  bool Keep(Text part) {
    parts_.append(part.data(), part.size());
    return true;
  }
  std::string_view Whole(Text last) {
    if (parts_.empty()) return {last.data(), last.size()};
    parts_.append(last.data(), last.size());
    return parts_;
  }

  Sink& sink_;
  std::string parts_;  // of the string that is being read
};

// A text that comes in pieces of any size. What the sink has been told of one that is no JSON, or
// too deep, is of no use. Not safe for concurrent use.
template <typename Sink>
class JsonReader {
 public:
  // The sink must outlive it.
  explicit JsonReader(Sink& sink) : parser_(Options(), sink) {}

  // False when the text is no JSON.
  [[nodiscard]] bool Read(std::string_view piece, bool is_last = false) {
    boost::json::error_code error;
    const std::size_t read = parser_.write_some(!is_last, piece.data(), piece.size(), error);
    return read == piece.size() && !error;
  }

  [[nodiscard]] bool IsWhole() const { return parser_.done(); }

 private:
  static boost::json::parse_options Options() {
    boost::json::parse_options options;
    options.max_depth = kMaxJsonDepth;
    options.numbers = boost::json::number_precision::precise;
    return options;
  }

  boost::json::basic_parser<JsonHandler<Sink>> parser_;
};

// A text that is there. False when it is no JSON, or too deep.
template <typename Sink>
[[nodiscard]] bool ReadJson(std::string_view text, Sink& sink) {
  JsonReader<Sink> reader(sink);
  return reader.Read(text, /*is_last=*/true) && reader.IsWhole();
}

}  // namespace sextant::kube
