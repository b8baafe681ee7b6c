#include "dataset/deletion_write.h"

#include <roaring/roaring.h>

#include <memory>
#include <random>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "dataset/deletion_file.h"
#include "pilum/runtime.h"

namespace pilum::dataset {
namespace {

/// From here on a bitmap is smaller, by the measure of the reference library.
constexpr size_t kMaxArraySize = 5000;

struct FreeRoaring {
  void operator()(roaring_bitmap_t* bitmap) const { roaring_bitmap_free(bitmap); }
};

uint64_t RandomId() {
  std::random_device random;
  return (uint64_t{random()} << 32) | random();
}

}  // namespace

arrow::Result<std::string> EncodeDeletionArrow(std::span<const uint32_t> offsets) {
  const auto length = static_cast<int64_t>(offsets.size());
  auto values = std::make_shared<arrow::UInt32Array>(
      length, arrow::Buffer::Wrap(offsets.data(), offsets.size()));
  auto schema = arrow::schema({arrow::field("row_id", arrow::uint32(), /*nullable=*/false)});
  auto batch = arrow::RecordBatch::Make(schema, length, {std::move(values)});
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.memory_pool = GetMemoryPool();
  options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(auto output,
                        arrow::io::BufferOutputStream::Create(4096, options.memory_pool));
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeFileWriter(output, schema, options));
  ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
  ARROW_RETURN_NOT_OK(writer->Close());
  ARROW_ASSIGN_OR_RAISE(auto buffer, output->Finish());
  return buffer->ToString();
}

std::string EncodeRoaring(std::span<const uint32_t> values) {
  std::unique_ptr<roaring_bitmap_t, FreeRoaring> bitmap(
      roaring_bitmap_of_ptr(values.size(), values.data()));
  roaring_bitmap_run_optimize(bitmap.get());
  std::string bytes(roaring_bitmap_portable_size_in_bytes(bitmap.get()), '\0');
  roaring_bitmap_portable_serialize(bitmap.get(), bytes.data());
  return bytes;
}

arrow::Result<DeletionFile> WriteDeletionFile(ObjectStore& store, uint64_t fragment_id,
                                              uint64_t read_version,
                                              std::span<const uint32_t> offsets) {
  DeletionFile file{.type = DeletionFile::Type::kBitmap,
                    .read_version = read_version,
                    .id = RandomId(),
                    .num_deleted_rows = offsets.size(),
                    .base_id = std::nullopt};
  std::string encoded;
  if (offsets.size() <= kMaxArraySize) {
    file.type = DeletionFile::Type::kArrowArray;
    ARROW_ASSIGN_OR_RAISE(encoded, EncodeDeletionArrow(offsets));
  } else {
    encoded = EncodeRoaring(offsets);
  }
  ARROW_RETURN_NOT_OK(store.Put(DeletionFilePath(fragment_id, file),
                                std::as_bytes(std::span(std::string_view(encoded))),
                                /*create_only=*/true));
  return file;
}

}  // namespace pilum::dataset
