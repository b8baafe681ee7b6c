#include "file/blob.h"

#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include "bytes/byte_reader.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::Result;
using arrow::Status;

constexpr uint8_t kInline = 0;
constexpr uint8_t kDedicated = 2;
constexpr uint8_t kExternal = 3;

struct Descriptor {
  BlobLocation location;
  uint64_t position = 0;
  uint64_t size = 0;
};

Result<Descriptor> ParseV2(bytes::Bytes row) {
  bytes::ByteReader reader(row);
  Descriptor descriptor;
  ARROW_ASSIGN_OR_RAISE(descriptor.location.kind, reader.Read<uint8_t>("blob kind"));
  ARROW_ASSIGN_OR_RAISE(descriptor.position, reader.Read<uint64_t>("blob position"));
  ARROW_ASSIGN_OR_RAISE(descriptor.size, reader.Read<uint64_t>("blob size"));
  ARROW_ASSIGN_OR_RAISE(descriptor.location.blob_id, reader.Read<uint32_t>("blob id"));
  ARROW_ASSIGN_OR_RAISE(uint32_t length, reader.Read<uint32_t>("length of the blob's URI"));
  ARROW_ASSIGN_OR_RAISE(bytes::Bytes uri, reader.Take(length, "the blob's URI"));
  descriptor.location.uri.assign(reinterpret_cast<const char*>(uri.data()), uri.size());
  if (descriptor.location.kind > kExternal) {
    return MakeError(ErrorKind::kUnsupported,
                     "blob kind " + std::to_string(descriptor.location.kind));
  }
  return descriptor;
}

// Opens each object once per batch, and keeps count of what is wanted of it.
class Objects {
 public:
  Objects(const BlobColumn& column, const BlobOpener& open) : column_(column), open_(open) {}

  Result<std::shared_ptr<ReadableObject>> Get(uint32_t segment, const BlobLocation& location) {
    const ColumnSource& source = column_.sources[segment];
    if (location.kind == kInline) return source.file->object();
    auto& object = opened_[{segment, location.kind, location.blob_id, location.uri}];
    if (!object) {
      ARROW_ASSIGN_OR_RAISE(object, open_(segment, source, location));
    }
    return object;
  }

  // Damaged descriptors that name the same bytes again and again could ask for any amount.
  Status Count(const ReadableObject& object, const Descriptor& descriptor) {
    if (!column_.distinct_rows || descriptor.location.kind == kExternal) return Status::OK();
    uint64_t& wanted = wanted_[&object];
    if (descriptor.size <= object.size() - wanted) {
      wanted += descriptor.size;
      return Status::OK();
    }
    return WithContext(bytes::Corrupt("blobs that lie apart have more than the " +
                                      std::to_string(object.size()) + " bytes of their file"),
                       {.path = object.name(), .offset = descriptor.position});
  }

 private:
  const BlobColumn& column_;
  const BlobOpener& open_;
  std::map<std::tuple<uint32_t, uint8_t, uint32_t, std::string>, std::shared_ptr<ReadableObject>>
      opened_;
  std::map<const ReadableObject*, uint64_t> wanted_;  // bytes
};

// The descriptor in slot i, or nothing where that is null.
Result<std::optional<Descriptor>> DescriptorAt(const BlobColumn& column, size_t i) {
  const auto slot = static_cast<int64_t>(i);
  if (column.validity && !arrow::bit_util::GetBit(column.validity->data(), slot)) {
    return std::nullopt;
  }
  const auto* data = reinterpret_cast<const std::byte*>(column.descriptors.values->data());
  if (column.kind == NodeKind::kBlobV1) {
    Descriptor descriptor;
    descriptor.position = bytes::Load<uint64_t>(data + i * 16);
    descriptor.size = bytes::Load<uint64_t>(data + i * 16 + 8);
    if (descriptor.size == 0 && descriptor.position != 0) return std::nullopt;
    return descriptor;
  }
  const auto* offsets = reinterpret_cast<const int64_t*>(column.descriptors.offsets->data());
  return ParseV2({data + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i])});
}

}  // namespace

std::string SidecarName(uint32_t blob_id) {
  std::string name;
  for (int bit = 0; bit < 32; ++bit) name += (blob_id >> bit & 1) != 0 ? '1' : '0';
  return name + ".blob";
}

Result<std::unique_ptr<BlobValues>> BlobValues::Make(const BlobColumn& column,
                                                     const BlobOpener& open,
                                                     const std::shared_ptr<io::Fetch>& fetch) {
  auto blobs = std::make_unique<BlobValues>();
  blobs->fetch_ = fetch;
  blobs->values_.resize(static_cast<size_t>(column.descriptors.slots));
  Objects objects(column, open);
  for (size_t i = 0; i < blobs->values_.size(); ++i) {
    Value& value = blobs->values_[i];
    ARROW_ASSIGN_OR_RAISE(std::optional<Descriptor> descriptor, DescriptorAt(column, i));
    value.null = !descriptor;
    if (value.null) continue;
    const bool whole_object = descriptor->location.kind == kExternal && descriptor->size == 0;
    if (descriptor->size == 0 && !whole_object) continue;
    ARROW_ASSIGN_OR_RAISE(auto object, objects.Get(column.segment_of[i], descriptor->location));
    if (whole_object) descriptor->size = object->size();
    if (descriptor->location.kind == kDedicated || whole_object) descriptor->position = 0;
    ARROW_RETURN_NOT_OK(objects.Count(*object, *descriptor));
    value.id = fetch->Add(object, {descriptor->position, descriptor->size});
    value.fetched = true;
  }
  return blobs;
}

Result<std::shared_ptr<arrow::ArrayData>> BlobValues::Finish(arrow::MemoryPool* pool) {
  const int64_t n = static_cast<int64_t>(values_.size());
  uint64_t total = 0;
  int64_t nulls = 0;
  for (const Value& value : values_) {
    if (value.fetched) total += fetch_->bytes(value.id).size();
    nulls += value.null;
  }
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> offsets,
                        arrow::AllocateBuffer((n + 1) * 8, pool));
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bytes,
                        arrow::AllocateBuffer(static_cast<int64_t>(total), pool));
  std::shared_ptr<arrow::Buffer> validity;
  if (nulls > 0) {
    ARROW_ASSIGN_OR_RAISE(validity, arrow::AllocateEmptyBitmap(n, pool));
  }
  auto* ends = reinterpret_cast<int64_t*>(offsets->mutable_data());
  int64_t end = 0;
  for (int64_t i = 0; i < n; ++i) {
    ends[i] = end;
    const Value& value = values_[static_cast<size_t>(i)];
    if (validity && !value.null) arrow::bit_util::SetBit(validity->mutable_data(), i);
    if (!value.fetched) continue;
    const auto part = fetch_->bytes(value.id);
    std::memcpy(bytes->mutable_data() + end, part.data(), part.size());
    end += static_cast<int64_t>(part.size());
  }
  ends[n] = end;
  return arrow::ArrayData::Make(arrow::large_binary(), n,
                                {std::move(validity), std::move(offsets), std::move(bytes)}, nulls);
}

}  // namespace pilum::file
