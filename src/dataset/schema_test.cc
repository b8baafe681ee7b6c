#include "dataset/schema.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "dataset/manifest.h"
#include "dataset/test_manifest.h"

namespace pilum::dataset {
namespace {

struct Entry {
  int32_t id;
  int32_t parent;
  const char* name;
  const char* type;
  std::map<std::string, std::string> metadata = {};
  bool nullable = true;
};

arrow::Result<Schema> MakeSchemaOf(const std::vector<Entry>& entries) {
  lance::table::Manifest manifest;
  for (const Entry& entry : entries) {
    auto* field = manifest.add_fields();
    field->set_id(entry.id);
    field->set_parent_id(entry.parent);
    field->set_name(entry.name);
    field->set_logical_type(entry.type);
    field->set_nullable(entry.nullable);
    for (const auto& [key, value] : entry.metadata) (*field->mutable_metadata())[key] = value;
  }
  return MakeSchema(manifest);
}

std::shared_ptr<arrow::DataType> TypeOf(const std::vector<Entry>& entries) {
  auto schema = MakeSchemaOf(entries);
  EXPECT_TRUE(schema.ok()) << schema.status().ToString();
  return schema.ok() ? schema->fields.at(0).arrow->type() : arrow::null();
}

TEST(Schema, MakesStructsAndLists) {
  EXPECT_TRUE(TypeOf({{0, -1, "s", "struct"},
                      {1, 0, "l", "large_list"},
                      {2, 1, "item", "int32"},
                      {3, 0, "m", "string", {}, false}})
                  ->Equals(arrow::struct_({arrow::field("l", arrow::large_list(arrow::int32())),
                                           arrow::field("m", arrow::utf8(), false)})));
  auto item = arrow::struct_({arrow::field("a", arrow::boolean())});
  EXPECT_TRUE(TypeOf({{0, -1, "l", "list.struct"}, {1, 0, "item", "struct"}, {2, 1, "a", "bool"}})
                  ->Equals(arrow::list(item)));
  EXPECT_TRUE(
      TypeOf({{0, -1, "l", "large_list.struct"}, {1, 0, "item", "struct"}, {2, 1, "a", "bool"}})
          ->Equals(arrow::large_list(item)));
  EXPECT_TRUE(
      TypeOf(
          {{0, -1, "f", "fixed_size_list:struct:2"}, {1, 0, "item", "struct"}, {2, 1, "a", "bool"}})
          ->Equals(arrow::fixed_size_list(item, 2)));
  EXPECT_TRUE(TypeOf({{0, -1, "s", "struct"}})->Equals(arrow::struct_(arrow::FieldVector())));
}

TEST(Schema, MakesMaps) {
  EXPECT_TRUE(TypeOf({{0, -1, "m", "map"},
                      {1, 0, "entries", "struct", {}, false},
                      {2, 1, "key", "string", {}, false},
                      {3, 1, "value", "int32"}})
                  ->Equals(arrow::map(arrow::utf8(), arrow::int32())));
}

TEST(Schema, RefusesMapsThatAreNone) {
  ExpectError(MakeSchemaOf({{0, -1, "m", "map"}, {1, 0, "entries", "int8", {}, false}}).status(),
              ErrorKind::kCorruptData, "map");
  ExpectError(MakeSchemaOf({{0, -1, "m", "map"},
                            {1, 0, "entries", "struct", {}, false},
                            {2, 1, "key", "string", {}, false}})
                  .status(),
              ErrorKind::kCorruptData, "map");
}

TEST(Schema, ReadsAnAbsentParentAsFieldZero) {
  lance::table::Manifest manifest;
  auto* top = manifest.add_fields();
  top->set_name("s");
  top->set_parent_id(-1);
  top->set_logical_type("struct");
  auto* child = manifest.add_fields();
  child->set_name("a");
  child->set_id(1);
  child->set_logical_type("int8");
  auto schema = MakeSchema(manifest);
  ASSERT_TRUE(schema.ok()) << schema.status().ToString();
  ASSERT_EQ(schema->fields.size(), 1u);
  EXPECT_NE(schema->Find("s.a"), nullptr);
}

TEST(Schema, KeepsFieldAndSchemaMetadata) {
  lance::table::Manifest manifest = SmallManifest();
  (*manifest.mutable_schema_metadata())["k"] = "v";
  (*manifest.mutable_fields(0)->mutable_metadata())["unit"] = "m";
  auto schema = MakeSchema(manifest).ValueOrDie();
  auto expected = arrow::schema(
      {arrow::field("a", arrow::int32(), true, arrow::key_value_metadata({{"unit", "m"}}))},
      arrow::key_value_metadata({{"k", "v"}}));
  EXPECT_TRUE(schema.arrow->Equals(*expected, true)) << schema.arrow->ToString(true);
}

TEST(Schema, KeepsTheStorageOfExtensionsWithTheirMetadata) {
  auto schema = MakeSchemaOf(
      {{0, -1, "h", "fixed_size_binary:2", {{"ARROW:extension:name", "lance.bfloat16"}}}});
  auto expected =
      arrow::field("h", arrow::fixed_size_binary(2), true,
                   arrow::key_value_metadata({{"ARROW:extension:name", "lance.bfloat16"}}));
  EXPECT_TRUE(schema->fields[0].arrow->Equals(*expected, true));
}

TEST(Schema, JsonIsText) {
  auto schema = MakeSchemaOf({{0, -1, "j", "json", {{"ARROW:extension:name", "lance.json"}}}});
  auto expected = arrow::field("j", arrow::utf8(), true,
                               arrow::key_value_metadata({{"ARROW:extension:name", "arrow.json"}}));
  EXPECT_TRUE(schema->fields[0].arrow->Equals(*expected, true));
}

FieldKind KindOf(const char* type, std::map<std::string, std::string> metadata) {
  return MakeSchemaOf({{0, -1, "f", type, std::move(metadata)}}).ValueOrDie().fields[0].kind;
}

TEST(Schema, TellsFieldKindsByMetadata) {
  EXPECT_EQ(KindOf("struct", {}), FieldKind::kPlain);
  EXPECT_EQ(KindOf("struct", {{"lance-encoding:packed", "anything"}}), FieldKind::kPackedStruct);
  EXPECT_EQ(KindOf("struct", {{"packed", "true"}}), FieldKind::kPackedStruct);
  EXPECT_EQ(KindOf("struct", {{"packed", "false"}}), FieldKind::kPlain);
  EXPECT_EQ(KindOf("int32", {{"packed", "true"}}), FieldKind::kPlain);
  EXPECT_EQ(KindOf("large_binary", {}), FieldKind::kPlain);
  EXPECT_EQ(KindOf("large_binary", {{"lance-encoding:blob", "true"}}), FieldKind::kBlobV1);
  EXPECT_EQ(KindOf("binary", {{"lance-encoding:blob", "true"}}), FieldKind::kPlain);
  EXPECT_EQ(KindOf("blob", {}), FieldKind::kBlobV2);
  EXPECT_EQ(KindOf("struct", {{"ARROW:extension:name", "lance.blob.v2"}}), FieldKind::kBlobV2);
}

TEST(Schema, ShowsBlobsAsTheirValues) {
  auto schema = MakeSchemaOf(
      {{0, -1, "b", "struct", {{"ARROW:extension:name", "lance.blob.v2"}, {"k", "v"}}, false},
       {1, 0, "data", "large_binary"},
       {2, 0, "uri", "string"}});
  ASSERT_TRUE(schema.ok()) << schema.status().ToString();
  auto expected =
      arrow::field("b", arrow::large_binary(), false, arrow::key_value_metadata({{"k", "v"}}));
  EXPECT_TRUE(schema->fields[0].arrow->Equals(*expected, true));
  EXPECT_EQ(schema->fields[0].children.size(), 2u);
  EXPECT_EQ(schema->Find("b.uri"), nullptr);
}

TEST(Schema, FindsDottedPaths) {
  auto schema = MakeSchemaOf({{0, -1, "a", "struct"},
                              {1, 0, "b", "int8"},
                              {2, -1, "a.b.c", "int16"},
                              {3, -1, "l", "list.struct"},
                              {4, 3, "item", "struct"},
                              {5, 4, "x", "int32"}})
                    .ValueOrDie();
  ASSERT_NE(schema.Find("a"), nullptr);
  EXPECT_EQ(schema.Find("a")->id, 0);
  EXPECT_EQ(schema.Find("a.b")->id, 1);
  EXPECT_EQ(schema.Find("a.b.c")->id, 2);
  EXPECT_EQ(schema.Find("l.item.x")->id, 5);
  EXPECT_EQ(schema.Find("A"), nullptr);
  EXPECT_EQ(schema.Find("a."), nullptr);
  EXPECT_EQ(schema.Find("a.x"), nullptr);
  EXPECT_EQ(schema.Find(""), nullptr);
}

TEST(Schema, RefusesListsThatMakeNoTree) {
  ExpectError(MakeSchemaOf({{0, -1, "a", "int8"}, {0, -1, "b", "int8"}}).status(),
              ErrorKind::kCorruptData, "same id");
  ExpectError(MakeSchemaOf({{1, 7, "a", "int8"}}).status(), ErrorKind::kCorruptData, "parent 7");
  ExpectError(MakeSchemaOf({{1, 1, "a", "struct"}}).status(), ErrorKind::kCorruptData, "parent 1");
  ExpectError(MakeSchemaOf({{1, 2, "a", "struct"}, {2, 1, "b", "struct"}}).status(),
              ErrorKind::kCorruptData, "parent 2");
  ExpectError(MakeSchemaOf({{-1, -1, "a", "int8"}}).status(), ErrorKind::kCorruptData, "negative");
  ExpectError(MakeSchemaOf({{1, -2, "a", "int8"}}).status(), ErrorKind::kCorruptData, "parent -2");
}

TEST(Schema, RefusesDeepNesting) {
  std::vector<Entry> entries;
  for (int32_t id = 0; id < 65; ++id) entries.push_back({id, id - 1, "s", "struct"});
  ExpectError(MakeSchemaOf(entries).status(), ErrorKind::kCorruptData, "more than 64 deep");
  entries.pop_back();
  EXPECT_TRUE(MakeSchemaOf(entries).ok());
}

TEST(Schema, RefusesChildrenThatDoNotFitTheType) {
  ExpectError(MakeSchemaOf({{0, -1, "a", "int8"}, {1, 0, "b", "int8"}}).status(),
              ErrorKind::kCorruptData, "no children");
  ExpectError(MakeSchemaOf({{0, -1, "a", "list"}}).status(), ErrorKind::kCorruptData, "one child");
  ExpectError(
      MakeSchemaOf({{0, -1, "a", "fixed_size_list:struct:2"}, {1, 0, "item", "int8"}}).status(),
      ErrorKind::kCorruptData, "structs");
}

TEST(Schema, NamesTheColumnOfAnUnknownType) {
  auto status = MakeSchemaOf({{0, -1, "a", "struct"}, {1, 0, "b", "float128"}}).status();
  ExpectError(status, ErrorKind::kUnsupported, "float128");
  EXPECT_EQ(GetErrorDetail(status)->where().column, "a.b");
}

}  // namespace
}  // namespace pilum::dataset
