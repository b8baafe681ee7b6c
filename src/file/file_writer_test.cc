#include "file/file_writer.h"

#include <gtest/gtest.h>

#include <arrow/array/concatenate.h>
#include <arrow/compute/cast.h>
#include <arrow/json/from_string.h>

#include "file/test_file.h"
#include "pilum/error.h"
#include "runtime/busy_cpus.h"

namespace pilum::file {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

ArrayPtr FromJson(const TypePtr& type, const std::string& json) {
  auto array = arrow::json::ArrayFromJSONString(type, json);
  EXPECT_TRUE(array.ok()) << array.status();
  return array.ValueOr(nullptr);
}

FieldNode NodeOf(const std::shared_ptr<arrow::Field>& field, NodeKind kind) {
  FieldNode node{.field = field, .kind = kind};
  if (!IsInner(node.kind)) return node;
  for (const auto& child : field->type()->fields())
    node.children.push_back(NodeOf(child, PlainKind(*child->type())));
  return node;
}

/// In 2.0 structs and lists have columns, too.
void SetSources(const std::shared_ptr<FileReader>& file, bool inner_too, uint32_t* column,
                FieldNode* node) {
  if (!IsInner(node->kind) || inner_too) node->sources = {{file, (*column)++}};
  for (FieldNode& child : node->children) SetSources(file, inner_too, column, &child);
}

struct Written {
  std::shared_ptr<FileReader> file;
  FieldNode node;
};

/// A file of one column, whose rows come in these pieces.
arrow::Result<Written> WriteColumn(const arrow::ArrayVector& pieces, FileWriterOptions options,
                                   std::optional<NodeKind> kind = std::nullopt) {
  auto store = MakeMemoryStore();
  ARROW_ASSIGN_OR_RAISE(auto object, store->Create("x.lance"));
  const auto field = arrow::field("f", pieces[0]->type());
  FieldNode node = NodeOf(field, kind.value_or(PlainKind(*field->type())));
  ARROW_ASSIGN_OR_RAISE(auto writer,
                        FileWriter::Make({.file = std::move(object)}, {node}, {}, options));
  for (const auto& piece : pieces) {
    ARROW_RETURN_NOT_OK(
        writer->Write(*arrow::RecordBatch::Make(arrow::schema({field}), piece->length(), {piece})));
  }
  ARROW_RETURN_NOT_OK(writer->Finish().status());
  ARROW_ASSIGN_OR_RAISE(auto opened, store->Open("x.lance"));
  ARROW_ASSIGN_OR_RAISE(auto file, FileReader::Open(opened));
  uint32_t column = 0;
  SetSources(file, options.version == FormatVersion::kV2_0, &column, &node);
  EXPECT_EQ(file->num_columns(), column);
  return Written{file, node};
}

/// The values of dictionaries in place of keys, which depend on the pages that were read.
ArrayPtr Decoded(const arrow::Array& array) {
  TypePtr type = array.type();
  const auto value_of = [](const TypePtr& dictionary) {
    return static_cast<const arrow::DictionaryType&>(*dictionary).value_type();
  };
  if (type->id() == arrow::Type::DICTIONARY) {
    type = value_of(type);
  } else if (type->id() == arrow::Type::LIST &&
             type->field(0)->type()->id() == arrow::Type::DICTIONARY) {
    type = arrow::list(value_of(type->field(0)->type()));
  }
  return arrow::compute::Cast(array, type).ValueOrDie();
}

void ExpectEqual(const arrow::Array& got, const arrow::Array& want, const std::string& what) {
  ASSERT_TRUE(got.ValidateFull().ok()) << what << got.ValidateFull();
  ASSERT_TRUE(Decoded(got)->Equals(*Decoded(want)))
      << what << "\ngot " << got.ToString() << "\nwant " << want.ToString();
}

void ExpectReadsBack(const arrow::ArrayVector& pieces, const FileWriterOptions& options,
                     std::optional<NodeKind> kind) {
  auto written = WriteColumn(pieces, options, kind);
  ASSERT_TRUE(written.ok()) << written.status();
  auto want = arrow::Concatenate(pieces).ValueOrDie();
  const auto n = static_cast<uint64_t>(want->length());
  auto all = ReadField(written->node, options.version, n);
  ASSERT_TRUE(all.ok()) << all.status();
  ExpectEqual(**all, *want, "all rows: ");
  for (uint64_t row = 0; row < n; ++row) {
    auto one = ReadField(written->node, options.version, n, {{row, 1, 0}});
    ASSERT_TRUE(one.ok()) << "row " << row << ": " << one.status();
    ExpectEqual(**one, *want->Slice(static_cast<int64_t>(row), 1),
                "row " + std::to_string(row) + ": ");
  }
}

struct Case {
  const char* name;
  TypePtr type;
  std::string json;
  bool in_2_1 = true;
  bool in_2_0 = true;
  std::optional<NodeKind> kind = std::nullopt;
};

std::string Text(size_t n) { return "\"" + std::string(n, 'x') + "\""; }

TypePtr Item() {
  return arrow::struct_({arrow::field("a", arrow::int16()), arrow::field("b", arrow::utf8())});
}

std::vector<Case> Cases() {
  using namespace arrow;
  return {
      {"int", int32(), "[1,2,null,-4,5]"},
      {"no_nulls", int64(), "[1,2,3,4,5]"},
      {"all_null", int64(), "[null,null,null]"},
      {"one_value", int64(), "[7,7,7]"},
      {"one_value_or_null", utf8(), "[\"x\",null,\"x\"]"},
      {"bool", boolean(), "[true,false,null,true,true,false,true,false,false,true]"},
      {"one_bool", boolean(), "[true,null,true]"},
      {"double", float64(), "[1.5,-0.0,0.0,null]"},
      {"null", null(), "[null,null,null]"},
      {"string", utf8(), "[\"a\",\"\",null,\"bcd\",\"\"]"},
      {"large_string", large_utf8(), "[\"a\",\"\",null,\"bcd\"]"},
      {"long_string", utf8(), "[\"a\"," + Text(300) + ",null,\"\"," + Text(256) + "]"},
      {"long_large_string", large_utf8(), "[\"a\"," + Text(300) + ",null,\"\"]"},
      {"fixed_size_binary", fixed_size_binary(3), "[\"abc\",null,\"def\"]"},
      {"decimal", decimal128(10, 2), "[\"1.25\",null,\"-7.00\"]"},
      {"vector", fixed_size_list(float32(), 3), "[[1,2,3],null,[4,null,6],[7,8,9]]"},
      {"long_vector", fixed_size_list(int32(), 70),
       "[[" +
           [] {
             std::string s = "0";
             for (int i = 1; i < 70; ++i) s += "," + std::to_string(i);
             return s;
           }() +
           "],null]"},
      {"nested_vector", fixed_size_list(fixed_size_list(int8(), 2), 2),
       "[[[1,2],null],null,[[3,null],[5,6]]]"},
      {"bool_vector", fixed_size_list(boolean(), 3), "[[true,false,true],[false,false,null],null]"},
      {"struct", Item(),
       "[{\"a\":1,\"b\":\"x\"},null,{\"a\":null,\"b\":\"z\"},{\"a\":4,\"b\":null}]", true, false},
      {"list", list(int32()), "[[1,null],null,[],[3],[4,5,6]]"},
      {"empty_lists", list(int32()), "[[],[],[]]"},
      {"no_lists", list(int32()), "[null,[],null]"},
      {"large_list", large_list(utf8()), "[[\"a\"],null,[],[\"b\",null]]"},
      {"list_of_lists", list(list(int32())), "[[[1],[2,3]],[],null,[[],null,[4]],[null]]"},
      {"list_of_structs", list(Item()),
       "[[{\"a\":1,\"b\":\"x\"},null],[],null,[{\"a\":null,\"b\":null}]]", true, false},
      {"struct_of_lists", struct_({field("l", list(struct_({field("m", list(float32()))})))}),
       "[{\"l\":null},null,{\"l\":[]},{\"l\":[null,{\"m\":null},{\"m\":[]},{\"m\":[1,null]}]}]",
       true, false},
      {"list_of_long_strings", list(utf8()),
       "[[" + Text(300) + ",null],null,[],[\"a\"," + Text(400) + "]]"},
      {"list_of_vectors", list(fixed_size_list(float32(), 2)), "[[[1,2],null],[],null,[[3,null]]]"},
      {"dictionary", dictionary(int8(), utf8()), "[\"a\",\"b\",null,\"a\"]"},
      {"list_of_dictionaries", list(dictionary(int16(), utf8())),
       "[[\"a\",null],[],null,[\"b\",\"a\"]]"},
      {"map", map(utf8(), int32()), "[[[\"a\",1],[\"b\",null]],null,[]]", false, false},
      {"vector_of_structs", fixed_size_list(Item(), 2),
       "[[{\"a\":1,\"b\":\"x\"},null],null,[{\"a\":3,\"b\":null},{\"a\":4,\"b\":\"w\"}]]", false,
       false},
      {"packed", struct_({field("a", int32()), field("b", float64())}),
       "[{\"a\":1,\"b\":2},null,{\"a\":3,\"b\":4},{\"a\":5,\"b\":6}]", true, false,
       NodeKind::kPackedStruct},
      {"packed_strings",
       struct_({field("a", int32()), field("s", utf8()), field("v", fixed_size_list(int16(), 3)),
                field("l", large_binary())}),
       "[{\"a\":1,\"s\":\"x\",\"v\":[1,2,3],\"l\":\"\"},null,"
       "{\"a\":2,\"s\":\"\",\"v\":[4,5,6],\"l\":" +
           Text(300) + "}]",
       false, false, NodeKind::kPackedStruct},
      {"json", utf8(),
       R"(["{\"a\":[1,-2,0.5,null,true]}",null,"\"text\"","[]","18446744073709551615"])", true,
       true, NodeKind::kJson},
      {"full_struct", Item(),
       "[{\"a\":1,\"b\":\"x\"},{\"a\":null,\"b\":\"z\"},{\"a\":4,\"b\":null}]"},
      {"list_of_full_structs", list(Item()),
       "[[{\"a\":1,\"b\":\"x\"},{\"a\":2,\"b\":null}],[],null,[{\"a\":null,\"b\":null}]]"},
      {"full_packed", struct_({field("a", int32()), field("v", fixed_size_list(int16(), 2))}),
       "[{\"a\":1,\"v\":[2,3]},{\"a\":3,\"v\":[4,5]}]", false, true, NodeKind::kPackedStruct},
  };
}

