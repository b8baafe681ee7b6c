#include "file/file_reader.h"

#include <gtest/gtest.h>

#include <limits>

#include "file/page_summary.h"
#include "file/test_file.h"
#include "io/fault_store.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using encoding::FlatWire;

lance::encodings21::PageLayout ConstantLayout(uint32_t value) {
  lance::encodings21::PageLayout layout;
  layout.mutable_constant_layout()->add_layers(lance::encodings21::REPDEF_ALL_VALID_ITEM);
  layout.mutable_constant_layout()->set_inline_value(Number(value));
  return layout;
}

/// Two int32 columns of 3 rows.
FileBuilder SmallFile(FormatVersion version = FormatVersion::kV2_2) {
  FileBuilder builder(version);
  builder.AddPage(0, ConstantLayout(7), 3, {});
  builder.AddPage(1, ConstantLayout(8), 3, {});
  return builder;
}

void ExpectCorrupt(const arrow::Status& status, std::string_view text = "") {
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(GetErrorKind(status), ErrorKind::kCorruptData) << status.ToString();
  EXPECT_NE(status.message().find(text), std::string::npos) << status.ToString();
  EXPECT_NE(status.ToString().find("x.lance"), std::string::npos)
      << "names no file: " << status.ToString();
}

TEST(FileReader, OpensAllVersions) {
  for (auto version : {FormatVersion::kV2_0, FormatVersion::kV2_1, FormatVersion::kV2_2}) {
    auto file = FileReader::Open(ObjectOf(SmallFile(version).Finish(3)));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ((*file)->version(), version);
    EXPECT_EQ((*file)->num_rows(), 3u);
    EXPECT_EQ((*file)->num_columns(), 2u);
  }
}

TEST(FileReader, RefusesOtherVersions) {
  for (auto [major, minor] :
       std::vector<std::pair<uint16_t, uint16_t>>{{0, 1}, {0, 2}, {2, 3}, {2, 9}, {3, 0}}) {
    FileBuilder builder = SmallFile();
    builder.footer.major = major;
    builder.footer.minor = minor;
    auto file = FileReader::Open(ObjectOf(builder.Finish(3)));
    EXPECT_EQ(GetErrorKind(file.status()), ErrorKind::kUnsupported) << file.status();
    EXPECT_NE(file.status().ToString().find("x.lance"), std::string::npos);
  }
}

TEST(FileReader, EveryDamagedFieldOfTheFooterIsAnError) {
  FileBuilder builder = SmallFile();
  const std::string good = builder.Finish(3);
  const std::string body = good.substr(0, good.size() - 40);
  const auto open = [&](const FileBuilder::Footer& footer) {
    return FileReader::Open(ObjectOf(body + footer.Encode())).status();
  };
  ASSERT_TRUE(open(builder.footer).ok());
  const uint64_t end = good.size();
  for (uint64_t position : {end - 39, end, end + 1, uint64_t{1} << 40, ~uint64_t{0}}) {
    auto footer = builder.footer;
    footer.columns_at = position;
    ExpectCorrupt(open(footer), "");
    footer = builder.footer;
    footer.column_table = position;
    ExpectCorrupt(open(footer));
    footer = builder.footer;
    footer.global_table = position;
    ExpectCorrupt(open(footer));
  }
  for (uint32_t count : {uint32_t{200}, uint32_t{1} << 20, (uint32_t{1} << 20) + 1, ~uint32_t{0}}) {
    auto footer = builder.footer;
    footer.num_columns = count;
    ExpectCorrupt(open(footer));
    footer = builder.footer;
    footer.num_globals = count;
    ExpectCorrupt(open(footer));
  }
  auto footer = builder.footer;
  footer.num_globals = 0;
  ExpectCorrupt(open(footer));
  footer = builder.footer;
  footer.magic = "LANX";
  ExpectCorrupt(open(footer), "LANC");
}

TEST(FileReader, TruncatedFilesAreErrors) {
  const std::string good = SmallFile().Finish(3);
  for (size_t size = 0; size < good.size(); ++size) {
    ExpectCorrupt(FileReader::Open(ObjectOf(good.substr(0, size))).status());
  }
}

TEST(FileReader, FlippedBitsDoNotCrash) {
  const std::string good = SmallFile().Finish(3);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string damaged = good;
    damaged[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    auto file = FileReader::Open(ObjectOf(damaged));
    if (!file.ok()) continue;
    for (uint32_t column = 0; column < (*file)->num_columns(); ++column)
      (void)SummarizePages(**file, column);
  }
}

