#include "dataset/manifest_file.h"

#include <climits>
#include <cstring>
#include <string_view>
#include <utility>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "lance/parse_message.h"
#include "pilum/error.h"

namespace pilum::dataset {
namespace {

using bytes::Bytes;
using bytes::Corrupt;

constexpr size_t kFooterSize = 16;
constexpr char kMagic[] = "LANC";
constexpr uint16_t kMajor = 0;
constexpr uint16_t kMinor = 2;

/// The section whose length stands at `position`.
arrow::Result<Bytes> SectionAt(Bytes file, uint64_t position, std::string_view what) {
  const size_t body_size = file.size() - kFooterSize;
  if (position > body_size) {
    return Corrupt("the " + std::string(what) + " should be at offset " + std::to_string(position) +
                   ", behind the " + std::to_string(body_size) + " bytes before the footer");
  }
  bytes::ByteReader body(file.first(body_size));
  ARROW_RETURN_NOT_OK(body.Take(position, "sections before").status());
  ARROW_ASSIGN_OR_RAISE(uint32_t length, body.Read<uint32_t>(std::string(what) + " length"));
  return body.Take(length, what);
}

arrow::Result<std::optional<std::string>> TextAt(Bytes file, bool present, uint64_t position,
                                                 std::string_view what) {
  if (!present) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(Bytes bytes, SectionAt(file, position, what));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

template <typename T>
void AppendNumber(std::string* file, T value) {
  std::byte encoded[sizeof(T)];
  bytes::Store(encoded, value);
  file->append(reinterpret_cast<const char*>(encoded), sizeof(T));
}

/// Returns where the section begins.
uint64_t AppendSection(std::string* file, const std::string& section) {
  const uint64_t position = file->size();
  AppendNumber(file, static_cast<uint32_t>(section.size()));
  *file += section;
  return position;
}

/// The encoded manifest message of a file.
arrow::Result<Bytes> FindManifestMessage(Bytes file) {
  if (file.size() < kFooterSize) {
    return Corrupt("a manifest file ends with " + std::to_string(kFooterSize) +
                   " bytes of footer, but this one has " + std::to_string(file.size()) + " bytes");
  }
  bytes::ByteReader footer(file.subspan(file.size() - kFooterSize));
  ARROW_ASSIGN_OR_RAISE(uint64_t position, footer.Read<uint64_t>("manifest position"));
  ARROW_ASSIGN_OR_RAISE(uint16_t major, footer.Read<uint16_t>("manifest format"));
  ARROW_ASSIGN_OR_RAISE(uint16_t minor, footer.Read<uint16_t>("manifest format"));
  ARROW_ASSIGN_OR_RAISE(Bytes magic, footer.Take(4, "magic bytes"));
  if (std::memcmp(magic.data(), kMagic, 4) != 0) {
    return Corrupt("the file does not end with 'LANC', so it is no manifest or was cut short");
  }
  if (major != kMajor || minor > kMinor) {
    return MakeError(ErrorKind::kUnsupported, "manifest format " + std::to_string(major) + "." +
                                                  std::to_string(minor) +
                                                  " is not known; use a newer version of pilum");
  }
  return SectionAt(file, position, "manifest message");
}

/// Takes the fragments out of an encoded manifest. False if it is no message.
bool TakeFragments(Bytes encoded, std::string* rest, std::vector<Bytes>* fragments) {
  using google::protobuf::internal::WireFormatLite;
  constexpr uint32_t kFragment = WireFormatLite::MakeTag(
      lance::table::Manifest::kFragmentsFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(encoded.data()),
                                               static_cast<int>(encoded.size()));
  const auto position = [&] { return static_cast<size_t>(input.CurrentPosition()); };
  while (position() < encoded.size()) {
    const size_t begin = position();
    const uint32_t tag = input.ReadTag();
    if (tag == kFragment) {
      uint32_t length = 0;
      if (!input.ReadVarint32(&length) || length > encoded.size() - position()) return false;
      fragments->push_back(encoded.subspan(position(), length));
      if (!input.Skip(static_cast<int>(length))) return false;
    } else {
      if (!WireFormatLite::SkipField(&input, tag)) return false;
      rest->append(reinterpret_cast<const char*>(encoded.data()) + begin, position() - begin);
    }
  }
  return true;
}

}  // namespace

arrow::Result<SplitManifest> SplitManifestMessage(Bytes file) {
  ARROW_ASSIGN_OR_RAISE(Bytes encoded, FindManifestMessage(file));
  SplitManifest split;
  std::string rest;
  if (encoded.size() > INT_MAX || !TakeFragments(encoded, &rest, &split.fragments)) {
    return Corrupt("the " + std::to_string(encoded.size()) +
                   " bytes of the manifest message are not a valid message of that kind");
  }
  ARROW_ASSIGN_OR_RAISE(split.rest,
                        lance::ParseMessage<lance::table::Manifest>(rest, "manifest message"));
  return split;
}

arrow::Result<ManifestFile> ParseManifestFile(Bytes file) {
  ManifestFile parsed;
  ARROW_ASSIGN_OR_RAISE(Bytes encoded, FindManifestMessage(file));
  ARROW_ASSIGN_OR_RAISE(parsed.message,
                        lance::ParseMessage<lance::table::Manifest>(encoded, "manifest message"));
  const auto& message = parsed.message;
  ARROW_ASSIGN_OR_RAISE(parsed.index_section, TextAt(file, message.has_index_section(),
                                                     message.index_section(), "index section"));
  // Writers of some years ago had another number for the same field.
  const bool legacy = !message.has_transaction_section();
  ARROW_ASSIGN_OR_RAISE(
      parsed.transaction,
      TextAt(file, legacy ? message.has_transaction_section_legacy() : true,
             legacy ? message.transaction_section_legacy() : message.transaction_section(),
             "transaction"));
  return parsed;
}

std::string SerializeManifestFile(ManifestFile* file) {
  std::string bytes;
  lance::table::Manifest& message = file->message;
  message.clear_index_section();
  message.clear_transaction_section();
  message.clear_transaction_section_legacy();
  message.clear_version_aux_data();  // the position of a section that is not written any more
  if (file->index_section) message.set_index_section(AppendSection(&bytes, *file->index_section));
  if (file->transaction) message.set_transaction_section(AppendSection(&bytes, *file->transaction));
  const uint64_t position = AppendSection(&bytes, message.SerializeAsString());
  AppendNumber(&bytes, position);
  AppendNumber(&bytes, kMajor);
  AppendNumber(&bytes, kMinor);
  return bytes.append(kMagic, 4);
}

}  // namespace pilum::dataset
