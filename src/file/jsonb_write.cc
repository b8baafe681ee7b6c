#include "file/jsonb_write.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <arrow/array/array_binary.h>
#include <arrow/array/builder_binary.h>
#include <nlohmann/json.hpp>

#include "file/jsonb.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::Result;
using arrow::Status;

enum class Container : uint32_t { kScalar = 1, kObject = 2, kArray = 4 };
enum class Kind : uint32_t { kNull, kString, kNumber, kFalse, kTrue, kContainer };

/// The beginning of a text for messages, whole characters of it.
std::string Shortened(std::string_view text) {
  size_t shown = 60;
  if (text.size() <= shown) return std::string(text);
  while (shown > 0 && (static_cast<uint8_t>(text[shown]) & 0xC0) == 0x80) --shown;
  return std::string(text.substr(0, shown)) + "…";
}

struct Value {
  Kind kind = Kind::kNull;
  std::string bytes;
};

void AppendBigEndian(uint64_t number, int width, std::string* out) {
  while (width-- > 0) out->push_back(static_cast<char>(number >> (8 * width)));
}

void AppendHeader(Container kind, size_t items, std::string* out) {
  AppendBigEndian(static_cast<uint32_t>(kind) << 29 | items, 4, out);
}

void AppendEntry(const Value& value, std::string* out) {
  AppendBigEndian(static_cast<uint32_t>(value.kind) << 28 | value.bytes.size(), 4, out);
}

/// In the fewest of 1, 2, 4 or 8 bytes.
Value UnsignedNumber(uint64_t number) {
  if (number == 0) return {Kind::kNumber, std::string(1, '\0')};
  const auto width =
      static_cast<int>(std::bit_ceil(static_cast<unsigned>(std::bit_width(number) + 7) / 8));
  std::string bytes = "\x50";
  AppendBigEndian(number, width, &bytes);
  return {Kind::kNumber, std::move(bytes)};
}

Value SignedNumber(int64_t number) {
  if (number >= 0) return UnsignedNumber(static_cast<uint64_t>(number));
  const auto magnitude = static_cast<uint64_t>(-(number + 1));  // and a bit for the sign
  const auto width =
      static_cast<int>(std::bit_ceil(static_cast<unsigned>(std::bit_width(magnitude) / 8 + 1)));
  std::string bytes = "\x40";
  AppendBigEndian(static_cast<uint64_t>(number), width, &bytes);
  return {Kind::kNumber, std::move(bytes)};
}

Value DoubleNumber(double number) {
  std::string bytes = "\x60";
  AppendBigEndian(std::bit_cast<uint64_t>(number), 8, &bytes);
  return {Kind::kNumber, std::move(bytes)};
}

/// Makes the document while nlohmann's parser goes through the text. Its interface, hence the
/// names.
class DocumentMaker {
 public:
  using number_integer_t = int64_t;
  using number_unsigned_t = uint64_t;
  using number_float_t = double;
  using string_t = std::string;
  using binary_t = nlohmann::json::binary_t;

  bool null() { return Add({Kind::kNull, ""}); }
  bool boolean(bool value) { return Add({value ? Kind::kTrue : Kind::kFalse, ""}); }
  bool number_integer(int64_t value) { return Add(SignedNumber(value)); }
  bool number_unsigned(uint64_t value) { return Add(UnsignedNumber(value)); }
  bool number_float(double value, const std::string&) { return Add(DoubleNumber(value)); }
  bool string(std::string& value) { return Add({Kind::kString, value}); }
  bool binary(binary_t&) { return false; }  // not in texts
  bool start_object(size_t) { return Begin(true); }
  bool start_array(size_t) { return Begin(false); }
  bool end_array() { return End(Container::kArray); }
  bool end_object() { return End(Container::kObject); }
  bool key(std::string& name) {
    open_.back().key = name;
    if (open_.back().members.try_emplace(name).second) return true;
    error_ = "an object has the key '" + name + "' twice";
    return false;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& error) {
    // Its text begins with its class and number, "[json.exception.parse_error.101] ".
    std::string_view what = error.what();
    what.remove_prefix(std::min(what.find("] ") + 2, what.size()));
    error_ = std::string(what) + " (byte " + std::to_string(position) + ")";
    return false;
  }

  const std::string& error() const { return error_; }
  const Value& value() const { return value_; }

 private:
  struct Open {
    bool is_object;
    std::string key;                       // of the member that comes next
    std::map<std::string, Value> members;  // documents have them in the order of their keys
    std::vector<Value> items;
  };

  bool Begin(bool is_object) {
    if (open_.size() + 1 >= kMaxJsonDepth) {
      error_ = "it nests deeper than " + std::to_string(kMaxJsonDepth) + " levels";
      return false;
    }
    open_.push_back({.is_object = is_object});
    return true;
  }

  bool Add(Value value) {
    if (open_.empty()) {
      value_ = std::move(value);
    } else if (open_.back().is_object) {
      open_.back().members[open_.back().key] = std::move(value);
    } else {
      open_.back().items.push_back(std::move(value));
    }
    return true;
  }

  bool End(Container kind) {
    const Open done = std::move(open_.back());
    open_.pop_back();
    std::string bytes;
    AppendHeader(kind, done.members.size() + done.items.size(), &bytes);
    for (const auto& [key, value] : done.members) AppendEntry({Kind::kString, key}, &bytes);
    for (const auto& [key, value] : done.members) AppendEntry(value, &bytes);
    for (const Value& value : done.items) AppendEntry(value, &bytes);
    for (const auto& [key, value] : done.members) bytes += key;
    for (const auto& [key, value] : done.members) bytes += value.bytes;
    for (const Value& value : done.items) bytes += value.bytes;
    return Add({Kind::kContainer, std::move(bytes)});
  }

  std::vector<Open> open_;
  Value value_;
  std::string error_;
};

}  // namespace

Status AppendJsonb(std::string_view text, std::string* document) {
  DocumentMaker maker;
  if (!nlohmann::json::sax_parse(text, &maker)) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "'" + Shortened(text) + "' is no JSON: " + maker.error());
  }
  if (maker.value().bytes.size() >= uint64_t{1} << 28)
    return MakeError(ErrorKind::kUnsupported, "a JSON document of more than 256 MiB");
  if (maker.value().kind != Kind::kContainer) {
    AppendHeader(Container::kScalar, 0, document);
    AppendEntry(maker.value(), document);
  }
  document->append(maker.value().bytes);
  return Status::OK();
}

Result<std::shared_ptr<arrow::ArrayData>> MakeJsonbArray(const arrow::ArrayData& texts,
                                                         arrow::MemoryPool* pool) {
  const arrow::StringArray array(texts.Copy());
  arrow::LargeBinaryBuilder builder(pool);
  ARROW_RETURN_NOT_OK(builder.Reserve(array.length()));
  std::string document;
  for (int64_t i = 0; i < array.length(); ++i) {
    document.clear();
    if (array.IsNull(i)) {
      ARROW_RETURN_NOT_OK(builder.AppendNull());
      continue;
    }
    ARROW_RETURN_NOT_OK(AppendJsonb(array.GetView(i), &document));
    ARROW_RETURN_NOT_OK(builder.Append(document));
  }
  std::shared_ptr<arrow::Array> documents;
  ARROW_RETURN_NOT_OK(builder.Finish(&documents));
  return documents->data();
}

}  // namespace pilum::file