TEST(FileReader, ReadsTailsLongerThanOneRead) {
  FileBuilder builder = SmallFile();
  // The metadata of the columns alone is longer than what is read at first; the schema lies before
  // it.
  builder.Column(5).mutable_encoding()->mutable_direct()->set_encoding(std::string(100 << 10, 'x'));
  builder.filler = std::string(10 << 10, 'y');
  auto file = FileReader::Open(ObjectOf(builder.Finish(3)));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->num_columns(), 6u);
  EXPECT_EQ((*file)->num_rows(), 3u);
  EXPECT_EQ((*file)->ReadColumnMetadata(5)->encoding().direct().encoding().size(),
            size_t{100} << 10);
}

TEST(FileReader, ColumnsOutOfRangeAreErrors) {
  auto file = FileReader::Open(ObjectOf(SmallFile().Finish(3)));
  ASSERT_TRUE(file.ok());
  ExpectCorrupt((*file)->ReadColumnMetadata(2).status(), "column 2");
  ExpectCorrupt((*file)->ReadColumnMetadata(std::numeric_limits<uint32_t>::max()).status());
}

TEST(FileReader, ColumnMetadataOutsideTheFileIsAnError) {
  FileBuilder builder = SmallFile();
  const std::string good = builder.Finish(3);
  for (uint64_t word = 0; word < 4; ++word) {  // position and size of both columns
    for (uint64_t value : {uint64_t{good.size()}, ~uint64_t{0}, uint64_t{1} << 62}) {
      std::string damaged = good;
      damaged.replace(builder.footer.column_table + word * 8, 8, Number(value));
      ExpectCorrupt(FileReader::Open(ObjectOf(damaged)).status(), "column");
    }
  }
}

TEST(FileReader, SchemasOutsideTheFileAreErrors) {
  FileBuilder builder = SmallFile();
  const std::string good = builder.Finish(3);
  for (uint64_t word = 0; word < 2; ++word) {
    std::string damaged = good;
    damaged.replace(builder.footer.global_table + word * 8, 8, Number(~uint64_t{0} - 5));
    ExpectCorrupt(FileReader::Open(ObjectOf(damaged)).status(), "schema");
  }
  ExpectCorrupt(FileReader::Open(ObjectOf(SmallFile().Finish(uint64_t{1} << 33))).status(), "rows");
}

TEST(FileReader, DamagedColumnMetadataIsAnError) {
  FileBuilder builder = SmallFile();
  std::string file = builder.Finish(3);
  file.replace(builder.footer.columns_at, 4, "\xFF\xFF\xFF\xFF");
  auto opened = FileReader::Open(ObjectOf(file));
  ASSERT_TRUE(opened.ok()) << opened.status();
  ExpectCorrupt((*opened)->ReadColumnMetadata(0).status(), "column 0");
}

TEST(FileReader, FailedReadsNameTheFile) {
  auto store = MakeMemoryStore();
  FileBuilder builder = SmallFile();
  builder.filler = std::string(100 << 10, 'y');
  const std::string bytes = builder.Finish(3);
  ASSERT_TRUE(store->Put("x.lance", encoding::AsBytes(bytes)).ok());
  for (int64_t skip = 0; skip < 2; ++skip) {
    auto faulty = std::make_shared<io::FaultStore>(store);
    faulty->Fail(io::FaultStore::Call::kRead, ErrorKind::kUnavailable, {.skip = skip});
    auto object = faulty->Open("x.lance");
    ASSERT_TRUE(object.ok());
    auto file = FileReader::Open(*object);
    EXPECT_EQ(GetErrorKind(file.status()), ErrorKind::kUnavailable) << file.status();
    EXPECT_NE(file.status().ToString().find("x.lance"), std::string::npos) << file.status();
  }
}

TEST(FileReader, FilesThatShrankAreErrors) {
  auto store = MakeMemoryStore();
  const std::string bytes = SmallFile().Finish(3);
  ASSERT_TRUE(store->Put("x.lance", encoding::AsBytes(bytes)).ok());
  for (bool noticed : {false, true}) {
    auto faulty = std::make_shared<io::FaultStore>(store);
    faulty->Truncate(bytes.size() - 10, noticed);
    ExpectCorrupt(FileReader::Open(*faulty->Open("x.lance")).status());
  }
}

TEST(PageSummary, SaysWhatPagesAreMadeOf) {
  FileBuilder builder = SmallFile();
  lance::encodings21::PageLayout layout;
  *layout.mutable_full_zip_layout()->mutable_value_compression() = FlatWire(32);
  builder.AddPage(1, layout, 3, {"abcd", "ef"});
  auto file = FileReader::Open(ObjectOf(builder.Finish(3)));
  ASSERT_TRUE(file.ok()) << file.status();
  auto pages = SummarizePages(**file, 1);
  ASSERT_TRUE(pages.ok()) << pages.status();
  ASSERT_EQ(pages->size(), 2u);
  EXPECT_EQ((*pages)[1].stored_bytes, 6u);
  EXPECT_EQ((*pages)[1].description, "full-zip flat32");
}

}  // namespace
}  // namespace pilum::file
