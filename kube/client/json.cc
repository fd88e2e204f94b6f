#include "kube/client/json.h"

#include "kube/client/message_pack.h"
#include "kube/client/read_json.h"

namespace sextant::kube {

std::optional<Json> ParseJson(std::string_view text) {
  MessagePackWriter packed;
  if (!ReadJson(text, packed)) return std::nullopt;
  return FromMessagePack(packed.Bytes());
}

Json FromMessagePack(std::string_view bytes) {
  return Json::from_msgpack(bytes.begin(), bytes.end());
}

}  // namespace sextant::kube
