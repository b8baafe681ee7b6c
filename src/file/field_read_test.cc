#include "file/field_read.h"

#include <gtest/gtest.h>

#include <numeric>

#include <arrow/compute/api_vector.h>
#include <arrow/json/from_string.h>

#include "file/test_file.h"
#include "io/fault_store.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using encoding::FlatWire;
using encoding::Hex;
using encoding::Raw;
using encoding::TestChunk;
using lance::encodings21::REPDEF_ALL_VALID_ITEM;
using lance::encodings21::REPDEF_NULL_AND_EMPTY_LIST;
using lance::encodings21::REPDEF_NULLABLE_ITEM;
using lance::encodings21::RepDefLayer;
using Runs = std::vector<file::Run>;

std::shared_ptr<arrow::Array> FromJson(const std::shared_ptr<arrow::DataType>& type,
                                       const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

lance::encodings21::PageLayout MiniBlock(const encoding::Wire& values, uint64_t items,
                                         const std::vector<RepDefLayer>& layers, bool rep = false,
                                         bool def = false) {
  lance::encodings21::PageLayout page;
  auto* layout = page.mutable_mini_block_layout();
  *layout->mutable_value_compression() = values;
  for (RepDefLayer layer : layers) layout->add_layers(layer);
  if (rep) *layout->mutable_rep_compression() = FlatWire(16);
  if (def) *layout->mutable_def_compression() = FlatWire(16);
  layout->set_repetition_index_depth(rep);
  layout->set_num_buffers(1);
  layout->set_num_items(items);
  layout->set_has_large_chunk(true);
  return page;
}

void AddIntPage(FileBuilder* builder, size_t column, const std::vector<int32_t>& values) {
  builder->AddPage(column, MiniBlock(FlatWire(32), values.size(), {REPDEF_ALL_VALID_ITEM}),
                   values.size(),
                   encoding::EncodeChunks({{.values = {Raw(values)}}}, true, false, false));
}

/// list<struct<a: list<float>, b: bool>> with every kind of null and emptiness.
std::string NestedFile() {
  FileBuilder builder(FormatVersion::kV2_2);
  const std::vector<float> values = {1, 2, 3, 4, 5};
  const TestChunk a{.rep = {2, 1, 1, 1, 1, 2, 1, 0, 2, 2, 1, 0, 1},
                    .def = {2, 3, 4, 2, 4, 2, 0, 0, 5, 0, 0, 0, 4},
                    .values = {Raw(values)}};
  auto buffers = encoding::EncodeChunks({a}, true, true, true);
  buffers.push_back(Raw<uint64_t>({4, 0}));
  builder.AddPage(0,
                  MiniBlock(FlatWire(32), 5,
                            {REPDEF_NULLABLE_ITEM, REPDEF_NULL_AND_EMPTY_LIST, REPDEF_NULLABLE_ITEM,
                             REPDEF_NULL_AND_EMPTY_LIST},
                            true, true),
                  4, buffers);
  // b: t f - null - | t t | null row | t f -, where - is a null struct.
  const TestChunk b{.rep = {1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0},
                    .def = {0, 0, 2, 1, 2, 0, 0, 3, 0, 0, 2},
                    .values = {Hex("E1 00")}};
  buffers = encoding::EncodeChunks({b}, true, true, true);
  buffers.push_back(Raw<uint64_t>({4, 0}));
  builder.AddPage(
      1,
      MiniBlock(FlatWire(1), 10,
                {REPDEF_NULLABLE_ITEM, REPDEF_NULLABLE_ITEM, REPDEF_NULL_AND_EMPTY_LIST}, true,
                true),
      4, buffers);
  return builder.Finish(4);
}

std::shared_ptr<arrow::DataType> NestedType() {
  return arrow::list(arrow::struct_(
      {arrow::field("a", arrow::list(arrow::float32())), arrow::field("b", arrow::boolean())}));
}

FieldNode NestedNode(const std::shared_ptr<FileReader>& file) {
  const auto type = NestedType();
  const auto item = type->field(0);
  FieldNode a{.field = item->type()->field(0),
              .kind = NodeKind::kList,
              .children = {LeafNode(arrow::float32(), file, 0, "item")}};
  FieldNode record{.field = item,
                   .kind = NodeKind::kStruct,
                   .children = {a, LeafNode(arrow::boolean(), file, 1, "b")}};
  return {.field = arrow::field("f", type), .kind = NodeKind::kList, .children = {record}};
}

TEST(FieldRead, AssemblesNestedColumns) {
  auto file = FileReader::Open(ObjectOf(NestedFile()));
  ASSERT_TRUE(file.ok()) << file.status();
  const auto expected = FromJson(NestedType(), R"([
      [{"a": null, "b": true}, {"a": [], "b": false}, null, {"a": null, "b": null}, null],
      [{"a": null, "b": true}, {"a": [1, 2], "b": true}],
      null,
      [{"a": [3], "b": true}, {"a": [4, 5], "b": false}, null]])");
  auto all = ReadField(NestedNode(*file), FormatVersion::kV2_2, 4);
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_TRUE((*all)->ValidateFull().ok()) << (*all)->ValidateFull();
  EXPECT_TRUE((*all)->Equals(expected)) << (*all)->ToString();
  for (uint64_t row = 0; row < 4; ++row) {
    auto one = ReadField(NestedNode(*file), FormatVersion::kV2_2, 4, {{row, 1, 0}});
    ASSERT_TRUE(one.ok()) << one.status();
    EXPECT_TRUE((*one)->Equals(expected->Slice(static_cast<int64_t>(row), 1)))
        << (*one)->ToString();
  }
  auto scattered = ReadField(NestedNode(*file), FormatVersion::kV2_2, 4,
                             {{1, 1, 2}, {1, 1, 0}, {3, 1, 1}}, false);
  ASSERT_TRUE(scattered.ok()) << scattered.status();
  const auto order = FromJson(arrow::int64(), "[1, 3, 1]");
  EXPECT_TRUE((*scattered)->Equals(arrow::compute::Take(expected, order)->make_array()))
      << (*scattered)->ToString();
}

