#include "filter/filter.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <arrow/json/from_string.h>
#include <arrow/util/float16.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "filter/fuzz.h"
#include "pilum/error.h"

namespace pilum::filter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Rows = std::vector<uint32_t>;

// Six rows with every type; row 3 is NULL everywhere.
class Batch {
 public:
  Batch() {
    Add("i8", arrow::int8(), "[1, -128, 127, null, 0, 5]");
    Add("i32", arrow::int32(), "[10, -3, 7, null, 0, 2147483647]");
    Add("i64", arrow::int64(), "[1, 2, 3, null, -7, 9223372036854775807]");
    Add("u8", arrow::uint8(), "[0, 255, 3, null, 7, 100]");
    Add("u64", arrow::uint64(), "[0, 18446744073709551615, 3, null, 7, 9223372036854775808]");
    AddHalfFloats();
    Add("f32", arrow::float32(), "[0.1, NaN, -0.0, null, Inf, 2.5]");
    Add("f64", arrow::float64(), "[0.1, NaN, -0.0, null, -Inf, 0.0]");
    Add("s", arrow::utf8(), R"(["cat", "Dog", "50% off", null, "", "caterpillar"])");
    Add("ls", arrow::large_utf8(), R"(["a", "b", "c_d", null, "é", "naïve"])");
    Add("bin", arrow::binary(), R"(["a", "\u0000~", "abc", null, "", "b"])");
    Add("fsb", arrow::fixed_size_binary(2), R"(["ab", "cd", "ab", null, "ef", "zz"])");
    Add("b", arrow::boolean(), "[true, false, true, null, false, true]");
    Add("d", arrow::date32(), "[18262, -1, 19782, null, 0, 18414]");
    Add("ts", arrow::timestamp(arrow::TimeUnit::MICRO), kInstants);
    Add("tz", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), kInstants);
    Add("paris", arrow::timestamp(arrow::TimeUnit::MICRO, "Europe/Paris"), kInstants);
    Add("tss", arrow::timestamp(arrow::TimeUnit::SECOND), "[0, 1, 1577836800, null, -1, 5]");
    Add("t", arrow::time32(arrow::TimeUnit::SECOND), "[0, 43200, 43201, null, 1, 86399]");
    Add("dec", arrow::decimal128(10, 2),
        R"(["1.50", "-2.25", "0.00", null, "99999999.99", "1.51"])");
    Add("l", arrow::list(arrow::int64()), "[[1, 2], [], [3, null], null, [5], [null]]");
    Add("lstr", arrow::large_list(arrow::utf8()),
        R"([["a", "b"], [], ["c", null], null, ["cat"], [null]])");
    Add("fsl", arrow::fixed_size_list(arrow::float32(), 2),
        "[[1, 2], [3, 4], [5, 6], null, [7, 8], [0.1, 0]]");
    auto y = arrow::struct_({arrow::field("z", arrow::utf8())});
    Add("st", arrow::struct_({arrow::field("x", arrow::int64()), arrow::field("Y", y)}),
        R"([{"x": 1, "Y": {"z": "p"}}, {"x": null, "Y": null}, {"x": 3, "Y": {"z": null}}, null,
            {"x": 5, "Y": {"z": "q"}}, {"x": 6, "Y": {"z": "r"}}])");
    AddArray("dict",
             arrow::json::DictArrayFromJSONString(arrow::dictionary(arrow::int32(), arrow::utf8()),
                                                  "[0, 1, 0, null, 2, 1]", R"(["x", "y", "z"])")
                 .ValueOrDie());
    Add("Mixed", arrow::int64(), "[1, 2, 3, null, 5, 6]");
    Add("Case", arrow::int64(), "[1, 2, 3, null, 5, 6]");
    Add("CASE2", arrow::int64(), "[1, 2, 3, null, 5, 6]");
    Add("case2", arrow::int64(), "[6, 5, 4, null, 2, 1]");
    Add("with space", arrow::int64(), "[1, 2, 3, null, 5, 6]");
    Add("order", arrow::int64(), "[1, 2, 3, null, 5, 6]");
    schema_ = arrow::schema(fields_);
    for (const char* name : {"_rowid", "_rowaddr", "_rowoffset"}) {
      Add(name, arrow::uint64(), "[0, 1, 2, 3, 4, 5]");
    }
    batch_ = arrow::RecordBatch::Make(arrow::schema(fields_), 6, arrays_);
  }

  const arrow::Schema& schema() const { return *schema_; }
  const arrow::RecordBatch& batch() const { return *batch_; }

 private:
  static constexpr const char* kInstants =
      "[1577836800000000, -1, 1577881800000000, null, 0, 1709168523000004]";

  void AddArray(const std::string& name, std::shared_ptr<arrow::Array> array) {
    fields_.push_back(arrow::field(name, array->type()));
    arrays_.push_back(std::move(array));
  }
  void Add(const std::string& name, const std::shared_ptr<arrow::DataType>& type,
           const std::string& json) {
    AddArray(name, arrow::json::ArrayFromJSONString(type, json).ValueOrDie());
  }
  void AddHalfFloats() {
    arrow::HalfFloatBuilder builder;
    for (float value : {1.5f, std::numeric_limits<float>::quiet_NaN(), -2.0f}) {
      ASSERT_TRUE(builder.Append(arrow::util::Float16::FromFloat(value).bits()).ok());
    }
    ASSERT_TRUE(builder.AppendNull().ok());
    for (float value : {0.1f, 3.0f}) {
      ASSERT_TRUE(builder.Append(arrow::util::Float16::FromFloat(value).bits()).ok());
    }
    AddArray("f16", builder.Finish().ValueOrDie());
  }

  arrow::FieldVector fields_;
  arrow::ArrayVector arrays_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::RecordBatch> batch_;
};

