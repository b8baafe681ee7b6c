#include "stream/token_rows.h"

#include <arrow/json/from_string.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pilum::stream {
namespace {

using Tokens = std::vector<int64_t>;

std::shared_ptr<arrow::Array> Lists(const std::shared_ptr<arrow::DataType>& type,
                                    const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

TokenRows Rows(const std::shared_ptr<arrow::Array>& lists) {
  return TokenRows(*arrow::RecordBatch::Make(arrow::schema({arrow::field("tokens", lists->type())}),
                                             lists->length(), {lists}));
}

std::vector<Tokens> All(const TokenRows& rows) {
  std::vector<Tokens> all;
  for (int64_t row = 0; row < rows.size(); ++row) {
    all.emplace_back(rows.Tokens(row));
    rows.Copy(row, 0, rows.Tokens(row), all.back().data());
  }
  return all;
}

TEST(TokenRows, AreThoseOfASlice) {
  const std::string json = "[[1, 2], [3, 4], [5, 6], [7, 8]]";
  for (const auto& type : {arrow::list(arrow::uint16()), arrow::large_list(arrow::int64()),
                           arrow::fixed_size_list(arrow::int8(), 2)}) {
    const TokenRows rows = Rows(Lists(type, json)->Slice(1, 2));
    EXPECT_EQ(All(rows), (std::vector<Tokens>{{3, 4}, {5, 6}})) << type->ToString();
    EXPECT_EQ(rows.Tokens(0, 2), 4u);
  }
  const auto values = Lists(arrow::int32(), "[9, 1, 2, 3]")->Slice(1);
  const auto lists =
      arrow::ListArray::FromArrays(*Lists(arrow::int32(), "[0, 1, 3]"), *values).ValueOrDie();
  EXPECT_EQ(All(Rows(lists)), (std::vector<Tokens>{{1}, {2, 3}}));
}

TEST(TokenRows, ArePiecesOfRows) {
  const TokenRows rows = Rows(Lists(arrow::list(arrow::uint32()), "[[1], [4294967295, 3, 4, 5]]"));
  Tokens piece(2);
  rows.Copy(1, 0, 2, piece.data());
  EXPECT_EQ(piece, (Tokens{4294967295, 3}));
  rows.Copy(1, 2, 2, piece.data());
  EXPECT_EQ(piece, (Tokens{4, 5}));
}

TEST(TokenRows, AreRefusedForWhatIsInThePiece) {
  const TokenRows nulls = Rows(Lists(arrow::list(arrow::int8()), "[[1, 2, null, 4], null, []]"));
  EXPECT_TRUE(nulls.Check(0, 0, 2).ok());
  EXPECT_THAT(nulls.Check(0, 0, 3).message(), testing::HasSubstr("a null token"));
  EXPECT_TRUE(nulls.Check(0, 3, 1).ok());
  EXPECT_THAT(nulls.Check(1, 0, 0).message(), testing::HasSubstr("a null list"));
  EXPECT_TRUE(nulls.Check(2, 0, 0).ok());
  const TokenRows large =
      Rows(Lists(arrow::list(arrow::uint64()), "[[9223372036854775807, 9223372036854775808]]"));
  EXPECT_TRUE(large.Check(0, 0, 1).ok());
  EXPECT_THAT(large.Check(0, 0, 2).message(), testing::HasSubstr("a token above int64"));
}

}  // namespace
}  // namespace pilum::stream
