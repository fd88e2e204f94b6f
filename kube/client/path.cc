#include "kube/client/path.h"

#include <format>

namespace sextant::kube {
namespace {

bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~").contains(c);
}

std::string_view TrueOrNothing(bool value) { return value ? "true" : ""; }

}  // namespace

std::string PercentEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      encoded += c;
    } else {
      encoded += std::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::string GroupVersionPath(std::string_view group, std::string_view version) {
  if (group.empty()) return "/api/" + PercentEncode(version);
  return "/apis/" + PercentEncode(group) + "/" + PercentEncode(version);
}

std::string CollectionPath(const GroupVersionResource& resource, std::string_view ns) {
  std::string path = GroupVersionPath(resource.group, resource.version);
  if (resource.namespaced && !ns.empty()) path += "/namespaces/" + PercentEncode(ns);
  return path + "/" + PercentEncode(resource.resource);
}

Result<std::string> ObjectPath(const ObjectRef& ref, std::string_view subresource) {
  const bool has_place = !ref.resource.namespaced || !ref.ns.empty();
  if (ref.name.empty() || !has_place) {
    return std::unexpected(
        Error{.code = ErrorCode::kBadRequest,
              .message = std::format("\"{}\" lacks a name or a namespace", ToString(ref))});
  }
  std::string path = CollectionPath(ref.resource, ref.ns) + "/" + PercentEncode(ref.name);
  if (!subresource.empty()) path += "/" + PercentEncode(subresource);
  return path;
}

Target& Target::Add(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  text_ += std::format("{}{}={}", has_query_ ? '&' : '?', name, PercentEncode(value));
  has_query_ = true;
  return *this;
}

Target& Target::Add(std::string_view name, std::int64_t value) {
  return Add(name, std::to_string(value));
}

Target& Target::Add(const Selection& selection) {
  return Add("labelSelector", selection.label_selector)
      .Add("fieldSelector", selection.field_selector);
}

Target& Target::Add(const WriteOptions& options, std::string_view default_field_manager) {
  return Add("fieldManager",
             options.field_manager.empty() ? default_field_manager : options.field_manager)
      .Add("dryRun", options.dry_run ? "All" : "");
}

Target& Target::Add(const LogOptions& options) {
  Add("container", options.container);
  Add("previous", TrueOrNothing(options.previous));
  Add("timestamps", TrueOrNothing(options.timestamps));
  if (options.tail_lines) Add("tailLines", *options.tail_lines);
  if (options.since_seconds) Add("sinceSeconds", *options.since_seconds);
  if (options.limit_bytes) Add("limitBytes", *options.limit_bytes);
  return *this;
}

}  // namespace sextant::kube