const Batch& Data() {
  static const Batch* const data = new Batch();
  return *data;
}

arrow::Result<Rows> Select(const std::string& sql) {
  ARROW_ASSIGN_OR_RAISE(auto filter, Expression::ParsePredicate(sql, Data().schema()));
  return filter->Select(Data().batch());
}

struct Case {
  const char* sql;
  Rows rows;
};

void ExpectRows(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    auto rows = Select(c.sql);
    ASSERT_TRUE(rows.ok()) << c.sql << ": " << rows.status().ToString();
    EXPECT_EQ(*rows, c.rows) << c.sql;
  }
}

struct Refusal {
  const char* sql;
  const char* message;
};

void ExpectRefused(const std::vector<Refusal>& cases) {
  for (const Refusal& c : cases) {
    auto filter = Expression::ParsePredicate(c.sql, Data().schema());
    ASSERT_FALSE(filter.ok()) << c.sql;
    EXPECT_EQ(GetErrorKind(filter.status()), ErrorKind::kInvalidArgument) << c.sql;
    EXPECT_THAT(filter.status().message(), HasSubstr(c.message)) << c.sql;
  }
}

TEST(Filter, ComparesIntegersByExactValue) {
  ExpectRows({{"i8 = 300", {}},
              {"i8 <> 300", {0, 1, 2, 4, 5}},
              {"i8 < 300", {0, 1, 2, 4, 5}},
              {"i8 > -300", {0, 1, 2, 4, 5}},
              {"NOT i8 = 300", {0, 1, 2, 4, 5}},
              {"i8 = 1.0", {0}},
              {"i64 = 1e0", {0}},
              {"i64 = 1.5", {}},
              {"i64 < 1.5", {0, 4}},
              {"i64 <= 1.5", {0, 4}},
              {"i64 > 1.5", {1, 2, 5}},
              {"i64 > -6.5", {0, 1, 2, 5}},
              {"i64 < -6.5", {4}},
              {"i64 = 9223372036854775808", {}},
              {"i64 < 9223372036854775808", {0, 1, 2, 4, 5}},
              {"i64 >= 9223372036854775806.5", {5}},
              {"u64 = 18446744073709551615", {1}},
              {"u64 > 9223372036854775807", {1, 5}},
              {"u64 > -1", {0, 1, 2, 4, 5}},
              {"u64 = -1", {}},
              {"i64 > 1e30", {}},
              {"i64 < 1e400", {0, 1, 2, 4, 5}},
              {"1 < i64", {1, 2, 5}},
              {"i64 = u64", {2}},
              {"u64 > i64", {1, 4, 5}},
              {"i64 = i8", {0}},
              {"i64 = f64", {}},
              {"1 = 1", {0, 1, 2, 3, 4, 5}}});
}

TEST(Filter, AcceptsSpellingsOfOperatorsAndNumbers) {
  ExpectRows({{"i64 == 1", {0}},
              {"i64==-7", {4}},
              {"i64 != 1", {1, 2, 4, 5}},
              {"i64!=-7", {0, 1, 2, 5}},
              {"i64 <> 1", {1, 2, 4, 5}},
              {"i64 = - 7", {4}},
              {"i64 = -(7)", {4}},
              {"- - i8 = 1", {0}},
              {"i64 = +1", {0}},
              {"(((i64))) = 1 -- the first", {0}},
              {"i64 /* a /* nested */ comment */ = 1", {0}},
              {"i64\n=\t1", {0}}});
}

