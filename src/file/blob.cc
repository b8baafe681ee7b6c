#include "file/blob.h"

#include <cstring>
#include <map>
#include <string>
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
constexpr uint8_t kLastKind = 4;

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
  if (descriptor.location.kind > kLastKind) {
    return MakeError(ErrorKind::kUnsupported,
                     "blob kind " + std::to_string(descriptor.location.kind));
  }
  return descriptor;
}

// Opens each object once per batch.
class Objects {
 public:
  Objects(const std::vector<std::shared_ptr<ReadableObject>>& files, const BlobOpener& open)
      : files_(files), open_(open) {}

  Result<std::shared_ptr<ReadableObject>> Get(uint32_t segment, const BlobLocation& location) {
    if (location.kind == kInline) return files_[segment];
    auto& object = opened_[{segment, location.kind, location.blob_id, location.uri}];
    if (!object) {
      ARROW_ASSIGN_OR_RAISE(object, open_(segment, *files_[segment], location));
    }
    return object;
  }

 private:
  const std::vector<std::shared_ptr<ReadableObject>>& files_;
  const BlobOpener& open_;
  std::map<std::tuple<uint32_t, uint8_t, uint32_t, std::string>, std::shared_ptr<ReadableObject>>
      opened_;
};

}  // namespace

Result<std::unique_ptr<BlobValues>> BlobValues::Make(
    NodeKind kind, const encoding::LeafData& descriptors,
    const std::shared_ptr<arrow::Buffer>& validity, const std::vector<uint32_t>& segment_of,
    const std::vector<std::shared_ptr<ReadableObject>>& files, const BlobOpener& open,
    const std::shared_ptr<io::Fetch>& fetch) {
  auto blobs = std::make_unique<BlobValues>();
  blobs->fetch_ = fetch;
  blobs->values_.resize(static_cast<size_t>(descriptors.slots));
  Objects objects(files, open);
  const std::byte* data = reinterpret_cast<const std::byte*>(descriptors.values->data());
  const auto* offsets = kind == NodeKind::kBlobV2
                            ? reinterpret_cast<const int64_t*>(descriptors.offsets->data())
                            : nullptr;
  for (size_t i = 0; i < blobs->values_.size(); ++i) {
    Value& value = blobs->values_[i];
    value.null = validity && !arrow::bit_util::GetBit(validity->data(), static_cast<int64_t>(i));
    if (value.null) continue;
    Descriptor descriptor;
    if (kind == NodeKind::kBlobV1) {
      descriptor.position = bytes::Load<uint64_t>(data + i * 16);
      descriptor.size = bytes::Load<uint64_t>(data + i * 16 + 8);
      value.null = descriptor.size == 0 && descriptor.position != 0;
    } else {
      ARROW_ASSIGN_OR_RAISE(
          descriptor,
          ParseV2({data + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i])}));
    }
    const bool whole_object = descriptor.location.kind == kExternal && descriptor.size == 0;
    if (value.null || (descriptor.size == 0 && !whole_object)) continue;
    ARROW_ASSIGN_OR_RAISE(auto object, objects.Get(segment_of[i], descriptor.location));
    if (whole_object) descriptor.size = object->size();
    if (descriptor.location.kind == kDedicated || whole_object) descriptor.position = 0;
    value.id = fetch->Add(object, {descriptor.position, descriptor.size});
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