TEST(FieldRead, DamagedNestedColumnsDoNotCrash) {
  const std::string good = NestedFile();
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string damaged = good;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    auto file = FileReader::Open(ObjectOf(damaged));
    if (!file.ok() || (*file)->version() == FormatVersion::kV2_0) continue;
    auto read = ReadField(NestedNode(*file), FormatVersion::kV2_2, 4);
    if (read.ok()) {
      EXPECT_TRUE((*read)->Validate().ok()) << (*read)->Validate();
    }
  }
}

TEST(FieldRead, ReadsAcrossPages) {
  FileBuilder builder(FormatVersion::kV2_2);
  std::vector<int32_t> expected;
  for (int32_t rows : {5, 1, 100, 3}) {
    std::vector<int32_t> values(static_cast<size_t>(rows));
    std::iota(values.begin(), values.end(), static_cast<int32_t>(expected.size()));
    expected.insert(expected.end(), values.begin(), values.end());
    AddIntPage(&builder, 0, values);
  }
  auto file = FileReader::Open(ObjectOf(builder.Finish(109)));
  ASSERT_TRUE(file.ok()) << file.status();
  for (const Runs& runs :
       std::vector<Runs>{{{0, 109, 0}},
                         {{4, 2, 0}},
                         {{3, 60, 0}, {105, 4, 60}},
                         {{108, 1, 0}},
                         {{2, 4, 3}, {4, 2, 0}, {4, 5, 7}, {5, 1, 2}, {5, 101, 12}}}) {
    auto array =
        ReadField(LeafNode(arrow::int32(), *file, 0), FormatVersion::kV2_2, 109, runs, false);
    ASSERT_TRUE(array.ok()) << array.status();
    for (const auto& run : runs) {
      for (uint32_t i = 0; i < run.count; ++i) {
        EXPECT_EQ(static_cast<const arrow::Int32Array&>(**array).Value(run.slot + i),
                  static_cast<int32_t>(run.row + i));
      }
    }
  }
}