std::vector<FormatVersion> VersionsOf(const Case& c) {
  std::vector<FormatVersion> versions = {FormatVersion::kV2_2};
  if (c.in_2_1) versions.push_back(FormatVersion::kV2_1);
  if (c.in_2_0) versions.push_back(FormatVersion::kV2_0);
  return versions;
}

const char* NameOf(FormatVersion version) {
  return version == FormatVersion::kV2_0 ? "2.0" : version == FormatVersion::kV2_1 ? "2.1" : "2.2";
}

class FileWriterTest : public ::testing::TestWithParam<Case> {};

TEST_P(FileWriterTest, ReadsBack) {
  const ArrayPtr array = FromJson(GetParam().type, GetParam().json);
  for (FormatVersion version : VersionsOf(GetParam())) {
    SCOPED_TRACE(NameOf(version));
    ExpectReadsBack({array}, {.version = version}, GetParam().kind);
    ExpectReadsBack({array->Slice(1), array->Slice(0, 2), array->Slice(1, 1)}, {.version = version},
                    GetParam().kind);
    ExpectReadsBack({array->Slice(1), array, array->Slice(0, 2)},
                    {.version = version, .page_bytes = 1}, GetParam().kind);
  }
}

TEST_P(FileWriterTest, ManyRowsReadBack) {
  const ArrayPtr array = FromJson(GetParam().type, GetParam().json);
  arrow::ArrayVector pieces(20, array);
  for (int64_t i = 0; i + 1 < array->length(); ++i) pieces.push_back(array->Slice(i, 2));
  const ArrayPtr once = arrow::Concatenate(pieces).ValueOrDie();
  const ArrayPtr many = arrow::Concatenate(arrow::ArrayVector(150, once)).ValueOrDie();
  for (FormatVersion version : VersionsOf(GetParam())) {
    SCOPED_TRACE(NameOf(version));
    auto written =
        WriteColumn({many->Slice(3)}, {.version = version, .page_bytes = 1 << 16}, GetParam().kind);
    ASSERT_TRUE(written.ok()) << written.status();
    const auto n = static_cast<uint64_t>(many->length() - 3);
    auto all = ReadField(written->node, version, n);
    ASSERT_TRUE(all.ok()) << all.status();
    ExpectEqual(**all, *many->Slice(3), "all rows: ");
    for (uint64_t row = 0; row < n; row += n / 100) {
      auto one = ReadField(written->node, version, n, {{row, 1, 0}});
      ASSERT_TRUE(one.ok()) << one.status();
      ExpectEqual(**one, *many->Slice(static_cast<int64_t>(row) + 3, 1), "one row: ");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, FileWriterTest, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(FileWriter, ManyEmptyListsBetweenTwoValues) {
  std::string json = "[[1,2,3]";
  for (int i = 0; i < 70'000; ++i) json += i % 2 == 0 ? ",[]" : ",null";
  const ArrayPtr array = FromJson(arrow::list(arrow::int8()), json + ",[4]]");
  for (FormatVersion version : {FormatVersion::kV2_1, FormatVersion::kV2_2}) {
    auto written = WriteColumn({array}, {.version = version});
    ASSERT_TRUE(written.ok()) << written.status();
    auto all = ReadField(written->node, version, static_cast<uint64_t>(array->length()));
    ASSERT_TRUE(all.ok()) << all.status();
    ExpectEqual(**all, *array, "");
  }
}

TEST(FileWriter, GoesOnAloneWhenOtherThreadsAreBusy) {
  const ArrayPtr array = FromJson(arrow::list(arrow::utf8()), R"([["a","bc"],[],null,["d"]])");
  const ArrayPtr many = arrow::Concatenate(arrow::ArrayVector(50'000, array)).ValueOrDie();
  const runtime::BusyCpus busy;
  auto written = WriteColumn({many}, {.page_bytes = 1 << 16});
  ASSERT_TRUE(written.ok()) << written.status();
  auto all = ReadField(written->node, FormatVersion::kV2_2, static_cast<uint64_t>(many->length()));
  ASSERT_TRUE(all.ok()) << all.status();
  ExpectEqual(**all, *many, "");
}

TEST(FileWriter, ErrorsOfPagesNameTheColumn) {
  auto written = WriteColumn({FromJson(arrow::struct_({}), "[{}, null]")}, {});
  EXPECT_EQ(GetErrorKind(written.status()), ErrorKind::kInvalidArgument) << written.status();
  ASSERT_NE(GetErrorDetail(written.status()), nullptr);
  EXPECT_EQ(GetErrorDetail(written.status())->where().column, "f");
}

TEST(FileWriter, RefusesWhatTheVersionCannotHold) {
  const ArrayPtr array = FromJson(arrow::map(arrow::utf8(), arrow::int32()), "[[[\"a\",1]]]");
  auto written = WriteColumn({array}, {.version = FormatVersion::kV2_1});
  EXPECT_EQ(GetErrorKind(written.status()), ErrorKind::kUnsupported) << written.status();
  for (const auto& [type, json] : std::vector<std::pair<TypePtr, std::string>>{
           {array->type(), "[null]"},
           {arrow::fixed_size_list(Item(), 2), "[null]"},
           {Item(), "[null]"},
           {arrow::list(Item()), "[[null]]"},
           {arrow::struct_({arrow::field("s", Item())}), "[{\"s\":null}]"}}) {
    written = WriteColumn({FromJson(type, json)}, {.version = FormatVersion::kV2_0});
    EXPECT_NE(written.status().message().find("storage version 2.0 cannot hold"), std::string::npos)
        << type->ToString() << written.status();
  }
  const ArrayPtr rows = FromJson(arrow::struct_({arrow::field("s", arrow::utf8())}), "[null]");
  written = WriteColumn({rows}, {.version = FormatVersion::kV2_1}, NodeKind::kPackedStruct);
  EXPECT_EQ(GetErrorKind(written.status()), ErrorKind::kUnsupported) << written.status();
}

TEST(FileWriter, PackedStructsHaveNoPlaceForNullsInThem) {
  const auto vector = arrow::fixed_size_list(arrow::int32(), 2);
  for (const auto& [type, json] : std::vector<std::pair<TypePtr, std::string>>{
           {arrow::int32(), "null"}, {arrow::utf8(), "null"}, {vector, "[1,null]"}}) {
    const auto rows = arrow::struct_({arrow::field("a", type)});
    auto written =
        WriteColumn({FromJson(rows, "[null,{\"a\":" + json + "}]")}, {}, NodeKind::kPackedStruct);
    EXPECT_EQ(GetErrorKind(written.status()), ErrorKind::kInvalidArgument) << written.status();
  }
}

TEST(FileWriter, JsonIsChecked) {
  auto written =
      WriteColumn({FromJson(arrow::utf8(), R"([null,"{\"a\":}"])")}, {}, NodeKind::kJson);
  EXPECT_EQ(GetErrorKind(written.status()), ErrorKind::kInvalidArgument) << written.status();
}

}  // namespace
}  // namespace pilum::file
