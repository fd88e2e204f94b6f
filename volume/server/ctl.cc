#include "volume/server/ctl.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include <charconv>

namespace sextant::volume::server {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kLongestLine = 64U << 10;

nlohmann::json ValueOf(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) {
    return number;
  }
  if (text == "true" || text == "false") {
    return text == "true";
  }
  return text == "null" ? nlohmann::json(nullptr) : nlohmann::json(text);
}

}  // namespace

std::expected<std::string, std::string> MakeCommandLine(const std::vector<std::string>& words) {
  if (words.size() == 1 && words.front().starts_with('{')) {
    return words.front();
  }
  if (words.empty()) {
    return std::unexpected("which command?");
  }
  nlohmann::json command = {{"command", words.front()}};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto equals = words[i].find('=');
    if (equals == std::string::npos) {
      return std::unexpected(words[i] + ": KEY=VALUE is wanted");
    }
    command[words[i].substr(0, equals)] = ValueOf(words[i].substr(equals + 1));
  }
  return command.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::expected<std::string, std::string> Ask(const std::filesystem::path& control,
                                            const std::string& line) {
  asio::io_context io;
  asio::local::stream_protocol::socket socket(io);
  boost::system::error_code error;
  socket.connect(asio::local::stream_protocol::endpoint(control.string()), error);
  if (!error) {
    asio::write(socket, asio::buffer(line + "\n"), error);
  }
  std::string answer;
  if (!error) {
    asio::read_until(socket, asio::dynamic_buffer(answer, kLongestLine), '\n', error);
  }
  if (error) {
    return std::unexpected(control.string() + ": " + error.message());
  }
  answer.resize(answer.find('\n'));
  return answer;
}

}  // namespace sextant::volume::server