/// Rows of 5,000 bytes of their own letter, but for nulls and empty values: every fifth is one.
std::string LargeValuesFile(const std::function<void(std::string*)>& change = nullptr) {
  std::string data, offsets = Number(uint64_t{0});
  for (int row = 0; row < 20; ++row) {
    const std::string value(row % 5 == 3 ? 0 : 5000, static_cast<char>('a' + row));
    data +=
        row % 5 == 4 ? Hex("01") : Hex("00") + Number(static_cast<uint32_t>(value.size())) + value;
    offsets += Number(uint64_t{data.size()});
  }
  if (change) change(&data);
  lance::encodings21::PageLayout page;
  auto* layout = page.mutable_full_zip_layout();
  *layout->mutable_value_compression() = encoding::VariableWire(32);
  layout->add_layers(REPDEF_NULLABLE_ITEM);
  layout->set_bits_def(1);
  layout->set_bits_per_offset(32);
  FileBuilder builder(FormatVersion::kV2_2);
  builder.AddPage(0, page, 20, {data, offsets});
  return builder.Finish(20);
}

/// Opens it where nothing is in memory before it is read.
std::shared_ptr<FileReader> OpenToRead(const std::string& bytes) {
  auto store = std::make_shared<io::FaultStore>(MakeMemoryStore());
  EXPECT_TRUE(store->Put("x.lance", encoding::AsBytes(bytes)).ok());
  return FileReader::Open(store->Open("x.lance").ValueOrDie()).ValueOrDie();
}

TEST(FieldRead, LargeValuesInAnyOrder) {
  for (const auto& type : {arrow::binary(), arrow::large_utf8()}) {
    const auto file = OpenToRead(LargeValuesFile());
    const auto all = ReadField(LeafNode(type, file, 0), FormatVersion::kV2_2, 20).ValueOrDie();
    EXPECT_EQ(all->null_count(), 4);
    // Alone, next to each other, twice, nulls and empty ones.
    const Runs runs = {{0, 1, 7}, {2, 3, 0}, {6, 1, 6}, {6, 1, 3},
                       {8, 1, 8}, {9, 1, 5}, {19, 1, 4}};
    const auto order = FromJson(arrow::int64(), "[2, 3, 4, 6, 19, 9, 6, 0, 8]");
    auto some = ReadField(LeafNode(type, file, 0), FormatVersion::kV2_2, 20, runs, false);
    ASSERT_TRUE(some.ok()) << some.status();
    ASSERT_TRUE((*some)->ValidateFull().ok());
    EXPECT_TRUE((*some)->Equals(arrow::compute::Take(all, order)->make_array()));
  }
}

TEST(FieldRead, LargeValuesAreAsLongAsTheirRow) {
  const auto read = [](size_t at, char to) {
    const auto file = OpenToRead(LargeValuesFile([&](std::string* data) { (*data)[at] = to; }));
    return ReadField(LeafNode(arrow::binary(), file, 0), FormatVersion::kV2_2, 20,
                     {{0, 1, 1}, {6, 1, 0}}, false);
  };
  EXPECT_TRUE(read(5, 'x').ok());                                         // in the value
  EXPECT_EQ(GetErrorKind(read(0, 1).status()), ErrorKind::kCorruptData);  // no value
  for (char length : {0, 1, 2}) {
    EXPECT_EQ(GetErrorKind(read(1, length).status()), ErrorKind::kCorruptData);
  }
}

TEST(FieldRead, PagesMustHoldTheRowsOfTheFile) {
  for (uint64_t rows : {5, 7, 100}) {
    FileBuilder builder(FormatVersion::kV2_2);
    AddIntPage(&builder, 0, {1, 2, 3});
    AddIntPage(&builder, 0, {4, 5, 6});
    auto file = FileReader::Open(ObjectOf(builder.Finish(rows)));
    ASSERT_TRUE(file.ok());
    auto array = ReadField(LeafNode(arrow::int32(), *file, 0), FormatVersion::kV2_2, rows);
    EXPECT_EQ(GetErrorKind(array.status()), ErrorKind::kCorruptData) << array.status();
    EXPECT_NE(array.status().message().find("rows"), std::string::npos) << array.status();
  }
}

