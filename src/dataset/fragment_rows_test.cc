#include "dataset/fragment_rows.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/writer.h>
#include <gtest/gtest.h>

#include "dataset/deletion_file.h"
#include "dataset/test_manifest.h"

namespace pilum::dataset {
namespace {

std::shared_ptr<arrow::Array> OffsetArray(const std::vector<uint32_t>& offsets) {
  arrow::UInt32Builder builder;
  EXPECT_TRUE(builder.AppendValues(offsets).ok());
  return builder.Finish().ValueOrDie();
}

/// An Arrow file of `batches` times the column.
std::string ArrowFile(const std::shared_ptr<arrow::Array>& column, bool compressed = false,
                      int batches = 1) {
  auto schema = arrow::schema({arrow::field("row_id", column->type())});
  auto batch = arrow::RecordBatch::Make(schema, column->length(), {column});
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  if (compressed) options.codec = arrow::util::Codec::Create(arrow::Compression::ZSTD).ValueOrDie();
  auto sink = arrow::io::BufferOutputStream::Create().ValueOrDie();
  auto writer = arrow::ipc::MakeFileWriter(sink, schema, options).ValueOrDie();
  for (int i = 0; i < batches; ++i) EXPECT_TRUE(writer->WriteRecordBatch(*batch).ok());
  EXPECT_TRUE(writer->Close().ok());
  return sink->Finish().ValueOrDie()->ToString();
}

Fragment FragmentWithDeletions(DeletionFile::Type type, uint64_t physical_rows, uint64_t deleted) {
  Fragment fragment;
  fragment.id = 3;
  fragment.physical_rows = physical_rows;
  fragment.deletion_file = DeletionFile{type, 7, 12345678901234567890ull, deleted, {}};
  return fragment;
}

arrow::Result<std::shared_ptr<const DeletionVector>> ReadStored(std::string_view bytes,
                                                                const Fragment& fragment) {
  auto store = MakeMemoryStore();
  PutText(*store, DeletionFilePath(fragment.id, *fragment.deletion_file), bytes);
  return ReadDeletionVector(*store, fragment);
}

TEST(DeletionFile, HasAPathMadeOfItsNumbers) {
  DeletionFile file{DeletionFile::Type::kArrowArray, 7, 12345678901234567890ull, 1, {}};
  EXPECT_EQ(DeletionFilePath(3, file), "_deletions/3-7-12345678901234567890.arrow");
  file.type = DeletionFile::Type::kBitmap;
  EXPECT_EQ(DeletionFilePath(3, file), "_deletions/3-7-12345678901234567890.bin");
}

TEST(DeletionFile, IsReadFromArrowInAnyOrder) {
  for (bool compressed : {false, true}) {
    auto deleted = ReadStored(ArrowFile(OffsetArray({9, 0, 4}), compressed),
                              FragmentWithDeletions(DeletionFile::Type::kArrowArray, 10, 3));
    ASSERT_TRUE(deleted.ok()) << deleted.status().ToString();
    EXPECT_EQ(std::vector<uint32_t>((*deleted)->offsets().begin(), (*deleted)->offsets().end()),
              (std::vector<uint32_t>{0, 4, 9}));
  }
}

TEST(DeletionFile, IsReadFromABitmap) {
  auto deleted = ReadStored(FromHex("3a300000 01000000 0000 0200 10000000 0000 0100 0200"),
                            FragmentWithDeletions(DeletionFile::Type::kBitmap, 3, 3));
  ASSERT_TRUE(deleted.ok()) << deleted.status().ToString();
  EXPECT_EQ((*deleted)->size(), 3u);
}

TEST(DeletionFile, MustAgreeWithTheManifest) {
  const std::string file = ArrowFile(OffsetArray({2, 5}));
  auto expect = [&](uint64_t rows, uint64_t deleted, std::string_view text) {
    auto fragment = FragmentWithDeletions(DeletionFile::Type::kArrowArray, rows, deleted);
    auto status = ReadStored(file, fragment).status();
    ExpectError(status, ErrorKind::kCorruptData, text);
    EXPECT_NE(GetErrorDetail(status)->where().path.find("_deletions/3-7"), std::string::npos);
  };
  expect(10, 1, "2 deleted rows, at most 1");
  expect(10, 3, "2 deleted rows, the manifest says 3");
  expect(5, 2, "row 5 is deleted, but fragment 3 has 5 rows");
}

TEST(DeletionFile, MustExist) {
  auto store = MakeMemoryStore();
  auto fragment = FragmentWithDeletions(DeletionFile::Type::kBitmap, 3, 3);
  ExpectError(ReadDeletionVector(*store, fragment).status(), ErrorKind::kNotFound, "");
}

TEST(DeletionFile, IsNotNeededWithoutDeletions) {
  auto store = MakeMemoryStore();
  EXPECT_TRUE(ReadDeletionVector(*store, Fragment{}).ValueOrDie()->empty());
}

void ExpectCorruptArrow(std::string_view file, std::string_view text) {
  ExpectError(ParseDeletionArrow(AsBytes(file), 100).status(), ErrorKind::kCorruptData, text);
}

TEST(DeletionArrow, RefusesOtherShapes) {
  arrow::Int32Builder signed_builder;
  ASSERT_TRUE(signed_builder.Append(1).ok());
  ExpectCorruptArrow(ArrowFile(signed_builder.Finish().ValueOrDie()), "one column of type uint32");
  ExpectCorruptArrow(ArrowFile(OffsetArray({1}), false, 2), "one record batch, this one has 2");
  ExpectCorruptArrow(ArrowFile(OffsetArray({1}), false, 0), "one record batch, this one has 0");
  ExpectCorruptArrow(ArrowFile(OffsetArray({1, 3, 1})), "deleted row 1 twice");
  arrow::UInt32Builder builder;
  ASSERT_TRUE(builder.AppendNull().ok());
  ExpectCorruptArrow(ArrowFile(builder.Finish().ValueOrDie()), "null");
  ExpectCorruptArrow("", "cannot be read");
  ExpectCorruptArrow("ARROW1", "cannot be read");
}

TEST(DeletionArrow, DoesNotDecompressMoreThanTheManifestAllows) {
  std::vector<uint32_t> zeros(50'000'000);
  const std::string file = ArrowFile(OffsetArray(zeros), true);
  ASSERT_LT(file.size(), 100'000u);
  const int64_t before = arrow::default_memory_pool()->total_bytes_allocated();
  ExpectCorruptArrow(file, "cannot be read");
  EXPECT_LT(arrow::default_memory_pool()->total_bytes_allocated() - before, 4 << 20);
}

TEST(DeletionArrow, SurvivesEveryTruncationAndFlippedBit) {
  for (bool compressed : {false, true}) {
    const std::string whole = ArrowFile(OffsetArray({9, 0, 4}), compressed);
    for (size_t size = 0; size < whole.size(); ++size) {
      std::vector<std::byte> cut(AsBytes(whole).begin(), AsBytes(whole).begin() + size);
      EXPECT_FALSE(ParseDeletionArrow(cut, 100).ok()) << size;
    }
    for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
      std::vector<std::byte> flipped(AsBytes(whole).begin(), AsBytes(whole).end());
      flipped[bit / 8] ^= std::byte{1} << bit % 8;
      auto offsets = ParseDeletionArrow(flipped, 100);
      if (!offsets.ok()) continue;
      EXPECT_LE(offsets->size(), 100u);
    }
  }
}

TEST(DeletionVector, CountsLikeALoopOverAllRows) {
  for (std::vector<uint32_t> offsets : {std::vector<uint32_t>{},
                                        {0},
                                        {0, 1, 2},
                                        {9},
                                        {3, 4, 7},
                                        {0, 9},
                                        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}) {
    DeletionVector deleted(offsets);
    uint64_t live = 0;
    for (uint32_t row = 0; row < 10; ++row) {
      bool is_deleted = std::find(offsets.begin(), offsets.end(), row) != offsets.end();
      EXPECT_EQ(deleted.Contains(row), is_deleted);
      EXPECT_EQ(deleted.Rank(row), row - live);
      if (is_deleted) continue;
      EXPECT_EQ(deleted.LiveToPhysical(live++), row);
    }
    EXPECT_EQ(deleted.Rank(10), offsets.size());
    EXPECT_EQ(deleted.LiveToPhysical(live), 10u);
  }
}

TEST(DeletionVector, ReachesTheLargestOffset) {
  DeletionVector deleted({UINT32_MAX});
  EXPECT_EQ(deleted.LiveToPhysical(UINT32_MAX - 1), UINT32_MAX - 1);
  EXPECT_EQ(deleted.LiveToPhysical(UINT32_MAX), uint64_t{1} << 32);
  EXPECT_EQ(deleted.Rank(uint64_t{1} << 32), 1u);
}

}  // namespace
}  // namespace pilum::dataset