TEST(Filter, OrdersNanLast) {
  ExpectRows({{"f64 > 1", {1}},
              {"f64 >= 0", {0, 1, 2, 5}},
              {"f64 < 0", {4}},
              {"f64 <= 0", {2, 4, 5}},
              {"f64 = 0", {2, 5}},
              {"f64 = -0.0", {2, 5}},
              {"f64 <> 0.1", {1, 2, 4, 5}},
              {"f64 = CAST('NaN' AS double)", {1}},
              {"f64 = f64", {0, 1, 2, 4, 5}},
              {"f64 >= f32", {1, 2}},
              {"f64 < f32", {0, 4, 5}},
              {"f64 < 1e400", {0, 2, 4, 5}},
              {"f64 IN (0)", {2, 5}},
              {"f64 IN (-0.0, 0.1)", {0, 2, 5}},
              {"f64 NOT IN (0)", {0, 1, 4}},
              {"f64 BETWEEN 0 AND 1", {0, 2, 5}},
              {"isnan(f64)", {1}},
              {"f32 = 0.1", {0}},
              {"f32 > 0.1", {1, 4, 5}},
              {"f16 = 1.5", {0}},
              {"f16 = 0.1", {4}},
              {"f16 > 1", {0, 1, 5}},
              {"f16 IN (1.5, 3)", {0, 5}}});
}

TEST(Filter, ComparesDecimalsExactly) {
  ExpectRows({{"dec = 1.5", {0}},
              {"dec = 1.500", {0}},
              {"dec > 1.505", {4, 5}},
              {"dec <= 1.505", {0, 1, 2}},
              {"dec = 1.505", {}},
              {"dec < 1e50", {0, 1, 2, 4, 5}},
              {"dec IN (1.5, 0)", {0, 2}},
              {"dec * 2 = 3", {0}},
              {"dec < i64", {1, 2, 5}}});
}

TEST(Filter, ComparesStringsAndBytes) {
  ExpectRows({{"s = 'cat'", {0}},
              {"s > 'a'", {0, 5}},
              {"s < ls", {1, 2, 4, 5}},
              {"ls = 'é'", {4}},
              {"s = ''", {4}},
              {"'it''s' = 'it''s' AND s = 'cat'", {0}},
              {"bin = X'61'", {0}},
              {"bin = x''", {4}},
              {"bin IN (X'61', X'62')", {0, 5}},
              {"fsb = X'6162'", {0, 2}},
              {"fsb = X'61'", {}},
              {"dict = 'x'", {0, 2}},
              {"dict > 'x'", {1, 4, 5}},
              {"dict IN ('x', 'z')", {0, 2, 4}},
              {"dict IS NULL", {3}},
              {"b = true", {0, 2, 5}},
              {"b > false", {0, 2, 5}}});
}

TEST(Filter, ComparesDatesAndTimes) {
  ExpectRows({{"d = date '2020-01-01'", {0}},
              {"d = '2020-01-01'", {0}},
              {"d > '2020-01-01 12:00:00'", {2, 5}},
              {"d >= timestamp '2020-01-01 00:00:00'", {0, 2, 5}},
              {"d IN ('2020-01-01', '2024-02-29')", {0, 2}},
              {"ts = timestamp '2020-01-01 00:00:00'", {0}},
              {"ts = '2020-01-01'", {0}},
              {"ts < '1970-01-01'", {1}},
              {"ts = '2020-01-01T01:00:00+01:00'", {0}},
              {"ts = date '2020-01-01'", {0}},
              {"tz = '2020-01-01T01:00:00+01:00'", {0}},
              {"tz = '2020-01-01 00:00:00'", {0}},
              {"paris = '2020-01-01 01:00:00'", {0}},
              {"paris = '2020-01-01 00:00:00Z'", {0}},
              {"paris = tz", {0, 1, 2, 4, 5}},
              {"tss = '1970-01-01 00:00:00.5'", {}},
              {"tss > '1970-01-01 00:00:00.5'", {1, 2, 5}},
              {"tss <= '1970-01-01 00:00:00.5'", {0, 4}},
              {"CAST(ts AS date) = date '2020-01-01'", {0, 2}},
              {"d = ts", {0, 4}},
              {"t = '12:00'", {1}},
              {"t > time '12:00:00'", {2, 5}},
              {"t < '00:00:00.5'", {0}}});
}

