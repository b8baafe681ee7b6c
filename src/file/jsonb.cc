#include "file/jsonb.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include <arrow/array/builder_binary.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/utf8.h>

#include "bytes/byte_reader.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::Result;
using arrow::Status;
using bytes::Bytes;

enum class Container : uint32_t { kScalar = 1, kObject = 2, kArray = 4 };
enum class Kind : uint32_t { kNull, kString, kNumber, kFalse, kTrue, kContainer };

struct Entry {
  Kind kind;
  uint32_t length;
};

uint64_t BigEndian(Bytes bytes) {
  uint64_t number = 0;
  for (std::byte byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

template <typename Number>
void AppendInteger(Number number, std::string* text) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text->append(digits.data(), end);
}

// The shortest digits; with an exponent outside 1e-5 ≤ x < 1e16.
void AppendDouble(double number, std::string* text) {
  if (!std::isfinite(number)) {
    text->append("null");
    return;
  }
  const double size = std::fabs(number);
  const bool fixed = size == 0 || (size >= 1e-5 && size < 1e16);
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  std::string_view written(digits.data(), static_cast<size_t>(end - digits.data()));
  if (fixed) {
    text->append(written);
    if (written.find('.') == std::string_view::npos) text->append(".0");
    return;
  }
  const size_t exponent = written.find('e') + 2;  // behind the sign
  text->append(written.substr(0, exponent));
  written.remove_prefix(exponent);
  if (written.starts_with('0')) written.remove_prefix(1);  // to_chars writes two digits at least
  text->append(written);
}

Status AppendNumber(Bytes bytes, std::string* text) {
  if (bytes.empty()) return bytes::Corrupt("JSON number without bytes");
  const Bytes digits = bytes.subspan(1);
  const uint64_t bits = BigEndian(digits);
  switch (static_cast<uint8_t>(bytes[0])) {
    case 0x00:
      text->push_back('0');
      return Status::OK();
    case 0x10:
    case 0x20:
    case 0x30:
      text->append("null");
      return Status::OK();
    case 0x40:
    case 0x50:
      if (!std::has_single_bit(digits.size()) || digits.size() > 8) break;
      if (static_cast<uint8_t>(bytes[0]) == 0x50) {
        AppendInteger(bits, text);
      } else {
        const auto unused = 64 - 8 * static_cast<int>(digits.size());
        AppendInteger(static_cast<int64_t>(bits << unused) >> unused, text);
      }
      return Status::OK();
    case 0x60:
      if (digits.size() != 8) break;
      AppendDouble(std::bit_cast<double>(bits), text);
      return Status::OK();
    default:
      return MakeError(ErrorKind::kUnsupported,
                       "JSON number of kind " + std::to_string(static_cast<int>(bytes[0])));
  }
  return bytes::Corrupt("JSON number of " + std::to_string(bytes.size()) + " bytes");
}

Status AppendString(Bytes bytes, std::string* text) {
  arrow::util::InitializeUTF8();
  if (!arrow::util::ValidateUTF8(reinterpret_cast<const uint8_t*>(bytes.data()),
                                 static_cast<int64_t>(bytes.size()))) {
    return bytes::Corrupt("JSON string that is not UTF-8");
  }
  constexpr std::string_view kSpecial = "\"\\\b\f\n\r\t";
  constexpr std::string_view kEscapes = "\"\\bfnrt";
  constexpr std::string_view kHex = "0123456789abcdef";
  text->push_back('"');
  for (std::byte byte : bytes) {
    const char c = static_cast<char>(byte);
    const size_t special = kSpecial.find(c);
    if (special != std::string_view::npos) {
      *text += {'\\', kEscapes[special]};
    } else if (static_cast<uint8_t>(byte) < 0x20) {
      *text += {'\\', 'u', '0', '0', kHex[static_cast<uint8_t>(c) >> 4], kHex[c & 15]};
    } else {
      text->push_back(c);
    }
  }
  text->push_back('"');
  return Status::OK();
}

Status AppendContainer(bytes::ByteReader* reader, int depth, std::string* text);

Status AppendValue(const Entry& entry, bytes::ByteReader* reader, int depth, std::string* text) {
  ARROW_ASSIGN_OR_RAISE(const Bytes value, reader->Take(entry.length, "JSON value"));
  switch (entry.kind) {
    case Kind::kNull:
      text->append("null");
      return Status::OK();
    case Kind::kFalse:
      text->append("false");
      return Status::OK();
    case Kind::kTrue:
      text->append("true");
      return Status::OK();
    case Kind::kString:
      return AppendString(value, text);
    case Kind::kNumber:
      return AppendNumber(value, text);
    case Kind::kContainer: {
      bytes::ByteReader inner(value);
      return AppendContainer(&inner, depth + 1, text);
    }
  }
  return MakeError(ErrorKind::kUnsupported,
                   "JSON value of type " + std::to_string(static_cast<uint32_t>(entry.kind)));
}

Result<std::vector<Entry>> ReadEntries(bytes::ByteReader* reader, uint64_t n) {
  ARROW_ASSIGN_OR_RAISE(const Bytes words, reader->Take(n * 4, "JSON entries"));
  std::vector<Entry> entries(n);
  for (size_t i = 0; i < n; ++i) {
    const auto word = static_cast<uint32_t>(BigEndian(words.subspan(i * 4, 4)));
    entries[i] = {static_cast<Kind>(word >> 28 & 7), word & 0x0fffffff};
  }
  return entries;
}

Status AppendObject(bytes::ByteReader* reader, uint32_t n, int depth, std::string* text) {
  ARROW_ASSIGN_OR_RAISE(const auto entries, ReadEntries(reader, uint64_t{2} * n));
  std::vector<Bytes> keys(n);
  for (uint32_t i = 0; i < n; ++i) {
    if (entries[i].kind != Kind::kString) return bytes::Corrupt("JSON key that is not a string");
    ARROW_ASSIGN_OR_RAISE(keys[i], reader->Take(entries[i].length, "JSON key"));
  }
  text->push_back('{');
  for (uint32_t i = 0; i < n; ++i) {
    if (i > 0) text->push_back(',');
    ARROW_RETURN_NOT_OK(AppendString(keys[i], text));
    text->push_back(':');
    ARROW_RETURN_NOT_OK(AppendValue(entries[n + i], reader, depth, text));
  }
  text->push_back('}');
  return Status::OK();
}

Status AppendItems(bytes::ByteReader* reader, uint32_t n, int depth, std::string* text) {
  ARROW_ASSIGN_OR_RAISE(const auto entries, ReadEntries(reader, n));
  for (uint32_t i = 0; i < n; ++i) {
    if (i > 0) text->push_back(',');
    ARROW_RETURN_NOT_OK(AppendValue(entries[i], reader, depth, text));
  }
  return Status::OK();
}

Status AppendContainer(bytes::ByteReader* reader, int depth, std::string* text) {
  if (depth > kMaxJsonDepth) return bytes::Corrupt("JSON nested deeper than 128 levels");
  ARROW_ASSIGN_OR_RAISE(const Bytes word, reader->Take(4, "JSON header"));
  const auto header = static_cast<uint32_t>(BigEndian(word));
  const auto container = static_cast<Container>(header >> 29);
  const uint32_t n = header & 0x1fffffff;
  switch (container) {
    case Container::kScalar:
      ARROW_RETURN_NOT_OK(AppendItems(reader, 1, depth, text));
      break;
    case Container::kObject:
      ARROW_RETURN_NOT_OK(AppendObject(reader, n, depth, text));
      break;
    case Container::kArray:
      text->push_back('[');
      ARROW_RETURN_NOT_OK(AppendItems(reader, n, depth, text));
      text->push_back(']');
      break;
    default:
      return bytes::Corrupt("JSON container of kind " + std::to_string(header >> 29));
  }
  if (reader->remaining() > 0) return bytes::Corrupt("JSON container longer than its items");
  return Status::OK();
}

}  // namespace

