#include "kube/runtime/list_reader.h"

#include "kube/client/read_json.h"
#include "kube/runtime/envelope.h"

#include <utility>

namespace sextant::kube::runtime {

struct ListReader::Parser {
  explicit Parser(std::function<void(PackedObject)> on_item) : list(std::move(on_item)) {}

  Envelope list;
  JsonReader<Envelope> json{list};
};

ListReader::ListReader(std::function<void(PackedObject)> on_item)
    : parser_(std::make_unique<Parser>(std::move(on_item))) {}

ListReader::~ListReader() = default;

bool ListReader::Read(std::string_view piece) {
  return parser_->json.Read(piece) && !parser_->list.HasBadItems();
}

bool ListReader::IsWhole() const {
  return parser_->json.IsWhole() && parser_->list.Contents() == 1 && !parser_->list.HasBadItems();
}

const std::string& ListReader::ResourceVersion() const { return parser_->list.ResourceVersion(); }

const std::string& ListReader::ContinueToken() const { return parser_->list.ContinueToken(); }

}  // namespace sextant::kube::runtime