TEST(Filter, FollowsThreeValuedLogic) {
  ExpectRows({{"b", {0, 2, 5}},
              {"NOT b", {1, 4}},
              {"b IS TRUE", {0, 2, 5}},
              {"b IS NOT TRUE", {1, 3, 4}},
              {"b IS FALSE", {1, 4}},
              {"b IS NOT FALSE", {0, 2, 3, 5}},
              {"b IS UNKNOWN", {3}},
              {"b IS NOT UNKNOWN", {0, 1, 2, 4, 5}},
              {"b IS NULL", {3}},
              {"b AND NULL", {}},
              {"NOT (b AND NULL)", {1, 4}},
              {"b OR NULL", {0, 2, 5}},
              {"NULL", {}},
              {"NULL IS NULL", {0, 1, 2, 3, 4, 5}},
              {"i64 = NULL", {}},
              {"NOT (i64 = 1 AND NULL)", {1, 2, 4, 5}},
              {"i64 IS DISTINCT FROM 1", {1, 2, 3, 4, 5}},
              {"i64 IS NOT DISTINCT FROM NULL", {3}},
              {"i64 IS NOT DISTINCT FROM Mixed", {0, 1, 2, 3}},
              {"i64 ISNULL", {3}}});
}

TEST(Filter, InListsKnowNull) {
  ExpectRows({{"i64 IN (1, 3)", {0, 2}},
              {"i64 NOT IN (1, 3)", {1, 4, 5}},
              {"i64 IN (1, NULL)", {0}},
              {"i64 NOT IN (1, NULL)", {}},
              {"i64 IN (NULL)", {}},
              {"i8 IN (1, 300)", {0}},
              {"i8 NOT IN (300)", {0, 1, 2, 4, 5}},
              {"i64 IN (-7, - 3, +1)", {0, 4}},
              {"i64 IN (1, 1.5, 2.0)", {0, 1}},
              {"i64 IN (1, 1 + 1)", {0, 1}},
              {"i64 IN (i8, 2)", {0, 1}},
              {"s IN ('cat', 'it''s')", {0}},
              {"s NOT IN ('cat', NULL)", {}},
              {"b IN (true)", {0, 2, 5}},
              {"ts IN (timestamp '2020-01-01 00:00:00')", {0}},
              {"_rowid IN (1, 4)", {1, 4}}});
}

TEST(Filter, BetweenIncludesItsEnds) {
  ExpectRows({{"i64 BETWEEN 1 AND 3", {0, 1, 2}},
              {"i64 NOT BETWEEN 1 AND 3", {4, 5}},
              {"i64 BETWEEN 3 AND 1", {}},
              {"i64 = 1 AND i32 BETWEEN -5 AND 10 OR s = 'Dog'", {0, 1}},
              {"i64 BETWEEN NULL AND 1", {}},
              {"i64 NOT BETWEEN NULL AND 1", {1, 2, 5}}});
}

TEST(Filter, MatchesPatterns) {
  ExpectRows({{"s LIKE 'cat%'", {0, 5}},
              {"s LIKE 'c_t'", {0}},
              {"s LIKE '50\\% off'", {2}},
              {"s LIKE '50!% off' ESCAPE '!'", {2}},
              {"s LIKE '%'", {0, 1, 2, 4, 5}},
              {"s NOT LIKE 'c%'", {1, 2, 4}},
              {"s ILIKE 'D_G'", {1}},
              {"ls ILIKE 'É'", {4}},
              {"dict LIKE 'x%'", {0, 2}},
              {"regexp_match(s, '^cat')", {0, 5}},
              {"regexp_match(s, '^CAT', 'i')", {0, 5}},
              {"starts_with(s, 'cat')", {0, 5}},
              {"ends_with(s, 'lar')", {5}},
              {"contains(s, 'at')", {0, 5}}});
}

TEST(Filter, ComputesLikeTheReference) {
  ExpectRows({{"i64 / 2 = 1", {1, 2}},
              {"i64 % 2 = -1", {4}},
              {"u8 - 5 < 0", {0, 2}},
              {"u64 - 5 < 0", {0, 2}},
              {"i8 + i8 = 254", {2}},
              {"i8 * 2 = -256", {1}},
              {"-i8 = 128", {1}},
              {"abs(i8) = 128", {1}},
              {"f32 / 0 = CAST('inf' AS float)", {0, 4, 5}},
              {"_rowid % 2 = 0", {0, 2, 4}},
              {"1 + 2 * 3 = 7", {0, 1, 2, 3, 4, 5}},
              {"i64 + NULL = 1", {}}});
}

TEST(Filter, FailsOnDivisionByZeroAndOverflow) {
  for (const char* sql : {"10 / i32 = 1", "10 % i32 = 1", "1 / 0 = 1", "i64 + 1 > 0", "dec / 0 > 1",
                          "CAST(i64 AS int) = 1", "CAST(f64 AS int) = 1", "CAST(s AS int) = 1"}) {
    auto filter = Expression::ParsePredicate(sql, Data().schema());
    ASSERT_TRUE(filter.ok()) << sql << filter.status().ToString();
    EXPECT_FALSE((*filter)->Select(Data().batch()).ok()) << sql;
  }
}

