// sextant-probe: what end-to-end tests run in pods to see that names, networks and volumes work. It
// serves the files of a directory over HTTP (GET reads one, PUT replaces one durably), and asks
// another probe for one.
#include <CLI/CLI.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <print>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

constexpr auto kTimeout = std::chrono::seconds(10);
constexpr std::uint64_t kBodyLimit = 1 << 20;

void WriteDurably(const std::filesystem::path& path, std::string_view content) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) throw std::system_error(errno, std::generic_category(), "open " + path.string());
  const ssize_t written = write(file, content.data(), content.size());
  const bool complete = written == static_cast<ssize_t>(content.size()) && fsync(file) == 0;
  close(file);
  if (!complete) throw std::runtime_error("cannot write " + path.string());
}

Response Answer(const std::filesystem::path& directory, const Request& request) {
  Response response(http::status::ok, request.version());
  const std::filesystem::path name = std::string(request.target().substr(1));
  if (name.empty() || name.has_parent_path() || name == "..") {
    response.result(http::status::bad_request);
  } else if (request.method() == http::verb::put) {
    WriteDurably(directory / name, request.body());
  } else if (std::ifstream file(directory / name, std::ios::binary); file) {
    response.body().assign(std::istreambuf_iterator<char>(file), {});
  } else {
    response.result(http::status::not_found);
  }
  response.prepare_payload();
  return response;
}

void ServeConnection(const std::filesystem::path& directory, tcp::socket socket) {
  try {
    beast::flat_buffer buffer;
    http::request_parser<http::string_body> parser;
    parser.body_limit(kBodyLimit);
    http::read(socket, buffer, parser);
    http::write(socket, Answer(directory, parser.get()));
  } catch (const std::exception& error) {
    std::println(stderr, "{}", error.what());
  }
}

// Runs until the process is ended.
void Serve(const std::filesystem::path& directory, std::uint16_t port) {
  std::signal(SIGTERM, [](int) { _exit(0); });  // process 1 of a container has no default for it
  asio::io_context context;
  tcp::acceptor acceptor(context, {tcp::v4(), port});
  while (true) {
    std::thread(ServeConnection, directory, acceptor.accept()).detach();
  }
}

// http://HOST:PORT/NAME in its parts.
struct Target {
  std::string host;
  std::string port;
  std::string path;
};

Target ParseTarget(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  const std::size_t slash = url.find('/', kScheme.size());
  const std::size_t colon = url.find(':', kScheme.size());
  if (!url.starts_with(kScheme) || slash == url.npos || colon >= slash) {
    throw std::invalid_argument("not of the form http://HOST:PORT/NAME: " + std::string(url));
  }
  return {.host = std::string(url.substr(kScheme.size(), colon - kScheme.size())),
          .port = std::string(url.substr(colon + 1, slash - colon - 1)),
          .path = std::string(url.substr(slash))};
}

// The body of a 200; anything else throws.
std::string Ask(http::verb method, std::string_view url, std::string body) {
  const Target target = ParseTarget(url);
  asio::io_context context;
  beast::tcp_stream stream(context);
  stream.expires_after(kTimeout);
  stream.connect(tcp::resolver(context).resolve(target.host, target.port));
  Request request(method, target.path, 11);
  request.set(http::field::host, target.host);
  request.body() = std::move(body);
  request.prepare_payload();
  http::write(stream, request);
  beast::flat_buffer buffer;
  Response response;
  http::read(stream, buffer, response);
  if (response.result() != http::status::ok) {
    throw std::runtime_error(std::string(url) + ": " + std::string(response.reason()));
  }
  return response.body();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Serves and fetches files over HTTP for end-to-end tests");
  app.set_version_flag("--version", SEXTANT_VERSION);
  app.require_subcommand(1);

  std::filesystem::path directory;
  std::uint16_t port = 8080;
  CLI::App* serve = app.add_subcommand("serve", "serve the files of a directory");
  serve->add_option("--directory", directory)->required()->check(CLI::ExistingDirectory);
  serve->add_option("--port", port)->capture_default_str();

  std::string url;
  std::string body;
  CLI::App* get = app.add_subcommand("get", "print a file of another probe");
  get->add_option("url", url, "http://HOST:PORT/NAME")->required();
  CLI::App* put = app.add_subcommand("put", "replace a file of another probe");
  put->add_option("url", url, "http://HOST:PORT/NAME")->required();
  put->add_option("body", body)->required();
  CLI11_PARSE(app, argc, argv);

  try {
    if (*serve) Serve(directory, port);
    const http::verb method = *get ? http::verb::get : http::verb::put;
    std::print("{}", Ask(method, url, body));
    return 0;
  } catch (const std::exception& error) {
    std::println(stderr, "sextant-probe: {}", error.what());
    return 1;
  }
}
