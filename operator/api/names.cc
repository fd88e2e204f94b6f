#include "operator/api/names.h"

#include <charconv>
#include <format>

namespace sextant::op {
namespace {

// A StatefulSet's name and a revision's hash make a label of at most 63 characters.
constexpr std::size_t kMaxSetName = 52;

// A zone's name is a label's value; ours are DNS names.
std::string DnsName(std::string_view text) {
  std::string name;
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      name += c;
    } else if (c >= 'A' && c <= 'Z') {
      name += static_cast<char>(c - 'A' + 'a');
    } else {
      name += '-';
    }
  }
  return name;
}

}  // namespace

std::string Names::Object(std::string_view suffix) const {
  return std::format("{}-{}", cluster, suffix);
}

std::string Names::Instance(int number) const { return std::format("{}-{}", cluster, number); }

std::optional<int> Names::InstanceNumber(std::string_view name) const {
  if (!name.starts_with(cluster + "-")) {
    return std::nullopt;
  }
  name.remove_prefix(cluster.size() + 1);
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 1) {
    return std::nullopt;
  }
  return number;
}

std::string Names::StorageSet(const std::vector<std::string>& zones, std::size_t zone) const {
  std::string name = std::format("{}-storage-{}", cluster, DnsName(zones.at(zone)));
  // Too long, or two zones that differ in what a DNS name cannot show.
  bool plain = name.size() <= kMaxSetName && name.back() != '-';
  for (std::size_t other = 0; other < zones.size(); ++other) {
    plain = plain && (other == zone || DnsName(zones[other]) != DnsName(zones[zone]));
  }
  return plain ? name : std::format("{}-storage-z{}", cluster, zone + 1);
}

std::string Names::StoragePod(const std::vector<std::string>& zones, std::size_t zone,
                              int ordinal) const {
  return std::format("{}-{}", StorageSet(zones, zone), ordinal);
}

std::string Names::ServiceHost(std::string_view suffix) const {
  return std::format("{}-{}.{}.svc", cluster, suffix, ns);
}

std::string Names::InstanceHost(std::string_view instance) const {
  return std::format("{}.{}-pods.{}.svc", instance, cluster, ns);
}

std::string Names::StorageHost(std::string_view pod) const {
  return std::format("{}.{}-storage.{}.svc", pod, cluster, ns);
}

std::string StorageClaim(std::string_view pod) { return std::format("data-{}", pod); }

std::vector<StorageSlot> StorageSlots(const Names& names, const std::vector<std::string>& zones,
                                      int nodes_per_zone) {
  std::vector<StorageSlot> slots;
  for (std::size_t zone = 0; zone < zones.size(); ++zone) {
    for (int ordinal = 0; ordinal < nodes_per_zone; ++ordinal) {
      slots.push_back({names.StoragePod(zones, zone, ordinal), zone, ordinal});
    }
  }
  return slots;
}

}  // namespace sextant::op