TEST(Filter, GuardsOperationsThatCanFail) {
  ExpectRows({{"i32 <> 0 AND 10 / i32 = 1", {0, 2}},
              {"NOT (i32 <> 0 AND 10 / i32 = 1)", {1, 4, 5}},
              {"i32 = 0 OR 10 / i32 = 1", {0, 2, 4}},
              {"CASE WHEN i32 = 0 THEN 0 ELSE 10 / i32 END = 1", {0, 2}},
              {"CASE i32 WHEN 0 THEN 0 ELSE 10 / i32 END IS NULL", {3}},
              {"i32 <> 0 AND (b OR 10 / i32 > 1 AND CAST(10 / i32 AS int) = 1)", {0, 2, 5}}});
}

TEST(Filter, ChoosesByCase) {
  ExpectRows({{"CASE WHEN b THEN i64 = 1 ELSE i64 = 2 END", {0, 1}},
              {"CASE i64 WHEN 1 THEN true ELSE false END", {0}},
              {"CASE WHEN b THEN 1 WHEN NOT b THEN 2.5 END = 2.5", {1, 4}},
              {"CASE WHEN b THEN 'x' ELSE s END = 'x'", {0, 2, 5}},
              {"CASE WHEN i64 = 1 THEN NULL ELSE d END = '2020-01-01'", {}},
              {"CASE WHEN true THEN 1 ELSE 2 END = 1", {0, 1, 2, 3, 4, 5}},
              {"CASE WHEN b THEN 1 END IS NULL", {1, 3, 4}}});
}

TEST(Filter, Casts) {
  ExpectRows({{"CAST(i8 AS string) = '-128'", {1}},
              {"i8::text = '5'", {5}},
              {"CAST('1' AS int) = i64", {0}},
              {"CAST(1.7 AS int) = i64", {0}},
              {"CAST(b AS int) = 1", {0, 2, 5}},
              {"CAST(dec AS bigint) = 1", {0, 5}},
              {"CAST(i8 AS decimal(10, 2)) = 5.00", {5}},
              {"CAST(d AS timestamp) = timestamp '2020-01-01 00:00:00'", {0}},
              {"CAST('2020-01-01' AS date) = d", {0}},
              {"CAST(s AS binary) = X'636174'", {0}},
              {"CAST(i64 AS double precision) = 2", {1}},
              {"CAST(i8 AS tinyint) = 127", {2}}});
}

TEST(Filter, CallsFunctions) {
  ExpectRows({{"length(s) = 3", {0, 1}},
              {"length(ls) = 1", {0, 1, 4}},
              {"length(bin) = 2", {1}},
              {"lower(s) = 'dog'", {1}},
              {"UPPER(dict) = 'X'", {0, 2}},
              {"coalesce(i64, 0) = 0", {3}},
              {"coalesce(NULL, d, '2020-01-01') = '2020-01-01'", {0, 3}},
              {"coalesce(s, ls, 'z') = 'z'", {3}},
              {"nullif(i64, 1) IS NULL", {0, 3}},
              {"s || 'x' = 'catx'", {0}},
              {"s || 'x' IS NULL", {3}},
              {"concat(s, ls, 'x') = 'x'", {3}},
              {"floor(f32) = 2", {5}},
              {"ceil(f32) = 3", {5}},
              {"round(f32) = 3", {5}},
              {"round(-2.5) = -3 AND i64 = 1", {0}},
              {"round(dec, 1) = 1.5", {0, 5}}});
}

TEST(Filter, LooksIntoLists) {
  ExpectRows({{"array_has(l, 1)", {0}},
              {"array_contains(l, 3)", {2}},
              {"NOT array_has(l, 1)", {1, 2, 4, 5}},
              {"array_has(l, NULL)", {}},
              {"array_has(l, i64)", {0, 2}},
              {"array_has(l, 1.5)", {}},
              {"array_has(lstr, 'cat')", {4}},
              {"array_has(lstr, lower(s))", {}},
              {"array_has(fsl, 0.1)", {5}},
              {"5 = ANY(l)", {4}},
              {"array_length(l) = 2", {0, 2}},
              {"array_length(fsl) = 2", {0, 1, 2, 4, 5}},
              {"l IS NULL", {3}}});
}