TEST(FieldRead, TwoFieldsCannotShareAColumnUnlessTheyAreOfOneType) {
  FileBuilder builder(FormatVersion::kV2_2);
  AddIntPage(&builder, 0, {1, 2, 3});
  auto file = FileReader::Open(ObjectOf(builder.Finish(3)));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(ReadField(LeafNode(arrow::int32(), *file, 0), FormatVersion::kV2_2, 3).ok());
  EXPECT_TRUE(ReadField(LeafNode(arrow::uint32(), *file, 0), FormatVersion::kV2_2, 3).ok());
  for (const auto& type : {arrow::utf8(), arrow::int64(), arrow::boolean(),
                           arrow::dictionary(arrow::int32(), arrow::utf8())}) {
    EXPECT_FALSE(ReadField(LeafNode(type, *file, 0), FormatVersion::kV2_2, 3).ok())
        << type->ToString();
  }
  FieldNode parent{.field = arrow::field("f", arrow::struct_({arrow::field("x", arrow::int32())})),
                   .kind = NodeKind::kStruct,
                   .children = {LeafNode(arrow::int32(), *file, 0, "x")}};
  EXPECT_FALSE(ReadField(parent, FormatVersion::kV2_2, 3).ok());
}

TEST(FieldRead, EncodingsElsewhereAreUnsupported) {
  FileBuilder builder(FormatVersion::kV2_2);
  AddIntPage(&builder, 0, {1, 2, 3});
  auto* encoding = builder.Column(0).mutable_pages(0)->mutable_encoding();
  encoding->mutable_indirect()->set_buffer_location(7);
  auto file = FileReader::Open(ObjectOf(builder.Finish(3)));
  auto array = ReadField(LeafNode(arrow::int32(), *file, 0), FormatVersion::kV2_2, 3);
  EXPECT_EQ(GetErrorKind(array.status()), ErrorKind::kUnsupported) << array.status();
}

TEST(FieldRead, EncodingsOfAnotherVersionAreErrors) {
  FileBuilder builder(FormatVersion::kV2_2);
  builder.AddPage(0, "/lance.encodings.ArrayEncoding", "", 3, {});
  auto file = FileReader::Open(ObjectOf(builder.Finish(3)));
  EXPECT_FALSE(ReadField(LeafNode(arrow::int32(), *file, 0), FormatVersion::kV2_2, 3).ok());
}

