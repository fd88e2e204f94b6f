#include "sextant/protocol/record.h"

#include <concepts>

namespace sextant::protocol {
namespace {

constexpr std::uint8_t kRecordVersion = 1;
constexpr std::uint8_t kImageKind = 0;
constexpr std::uint8_t kPatchKind = 1;
static_assert(std::same_as<std::variant_alternative_t<kImageKind, Record>, PageImage>);
static_assert(std::same_as<std::variant_alternative_t<kPatchKind, Record>, PagePatch>);

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

// What is said of pages is nearly all of a log, so it is checked where it lies.
bool IsImage(BytesView body) {
  Decoder in(body);
  PageId page;
  std::uint32_t size = 0;
  in(page, size);
  in.Raw(size);
  return in.Done() && size == kPageSize;
}

bool IsPatch(BytesView body) {
  Decoder in(body);
  PageId page;
  std::uint32_t pieces = 0;
  in(page, pieces);
  bool good = pieces > 0;
  for (std::size_t free_from = 0; pieces > 0 && good && !in.failed(); --pieces) {
    std::uint16_t offset = 0;
    std::uint32_t size = 0;
    in(offset, size);
    in.Raw(size);
    const std::size_t end = std::size_t{offset} + size;
    good = size > 0 && offset >= free_from && end <= kPageSize;
    free_from = end;
  }
  return good && in.Done();
}

struct RecordEnvelope {
  std::uint8_t kind = 0;
  BytesView body;
};

std::expected<RecordEnvelope, DecodeError> OpenRecord(Decoder& in) {
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
  return RecordEnvelope{kind, body};
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
  const auto envelope = OpenRecord(in);
  if (!envelope) {
    return std::unexpected(envelope.error());
  }
  return DecodeBody(envelope->kind, envelope->body,
                    std::make_index_sequence<std::variant_size_v<Record>>());
}

std::expected<void, DecodeError> CheckRecord(Decoder& in) {
  const auto envelope = OpenRecord(in);
  if (!envelope) {
    return std::unexpected(envelope.error());
  }
  bool good = false;
  switch (envelope->kind) {
    case kImageKind:
      good = IsImage(envelope->body);
      break;
    case kPatchKind:
      good = IsPatch(envelope->body);
      break;
    default:  // small and rare
      good = DecodeBody(envelope->kind, envelope->body,
                        std::make_index_sequence<std::variant_size_v<Record>>())
                 .has_value();
  }
  return good ? std::expected<void, DecodeError>() : std::unexpected(DecodeError::kMalformed);
}

bool IsWellFormed(const Record& record) {
  return std::visit([](const auto& alternative) { return WellFormed(alternative); }, record);
}

}  // namespace sextant::protocol