TEST(Filter, LooksIntoStructs) {
  ExpectRows({{"st.x = 1", {0}},
              {"st.Y.z = 'p'", {0}},
              {"st.y.Z = 'p'", {0}},
              {"`st`.`Y`.`z` = 'q'", {4}},
              {"\"st\".x IN (5, 6)", {4, 5}},
              {"st['x'] = 1", {0}},
              {"st IS NULL", {3}},
              {"st.Y IS NULL", {1, 3}},
              {"st.Y.z IS NULL", {1, 2, 3}}});
}

TEST(Filter, FindsNamesHoweverWritten) {
  ExpectRows({{"MIXED = 1", {0}},
              {"`Mixed` = 1", {0}},
              {"\"Mixed\" = 1", {0}},
              {"`with space` = 2", {1}},
              {"\"Case\" = 2", {1}},
              {"CASE2 = 1", {0}},
              {"case2 = 1", {5}},
              {"order = 1", {0}},
              {"_rowid = 1", {1}},
              {"_rowaddr = 2", {2}},
              {"_rowoffset >= 4", {4, 5}}});
}

TEST(Filter, RefusesWithThePositionInTheText) {
  ExpectRefused({{"", "position 1: the expression is empty"},
                 {"i64 = '1'", "position 7: cannot compare int64 with a string"},
                 {"s > 5", "position 5: cannot compare string with the number 5"},
                 {"s = \"cat\"", "strings take single quotes: 'cat'"},
                 {"b = 1", "position 5"},
                 {"i64", "does not return a boolean"},
                 {"1", "does not return a boolean"},
                 {"i64 AND b", "position 1: AND needs a boolean"},
                 {"ls = 'é' AND s > 5", "position 18"},
                 {"ls IN ('é', 'ü') AND s > 5", "position 26"},
                 {"`s` == 'x' AND nope = 1", "position 16: no column is named \"nope\""},
                 {"(i64 = 1", "position 9"},
                 {"i64 = 1)", "position 8"},
                 {"i64 =", "position 6"},
                 {"i64 = 1; DROP TABLE t", "position 8"},
                 {"i64 = 1 LIMIT 1", "position 9"},
                 {"i64 = 1 ORDER BY i64", "position 9"},
                 {"i64 = 1 UNION SELECT 1", "position 9"},
                 {"EXISTS (SELECT 1)", "a subquery is not supported"},
                 {"i64 IN (SELECT 1)", "a subquery is not supported"},
                 {"i64 = $1", "position 7: parameters are not supported"},
                 {"i64 BETWEEN SYMMETRIC 3 AND 1", "BETWEEN SYMMETRIC is not supported"},
                 {"i64 = 0x10", "position 7: malformed number"},
                 {"s ~ 'c'", "regexp_match"},
                 {"s = e'c'", "position 5"},
                 {"s = 'cat", "position 5: the closing ' is missing"},
                 {"s /* = 1", "position 3: this comment is not closed"},
                 {"bin = 'a'", "X'61'"},
                 {"bin = X'6'", "two hexadecimal digits"},
                 {"ts = 'garbage'", "position 6: 'garbage' is not a date"},
                 {"d = date '2020-02-30'", "'2020-02-30' is not a date"},
                 {"tz = ts", "cannot compare"},
                 {"i64 + 'a' = 1", "position 7: '+' needs numbers"},
                 {"l = 1", "cannot compare list"},
                 {"l.x = 1", "not a struct"},
                 {"regexp_match(s, '[')", "position 17: Invalid regular expression"},
                 {"s LIKE ls", "position 8: the pattern of LIKE"},
                 {"count(*) = 1", "not supported"},
                 {"sum(i64) OVER () = 1", "not supported"},
                 {"starts_with(s)", "does not take 1 arguments"},
                 {"CAST(i64 AS uuid) IS NULL", "cannot cast to uuid"},
                 {"current_date > d", "position 1: the value current_date"},
                 {"i64 & 1 = 1", "position 5"},
                 {"coalesce(i64, s) = 1", "no common type"}});
}

TEST(Filter, SuggestsTheNearestName) {
  ExpectRefused({{"itn64 = 1", "did you mean \"i64\"?"},
                 {"mixd = 1", "did you mean \"Mixed\"?"},
                 {"_rowids = 1", "did you mean \"_rowid\"?"},
                 {"st.yy = 1", "did you mean \"Y\"?"},
                 {"lenght(s) = 1", "did you mean length()?"},
                 {"cAse2 = 1", "differ from \"cAse2\" in letter case only"}});
}

