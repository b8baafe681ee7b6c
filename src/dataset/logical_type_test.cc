#include "dataset/logical_type.h"

#include <string>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "dataset/test_manifest.h"

namespace pilum::dataset {
namespace {

struct Case {
  const char* text;
  std::shared_ptr<arrow::DataType> type;
};

class ReadsLogicalType : public testing::TestWithParam<Case> {};

TEST_P(ReadsLogicalType, AsArrowType) {
  auto type = ParseLogicalType(GetParam().text);
  ASSERT_TRUE(type.ok()) << type.status().ToString();
  EXPECT_TRUE((*type)->Equals(*GetParam().type)) << (*type)->ToString();
}

INSTANTIATE_TEST_SUITE_P(
    All, ReadsLogicalType,
    testing::Values(
        Case{"null", arrow::null()}, Case{"bool", arrow::boolean()}, Case{"int8", arrow::int8()},
        Case{"int16", arrow::int16()}, Case{"int32", arrow::int32()}, Case{"int64", arrow::int64()},
        Case{"uint8", arrow::uint8()}, Case{"uint16", arrow::uint16()},
        Case{"uint32", arrow::uint32()}, Case{"uint64", arrow::uint64()},
        Case{"halffloat", arrow::float16()}, Case{"float", arrow::float32()},
        Case{"double", arrow::float64()}, Case{"string", arrow::utf8()},
        Case{"large_string", arrow::large_utf8()}, Case{"binary", arrow::binary()},
        Case{"large_binary", arrow::large_binary()}, Case{"json", arrow::utf8()},
        Case{"fixed_size_binary:7", arrow::fixed_size_binary(7)},
        Case{"decimal:128:38:10", arrow::decimal128(38, 10)},
        Case{"decimal:128:5:-2", arrow::decimal128(5, -2)},
        Case{"decimal:256:60:5", arrow::decimal256(60, 5)}, Case{"date32:day", arrow::date32()},
        Case{"date64:ms", arrow::date64()},
        Case{"time32:s", arrow::time32(arrow::TimeUnit::SECOND)},
        Case{"time32:ms", arrow::time32(arrow::TimeUnit::MILLI)},
        Case{"time64:us", arrow::time64(arrow::TimeUnit::MICRO)},
        Case{"time64:ns", arrow::time64(arrow::TimeUnit::NANO)},
        Case{"timestamp:s:-", arrow::timestamp(arrow::TimeUnit::SECOND)},
        Case{"timestamp:ns:America/New_York",
             arrow::timestamp(arrow::TimeUnit::NANO, "America/New_York")},
        Case{"timestamp:us:+01:00", arrow::timestamp(arrow::TimeUnit::MICRO, "+01:00")},
        Case{"duration:ms", arrow::duration(arrow::TimeUnit::MILLI)},
        Case{"fixed_size_list:float:128", arrow::fixed_size_list(arrow::float32(), 128)},
        Case{"fixed_size_list:fixed_size_list:float:2:3",
             arrow::fixed_size_list(arrow::fixed_size_list(arrow::float32(), 2), 3)},
        Case{"fixed_size_list:timestamp:us:-:3",
             arrow::fixed_size_list(arrow::timestamp(arrow::TimeUnit::MICRO), 3)},
        Case{"fixed_size_list:timestamp:us:Asia/Tokyo:3",
             arrow::fixed_size_list(arrow::timestamp(arrow::TimeUnit::MICRO, "Asia/Tokyo"), 3)},
        Case{"fixed_size_list:bool:9", arrow::fixed_size_list(arrow::boolean(), 9)},
        Case{"fixed_size_list:decimal:128:9:2:4",
             arrow::fixed_size_list(arrow::decimal128(9, 2), 4)},
        Case{"dict:string:int16:false", arrow::dictionary(arrow::int16(), arrow::utf8())},
        Case{"dict:timestamp:s:-:uint8:true",
             arrow::dictionary(arrow::uint8(), arrow::timestamp(arrow::TimeUnit::SECOND), true)}));

TEST(LogicalType, GivesBfloat16ItemsTheirExtension) {
  auto type = ParseLogicalType("fixed_size_list:lance.bfloat16:8").ValueOrDie();
  const auto& list = static_cast<const arrow::FixedSizeListType&>(*type);
  auto metadata = arrow::key_value_metadata(
      {{"ARROW:extension:name", "lance.bfloat16"}, {"ARROW:extension:metadata", ""}});
  auto item = arrow::field("item", arrow::fixed_size_binary(2), true, metadata);
  EXPECT_EQ(list.list_size(), 8);
  EXPECT_TRUE(list.value_field()->Equals(*item, /*check_metadata=*/true));
}

class RefusesLogicalType : public testing::TestWithParam<const char*> {};

TEST_P(RefusesLogicalType, NamingIt) {
  auto type = ParseLogicalType(GetParam());
  ASSERT_FALSE(type.ok()) << (*type)->ToString();
  const std::string& message = type.status().message();
  // Of a list or dictionary, the part that cannot be read is named.
  const std::string named = message.substr(message.find('\'') + 1);
  EXPECT_NE(std::string(GetParam()).find(named.substr(0, named.find('\''))), std::string::npos)
      << message;
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusesLogicalType,
    testing::Values("", "int128", "INT32", "int32 ", "decimal", "decimal:128:39:0",
                    "decimal:128:10", "decimal:128:10:500", "decimal:64:10:2", "decimal:128:x:2",
                    "fixed_size_binary", "fixed_size_binary:", "fixed_size_binary:0",
                    "fixed_size_binary:-1", "fixed_size_binary:2147483647",
                    "fixed_size_binary:99999999999", "timestamp", "timestamp:day:-", "time32:us",
                    "time64:s", "duration:us:-", "date32:ms", "fixed_size_list:float:0",
                    "fixed_size_list:float:-1", "fixed_size_list:float", "fixed_size_list:3",
                    "fixed_size_list:string:3", "fixed_size_list:null:3", "fixed_size_list:list:3",
                    "fixed_size_list:double:2147483647",
                    "fixed_size_list:fixed_size_list:int8:2147483647:2147483647",
                    "dict:string:int16", "dict:string:float:false", "dict:string:int8:maybe",
                    "dict:dict:string:int8:false:int8:false", "dict:int8:false"));

TEST(LogicalType, RefusesDeepNesting) {
  std::string text;
  std::string sizes;
  for (int i = 0; i < 100'000; ++i) {
    text += "fixed_size_list:";
    sizes += ":1";
  }
  ExpectError(ParseLogicalType(text + "int8" + sizes).status(), ErrorKind::kCorruptData, "deep");
}

}  // namespace
}  // namespace pilum::dataset
