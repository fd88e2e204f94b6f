#include "sextant/protocol/record.h"

namespace sextant::protocol {
namespace {

constexpr std::uint8_t kRecordVersion = 1;

bool WellFormed(const PageImage& image) { return image.bytes.size() == kPageSize; }

bool WellFormed(const PagePatch& patch) {
  std::size_t free_from = 0;
  for (const PagePatch::Piece& piece : patch.pieces) {
    if (piece.offset < free_from || piece.bytes.empty() ||
        piece.offset + piece.bytes.size() > kPageSize) {
      return false;
    }
    free_from = piece.offset + piece.bytes.size();
  }
  return !patch.pieces.empty();
}

template <class Other>
bool WellFormed(const Other&) {
  return true;
}

template <std::size_t... Is>
std::expected<Record, DecodeError> DecodeBody(std::uint8_t kind, BytesView body,
                                              std::index_sequence<Is...>) {
  std::expected<Record, DecodeError> result = std::unexpected(DecodeError::kMalformed);
  const auto decode = [&]<std::size_t I>() {
    std::variant_alternative_t<I, Record> record;
    Decoder decoder(body);
    decoder(record);
    if (decoder.Done() && WellFormed(record)) {
      result = std::move(record);
    }
  };
  ((Is == kind ? decode.template operator()<Is>() : void()), ...);
  return result;
}

}  // namespace

void EncodeRecord(const Record& record, Encoder& out) {
  Encoder body;
  std::visit([&](const auto& alternative) { body(alternative); }, record);
  out(static_cast<std::uint8_t>(record.index()), kRecordVersion, std::uint16_t{0},
      static_cast<std::uint32_t>(body.size()));
  out.Raw(body.bytes());
}

std::expected<Record, DecodeError> DecodeRecord(Decoder& in) {
  std::uint8_t kind = 0;
  std::uint8_t version = 0;
  std::uint16_t reserved = 0;
  std::uint32_t size = 0;
  in(kind, version, reserved, size);
  const BytesView body = in.Raw(size);
  if (in.failed()) {
    return std::unexpected(DecodeError::kTruncated);
  }
  // A kind from the future can not be skipped: a log that is applied in part is a wrong database.
  if (version != kRecordVersion || kind >= std::variant_size_v<Record>) {
    return std::unexpected(DecodeError::kVersion);
  }
  return DecodeBody(kind, body, std::make_index_sequence<std::variant_size_v<Record>>());
}

}  // namespace sextant::protocol