TEST(Filter, TakesTextsThatAreTooMuchAsErrors) {
  auto repeat = [](const std::string& text, int times) {
    std::string result;
    for (int i = 0; i < times; ++i) result += text;
    return result;
  };
  for (const std::string& sql :
       {repeat("(", 100000) + "b" + repeat(")", 100000), repeat("NOT ", 100000) + "b",
        "i64" + repeat(" + 1", 100000) + " = 1", "i64" + repeat("::bigint", 100000) + " = 1",
        repeat("NOT b BETWEEN false AND (", 1000) + "b" + repeat(")", 1000),
        "b" + repeat(" OR b", 1000000), std::string("b\0", 2), std::string("s = '\xff'")}) {
    EXPECT_FALSE(Select(sql).ok()) << sql.substr(0, 30);
  }
}

TEST(Filter, TakesLongAndDeepTexts) {
  std::string list = "i64 IN (0", chain = "i64 = 0", conjunction = "i8 > -200";
  for (int i = 1; i < 100000; ++i) list += "," + std::to_string(i);
  for (int i = 1; i < 10000; ++i) {
    chain += " OR i64 = " + std::to_string(i);
    conjunction += " AND i64 <> " + std::to_string(i + 100);
  }
  std::string nested(150, '(');
  nested += "i64 = 1" + std::string(150, ')');
  std::string betweens(100, '(');
  betweens += "b";
  for (int i = 0; i < 100; ++i) betweens += " BETWEEN false AND true)";
  std::string guarded = "i32 <> 0";
  for (int i = 0; i < 200; ++i) guarded += " AND 10 / i32 <> 100";
  EXPECT_EQ(*Select(list + ")"), (Rows{0, 1, 2}));
  EXPECT_EQ(*Select(chain), (Rows{0, 1, 2}));
  EXPECT_EQ(*Select(conjunction), (Rows{0, 1, 2, 4, 5}));
  EXPECT_EQ(*Select(nested), (Rows{0}));
  EXPECT_EQ(*Select(betweens), (Rows{0, 1, 2, 4, 5}));
  EXPECT_EQ(*Select(guarded), (Rows{0, 1, 2, 5}));
}

TEST(Filter, ListsTheColumnsItReads) {
  auto filter = *Expression::ParsePredicate(
      "st.y.z = 'p' OR MIXED > i64 AND mixed < 9 AND _rowid > 0", Data().schema());
  using Path = std::vector<std::string>;
  EXPECT_THAT(filter->columns(),
              ElementsAre(Path{"Mixed"}, Path{"_rowid"}, Path{"i64"}, Path{"st", "Y", "z"}));
  EXPECT_TRUE((*Expression::ParsePredicate("1 = 1", Data().schema()))->columns().empty());
}

TEST(Filter, EvaluatesOnBatchesWithTheNeededChildrenOnly) {
  auto filter = *Expression::ParsePredicate("st.Y.z = 'q'", Data().schema());
  auto pruned =
      arrow::struct_({arrow::field("Y", arrow::struct_({arrow::field("z", arrow::utf8())}))});
  auto array =
      *arrow::json::ArrayFromJSONString(pruned, R"([{"Y": {"z": "q"}}, null, {"Y": null}])");
  auto batch = arrow::RecordBatch::Make(arrow::schema({arrow::field("st", pruned)}), 3, {array});
  EXPECT_EQ(*filter->Select(*batch), (Rows{0}));
}

TEST(Filter, RefusesBatchesThatDoNotFit) {
  auto filter = *Expression::ParsePredicate("i64 = 1", Data().schema());
  auto array = *arrow::json::ArrayFromJSONString(arrow::int32(), "[1]");
  auto other =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("x", arrow::int32())}), 1, {array});
  auto narrow =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("i64", arrow::int32())}), 1, {array});
  EXPECT_THAT(filter->Select(*other).status().message(),
              HasSubstr("lacks the filter's column i64"));
  EXPECT_THAT(filter->Select(*narrow).status().message(), HasSubstr("was bound to int64"));
}

TEST(Filter, WorksOnSlicesOfAnyAlignment) {
  for (const char* sql :
       {"b", "i64 = 3", "array_has(l, 3)", "st.x = 3", "dict = 'x'", "lstr IS NULL"}) {
    auto filter = *Expression::ParsePredicate(sql, Data().schema());
    Rows all = *filter->Select(Data().batch());
    for (int64_t begin = 0; begin <= 6; ++begin) {
      Rows expected;
      for (uint32_t row : all) {
        if (row >= begin) expected.push_back(row - static_cast<uint32_t>(begin));
      }
      EXPECT_EQ(*filter->Select(*Data().batch().Slice(begin)), expected)
          << sql << " from " << begin;
    }
  }
}

