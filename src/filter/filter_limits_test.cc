// What filters refuse, how much they take, and the contract of Expression around evaluation.
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "filter/filter.h"
#include "filter/fuzz.h"
#include "filter/test_batch.h"
#include "pilum/error.h"

namespace pilum::filter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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
                 {"i64 = 1 LIMIT 1", "position 9: syntax error at LIMIT"},
                 {"end > 1", "a column of this name is written \"end\""},
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
                 {"bin IN (X'61', X'6')", "position 16: a binary value needs two hexadecimal"},
                 {"bin = -X'61'", "position 8: '-' needs numbers"},
                 {"bin = -(X'61')", "position 9: '-' needs numbers"},
                 {"bin = - -X'6'", "position 10: a binary value needs two hexadecimal"},
                 {"bin = X'6g'", "other than hexadecimal digits"},
                 {"d IN (date '2020-01-01', date 'x')", "position 26: 'x' is not a date"},
                 {"i64 IN (1, true)", "position 12: cannot compare int64 with a boolean"},
                 {"ts = 'garbage'", "position 6: 'garbage' is not a date"},
                 {"d = date '2020-02-30'", "'2020-02-30' is not a date"},
                 {"tz = ts", "cannot compare"},
                 {"i64 + 'a' = 1", "position 7: '+' needs numbers"},
                 {"CAST(dec AS decimal) * CAST(dec AS decimal) > 0", "76 digits; cast to fewer"},
                 {"l = 1", "cannot compare list"},
                 {"l.x = 1", "not a struct"},
                 {"regexp_match(s, '[')", "position 17: Invalid regular expression"},
                 {"s LIKE ls", "position 8: the pattern of LIKE"},
                 {"count(*) = 1", "not supported"},
                 {"sum(i64) OVER () = 1", "not supported"},
                 {"starts_with(s)", "does not take 1 arguments"},
                 {"CAST(i64 AS uuid) IS NULL", "cannot cast to uuid"},
                 {"CAST(i64 AS char) IS NULL", "cannot cast to char;"},
                 {"CAST(i64 AS varchar(3)) IS NULL", "cannot cast to varchar(…)"},
                 {"st[1] = 1", "[…] other than column['child']"},
                 {"d = tz", "cannot compare"},
                 {"current_date > d", "position 1: the value current_date"},
                 {"i64 & 1 = 1", "position 5"},
                 {"coalesce(i64, s) = 1", "no common type"}});
}

TEST(Filter, SuggestsTheNearestName) {
  ExpectRefused({{"itn64 = 1", "did you mean \"i64\"?"},
                 {"mixd = 1", "did you mean \"Mixed\"?"},
                 {"_rowids = 1", "did you mean \"_rowid\"?"},
                 {"st.yy = 1", "did you mean \"Y\"?"},
                 {"st['Y'].Zz = 1", "\"Zz\""},
                 {"(st['Y']).zZz = 1", "\"zZz\""},
                 {"((st)['Y']['W'])", "\"W\""},
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

TEST(Filter, TakesLongListsOfAnyLiteral) {
  struct {
    const char* head;
    const char* item;
    Rows rows;
  } cases[] = {{"d IN (date '2020-01-01'", ", date '2024-02-29'", {0, 2}},
               {"ts IN (timestamp '2020-01-01 00:00:00'", ", timestamp '2024-02-29'", {0}},
               {"bin IN (X'61'", ", X''", {0, 4}},
               {"b IN (true", ", TRUE", {0, 2, 5}}};
  for (const auto& c : cases) {
    std::string sql = c.head;
    for (int i = 0; i < 100000; ++i) sql += c.item;
    EXPECT_EQ(*Select(sql + ")"), c.rows) << c.head;
  }
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
  EXPECT_EQ(text("d IN (date'2020-01-01',DATE /* */ '2020-01-02')"),
            "d IN ( date '2020-01-01' DATE '2020-01-02' )");
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
       {"i = 1", "array_has(l, 1) and st.b like 'c%'", "\xff\x00'", "((((", "t > '2020-01-01'",
        "round(p38, 3) + u * i8 / f16", "CAST(n AS decimal(38, 10))", "p76 + 1", "k || s", "x2",
        "CAST(p76 AS decimal(38, 2))", "round(p76)", "h", "coalesce(d, ts)", "v[1]"}) {
    FuzzFilter(std::as_bytes(std::span(text)));
  }
}

}  // namespace
}  // namespace pilum::filter