TEST(FieldRead, PageBuffersOutsideTheFileAreErrors) {
  for (uint64_t value : {uint64_t{100'000}, ~uint64_t{0}}) {
    for (bool offset : {true, false}) {
      FileBuilder builder(FormatVersion::kV2_2);
      AddIntPage(&builder, 0, {1, 2, 3});
      auto* page = builder.Column(0).mutable_pages(0);
      offset ? page->set_buffer_offsets(1, value) : page->set_buffer_sizes(1, value);
      auto file = FileReader::Open(ObjectOf(builder.Finish(3)));
      auto array = ReadField(LeafNode(arrow::int32(), *file, 0), FormatVersion::kV2_2, 3);
      EXPECT_EQ(GetErrorKind(array.status()), ErrorKind::kCorruptData) << array.status();
    }
  }
}

TEST(FieldRead, FieldsWithoutAColumnAreNull) {
  auto flat = ReadField(LeafNode(arrow::utf8(), nullptr, 0), FormatVersion::kV2_2, 5);
  ASSERT_TRUE(flat.ok()) << flat.status();
  EXPECT_EQ((*flat)->null_count(), 5);
  auto nested = ReadField(NestedNode(nullptr), FormatVersion::kV2_2, 5);
  ASSERT_TRUE(nested.ok()) << nested.status();
  EXPECT_EQ((*nested)->null_count(), 5);
  EXPECT_TRUE((*nested)->ValidateFull().ok());
  auto old = ReadField(LeafNode(arrow::int64(), nullptr, 0), FormatVersion::kV2_0, 5);
  ASSERT_TRUE(old.ok()) << old.status();
  EXPECT_EQ((*old)->null_count(), 5);
}

TEST(FieldRead, FailedReadsNameFileAndColumn) {
  auto store = MakeMemoryStore();
  const std::string bytes = NestedFile();
  ASSERT_TRUE(store->Put("x.lance", encoding::AsBytes(bytes)).ok());
  for (int64_t skip = 1; skip < 3; ++skip) {
    auto faulty = std::make_shared<io::FaultStore>(store);
    auto file = FileReader::Open(*faulty->Open("x.lance"));
    ASSERT_TRUE(file.ok()) << file.status();
    faulty->Fail(io::FaultStore::Call::kRead, ErrorKind::kUnavailable, {.skip = skip - 1});
    auto array = ReadField(NestedNode(*file), FormatVersion::kV2_2, 4);
    EXPECT_EQ(GetErrorKind(array.status()), ErrorKind::kUnavailable) << array.status();
    EXPECT_NE(array.status().ToString().find("x.lance"), std::string::npos) << array.status();
  }
}

TEST(FieldRead, DamagedChunksNameWhereTheyAre) {
  FileBuilder builder(FormatVersion::kV2_2);
  AddIntPage(&builder, 0, {1, 2, 3});
  const uint64_t chunk_at = builder.Column(0).pages(0).buffer_offsets(1);
  std::string bytes = builder.Finish(3);
  bytes[chunk_at + 2] = '\x7F';  // the size of the value buffer
  auto file = FileReader::Open(ObjectOf(bytes));
  auto array = ReadField(LeafNode(arrow::int32(), *file, 0, "numbers"), FormatVersion::kV2_2, 3);
  ASSERT_FALSE(array.ok());
  const auto detail = GetErrorDetail(array.status());
  ASSERT_NE(detail, nullptr);
  EXPECT_NE(detail->where().path.find("x.lance"), std::string::npos);
  EXPECT_EQ(detail->where().column, "numbers");
  EXPECT_EQ(detail->where().offset, chunk_at);
}

// Storage version 2.0.

void SetFlat(lance::encodings::ArrayEncoding* wire, uint64_t bits, uint32_t buffer) {
  wire->mutable_flat()->set_bits_per_value(bits);
  wire->mutable_flat()->mutable_buffer()->set_buffer_index(buffer);
}

/// list<int16>: two pages of lists over two pages of items that are cut elsewhere.
FileBuilder ListFileV2_0() {
  FileBuilder builder(FormatVersion::kV2_0);
  lance::encodings::ArrayEncoding lists, items;
  SetFlat(lists.mutable_list()->mutable_offsets(), 64, 0);
  lists.mutable_list()->set_null_offset_adjustment(4);
  lists.mutable_list()->set_num_items(3);
  builder.AddPage(0, lists, 4, {Raw<uint64_t>({2, 6, 2, 3})});  // [1, 2], null, [], [3]
  lists.mutable_list()->set_null_offset_adjustment(3);
  lists.mutable_list()->set_num_items(2);
  builder.AddPage(0, lists, 2, {Raw<uint64_t>({2, 5})});  // [4, 5], null
  SetFlat(&items, 16, 0);
  builder.AddPage(1, items, 4, {Raw<int16_t>({1, 2, 3, 4})});
  builder.AddPage(1, items, 1, {Raw<int16_t>({5})});
  return builder;
}

FieldNode ListNodeV2_0(const std::shared_ptr<FileReader>& file) {
  FieldNode node = LeafNode(arrow::list(arrow::int16()), file, 0);
  node.kind = NodeKind::kList;
  node.children = {LeafNode(arrow::int16(), file, 1, "item")};
  return node;
}

TEST(FieldReadV2_0, ReadsListsAcrossPages) {
  auto file = FileReader::Open(ObjectOf(ListFileV2_0().Finish(6)));
  ASSERT_TRUE(file.ok()) << file.status();
  const auto expected =
      FromJson(arrow::list(arrow::int16()), "[[1, 2], null, [], [3], [4, 5], null]");
  auto all = ReadField(ListNodeV2_0(*file), FormatVersion::kV2_0, 6);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_TRUE((*all)->Equals(expected)) << (*all)->ToString();
  for (uint64_t row = 0; row < 6; ++row) {
    auto one = ReadField(ListNodeV2_0(*file), FormatVersion::kV2_0, 6, {{row, 1, 0}});
    ASSERT_TRUE(one.ok()) << one.status();
    EXPECT_TRUE((*one)->Equals(expected->Slice(static_cast<int64_t>(row), 1)))
        << (*one)->ToString();
  }
  auto scattered = ReadField(ListNodeV2_0(*file), FormatVersion::kV2_0, 6,
                             {{0, 1, 1}, {4, 1, 0}, {4, 1, 2}}, false);
  ASSERT_TRUE(scattered.ok()) << scattered.status();
  EXPECT_TRUE(
      (*scattered)->Equals(FromJson(arrow::list(arrow::int16()), "[[4, 5], [1, 2], [4, 5]]")));
}

TEST(FieldReadV2_0, ListsThatPointBeyondTheirItemsAreErrors) {
  FileBuilder builder = ListFileV2_0();
  builder.Column(1).mutable_pages()->RemoveLast();
  auto file = FileReader::Open(ObjectOf(builder.Finish(6)));
  auto array = ReadField(ListNodeV2_0(*file), FormatVersion::kV2_0, 6);
  EXPECT_EQ(GetErrorKind(array.status()), ErrorKind::kCorruptData) << array.status();
}

TEST(FieldReadV2_0, DamageNamesThePageOrTheByte) {
  FileBuilder builder(FormatVersion::kV2_0);
  lance::encodings::ArrayEncoding wire;
  SetFlat(&wire, 16, 0);
  builder.AddPage(0, wire, 2, {Raw<int16_t>({1, 2})});
  builder.AddPage(0, wire, 3, {Raw<int16_t>({3, 4})});  // too short
  SetFlat(&wire, 24, 0);
  builder.AddPage(1, wire, 2, {"abcdef"});
  auto file = FileReader::Open(ObjectOf(builder.Finish(5)));
  ASSERT_TRUE(file.ok()) << file.status();
  auto array = ReadField(LeafNode(arrow::int16(), *file, 0), FormatVersion::kV2_0, 5);
  const auto detail = GetErrorDetail(array.status());
  ASSERT_NE(detail, nullptr) << array.status();
  EXPECT_EQ(detail->where().offset, 64u);
  EXPECT_EQ(detail->where().path, "memory://x.lance");
  array = ReadField(LeafNode(arrow::int16(), *file, 1), FormatVersion::kV2_0, 2);
  EXPECT_NE(array.status().message().find("page 0: "), std::string::npos) << array.status();
}

TEST(FieldReadV2_0, ColumnsShorterThanTheFileAreErrors) {
  auto file = FileReader::Open(ObjectOf(ListFileV2_0().Finish(7)));
  auto array = ReadField(ListNodeV2_0(*file), FormatVersion::kV2_0, 7);
  EXPECT_EQ(GetErrorKind(array.status()), ErrorKind::kCorruptData) << array.status();
}

TEST(FieldReadV2_0, PagesOfImpossibleSizeAreErrors) {
  const auto type = arrow::fixed_size_list(arrow::int64(), 1 << 20);
  lance::encodings::ArrayEncoding wire;
  wire.mutable_fixed_size_list()->set_dimension(1 << 20);
  SetFlat(wire.mutable_fixed_size_list()->mutable_items(), 64, 0);
  wire.mutable_fixed_size_list()
      ->mutable_items()
      ->mutable_flat()
      ->mutable_compression()
      ->set_scheme("zstd");
  const uint64_t rows = uint64_t{1} << 44;
  FileBuilder builder(FormatVersion::kV2_0);
  builder.AddPage(0, wire, rows, {std::string(64, 'x')});
  auto file = FileReader::Open(ObjectOf(builder.Finish(1)));
  ASSERT_TRUE(file.ok()) << file.status();
  auto array = ReadField(LeafNode(type, *file, 0), FormatVersion::kV2_0, rows, {{rows - 1, 1, 0}});
  EXPECT_EQ(GetErrorKind(array.status()), ErrorKind::kCorruptData) << array.status();
}

TEST(FieldReadV2_0, TwoFieldsCannotShareAColumnUnlessTheyAreOfOneType) {
  auto file = FileReader::Open(ObjectOf(ListFileV2_0().Finish(6)));
  ASSERT_TRUE(ReadField(ListNodeV2_0(*file), FormatVersion::kV2_0, 6).ok());
  EXPECT_FALSE(ReadField(LeafNode(arrow::int16(), *file, 0), FormatVersion::kV2_0, 6).ok());
  EXPECT_FALSE(ReadField(LeafNode(arrow::utf8(), *file, 1), FormatVersion::kV2_0, 5).ok());
}

TEST(FieldReadV2_0, DamagedFilesDoNotCrash) {
  const std::string good = ListFileV2_0().Finish(6);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string damaged = good;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    auto file = FileReader::Open(ObjectOf(damaged));
    if (!file.ok() || (*file)->version() != FormatVersion::kV2_0) continue;
    auto read = ReadField(ListNodeV2_0(*file), FormatVersion::kV2_0, 6);
    if (read.ok()) {
      EXPECT_TRUE((*read)->Validate().ok()) << (*read)->Validate();
    }
  }
}

}  // namespace
}  // namespace pilum::file