TEST(Filter, SelectsFromLongBatches) {
  arrow::BooleanBuilder builder;
  Rows expected;
  for (uint32_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE((i % 7 == 0 ? builder.AppendNull() : builder.Append(i % 3 == 0)).ok());
  }
  auto flags = *builder.Finish();
  auto schema = arrow::schema({arrow::field("b", arrow::boolean())});
  auto batch = arrow::RecordBatch::Make(schema, 1000, {flags});
  auto filter = *Expression::ParsePredicate("b", *schema);
  for (uint32_t begin : {0, 1, 63, 64, 65}) {
    for (uint32_t length : {0, 1, 63, 64, 65, 128, 900}) {
      expected.clear();
      for (uint32_t i = 0; i < length; ++i) {
        if ((begin + i) % 7 != 0 && (begin + i) % 3 == 0) expected.push_back(i);
      }
      EXPECT_EQ(*filter->Select(*batch->Slice(begin, length)), expected) << begin << " " << length;
    }
  }
}

TEST(Filter, ComputesValuesOfAnyType) {
  auto type_of = [](const char* sql) {
    auto value = Expression::ParseValue(sql, Data().schema());
    if (!value.ok()) return value.status().ToString();
    auto array = (*value)->Evaluate(Data().batch());
    if (!array.ok()) return array.status().ToString();
    EXPECT_EQ((*array)->length(), 6) << sql;
    EXPECT_TRUE((*array)->type()->Equals(*(*value)->type())) << sql;
    EXPECT_TRUE((*array)->ValidateFull().ok()) << sql;
    return (*value)->type()->ToString();
  };
  EXPECT_EQ(type_of("i64"), "int64");
  EXPECT_EQ(type_of("f16"), "halffloat");
  EXPECT_EQ(type_of("st.Y"), "struct<z: string>");
  EXPECT_EQ(type_of("i8 * 2"), "int64");
  EXPECT_EQ(type_of("f32 / 255.0"), "float");
  EXPECT_EQ(type_of("f32 * f64"), "double");
  EXPECT_EQ(type_of("u64 / 2"), "uint64");
  EXPECT_EQ(type_of("1"), "int64");
  EXPECT_EQ(type_of("18446744073709551615"), "uint64");
  EXPECT_EQ(type_of("1.5"), "double");
  EXPECT_EQ(type_of("'a'"), "string");
  EXPECT_EQ(type_of("NULL"), "null");
  EXPECT_EQ(type_of("CASE WHEN b THEN 1 END"), "int64");
  EXPECT_EQ(type_of("CASE WHEN b THEN NULL END"), "null");
  EXPECT_EQ(type_of("timestamp '2020-01-01 00:00:00'"), "timestamp[us]");
  EXPECT_EQ(type_of("length(s)"), "int32");
  EXPECT_EQ(type_of("array_has(l, 1)"), "bool");
}

TEST(Filter, OnlyPredicatesSelect) {
  auto value = *Expression::ParseValue("i64 + 0", Data().schema());
  EXPECT_FALSE(value->Select(Data().batch()).ok());
}

TEST(Filter, HasANormalForm) {
  auto text = [](const char* sql) {
    return (*Expression::ParsePredicate(sql, Data().schema()))->ToString();
  };
  EXPECT_EQ(text("i64==1--x\nand`s`!='a  b'"), "i64 = 1 and \"s\" <> 'a  b'");
  EXPECT_EQ(text("i64 IN(1,-2 , NULL)"), "i64 IN ( 1 -2 NULL )");
  EXPECT_NE(text("i64 IN (1, 2)"), text("i64 IN (12)"));
}

TEST(Filter, ParsesAndEvaluatesInManyThreads) {
  std::atomic<int> wrong = 0;
  auto shared = *Expression::ParsePredicate("i64 IN (1, 2) OR s LIKE 'cat%'", Data().schema());
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        auto own =
            Select("i64 = " + std::to_string(t % 3 + 1) + " AND NOT st.x IS NULL OR isnan(f64)");
        Rows expected = t % 3 == 0 ? Rows{0, 1} : t % 3 == 1 ? Rows{1} : Rows{1, 2};
        auto rows = shared->Select(Data().batch());
        auto refused = Select("i64 = = " + std::to_string(t));
        bool right = own.ok() && *own == expected && rows.ok() && *rows == Rows{0, 1, 5} &&
                     !refused.ok() &&
                     refused.status().message().find("position 7") != std::string::npos;
        wrong += !right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Filter, FuzzEntryTakesAnyBytes) {
  for (std::string text :
       {"i = 1", "array_has(l, 1) and st.b like 'c%'", "\xff\x00'", "((((", "t > '2020-01-01'"}) {
    FuzzFilter(std::as_bytes(std::span(text)));
  }
}

}  // namespace
}  // namespace pilum::filter