Status AppendJsonText(Bytes document, std::string* text) {
  bytes::ByteReader reader(document);
  return AppendContainer(&reader, 0, text);
}

Result<std::shared_ptr<arrow::ArrayData>> MakeJsonArray(
    const encoding::LeafData& documents, const std::shared_ptr<arrow::Buffer>& validity,
    arrow::MemoryPool* pool) {
  const auto* bytes = reinterpret_cast<const std::byte*>(documents.values->data());
  const auto* offsets = reinterpret_cast<const int64_t*>(documents.offsets->data());
  arrow::StringBuilder builder(pool);
  ARROW_RETURN_NOT_OK(builder.Reserve(documents.slots));
  std::string text;
  for (int64_t i = 0; i < documents.slots; ++i) {
    if (validity && !arrow::bit_util::GetBit(validity->data(), i)) {
      builder.UnsafeAppendNull();
      continue;
    }
    text.clear();
    const auto length = static_cast<size_t>(offsets[i + 1] - offsets[i]);
    ARROW_RETURN_NOT_OK(AppendJsonText(Bytes(bytes + offsets[i], length), &text));
    if (static_cast<uint64_t>(builder.value_data_length()) + text.size() > INT32_MAX) {
      return MakeError(ErrorKind::kInvalidArgument,
                       "more than 2 GiB of JSON in one batch; ask for a smaller batch size");
    }
    ARROW_RETURN_NOT_OK(builder.Append(text));
  }
  std::shared_ptr<arrow::ArrayData> array;
  ARROW_RETURN_NOT_OK(builder.FinishInternal(&array));
  return array;
}

}  // namespace pilum::file
