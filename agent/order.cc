#include "agent/order.h"

#include "agent/files.h"

#include <nlohmann/json.hpp>

#include <format>

namespace sextant::agent {
namespace {

using Json = nlohmann::json;

std::expected<std::uint64_t, std::string> Number(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned() || found->get<std::uint64_t>() == 0) {
    return std::unexpected(std::format("{}: a number above 0 is wanted", key));
  }
  return found->get<std::uint64_t>();
}

std::expected<Role, std::string> ParseRole(const Json& object) {
  const auto found = object.find("role");
  for (const Role role : {Role::kNone, Role::kReader, Role::kWriter}) {
    if (found != object.end() && found->is_string() &&
        found->get_ref<const std::string&>() == ToString(role)) {
      return role;
    }
  }
  return std::unexpected("role: writer, reader or none is wanted");
}

}  // namespace

std::string_view ToString(Role role) {
  switch (role) {
    case Role::kReader:
      return "reader";
    case Role::kWriter:
      return "writer";
    case Role::kNone:
      break;
  }
  return "none";
}

std::expected<Order, std::string> ParseOrder(std::string_view text) {
  const Json object = Json::parse(text, nullptr, false);
  if (!object.is_object()) {
    return std::unexpected("a JSON object is wanted");
  }
  const auto role = ParseRole(object);
  if (!role) {
    return std::unexpected(role.error());
  }
  Order order{.role = *role};
  std::size_t keys = 1;
  const auto read = [&](const char* key, std::uint64_t& value) -> std::expected<void, std::string> {
    const auto number = Number(object, key);
    if (!number) {
      return std::unexpected(number.error());
    }
    value = *number;
    ++keys;
    return {};
  };
  auto good = read("id", order.id);
  if (good && order.role != Role::kNone) {
    good = read("branch", order.branch);
  }
  if (good && order.role == Role::kWriter) {
    good = read("epoch", order.epoch);
  }
  if (!good) {
    return std::unexpected(good.error());
  }
  if (object.size() != keys) {
    return std::unexpected(std::format("a {} is told by id, role{}{} alone", ToString(order.role),
                                       order.role == Role::kNone ? "" : ", branch",
                                       order.role == Role::kWriter ? ", epoch" : ""));
  }
  return order;
}

nlohmann::ordered_json ToJson(const Order& order) {
  nlohmann::ordered_json json{{"id", order.id}, {"role", ToString(order.role)}};
  if (order.role != Role::kNone) {
    json["branch"] = order.branch;
  }
  if (order.role == Role::kWriter) {
    json["epoch"] = order.epoch;
  }
  return json;
}

std::optional<Order> LoadOrder(const std::filesystem::path& path) {
  const auto text = ReadSmallFile(path);
  if (!text) {
    return std::nullopt;
  }
  const auto order = ParseOrder(*text);
  return order ? std::optional(*order) : std::nullopt;
}

std::expected<void, std::string> SaveOrder(const std::filesystem::path& path, const Order& order) {
  return ReplaceFile(path, ToJson(order).dump() + "\n", 0600);
}

}  // namespace sextant::agent
