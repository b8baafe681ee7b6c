#include "permutation/value_hash.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <arrow/compute/cast.h>

namespace pilum::permutation {
namespace {

using Hashes = std::vector<uint64_t>;
using ArrayPtr = std::shared_ptr<arrow::Array>;

template <typename Builder, typename Value>
ArrayPtr Make(Builder&& builder, const std::vector<Value>& values, bool null = false) {
  for (const Value& value : values) EXPECT_TRUE(builder.Append(value).ok());
  if (null) {
    EXPECT_TRUE(builder.AppendNull().ok());
  }
  return builder.Finish().ValueOrDie();
}

ArrayPtr Int64s(const std::vector<int64_t>& values, bool null = false) {
  return Make(arrow::Int64Builder(), values, null);
}

ArrayPtr Doubles(const std::vector<double>& values) { return Make(arrow::DoubleBuilder(), values); }

ArrayPtr Strings(const std::vector<std::string>& values, bool null = false) {
  return Make(arrow::StringBuilder(), values, null);
}

ArrayPtr Cast(const ArrayPtr& values, std::shared_ptr<arrow::DataType> type) {
  return arrow::compute::Cast(*values, std::move(type)).ValueOrDie();
}

Hashes HashesOf(const std::vector<ArrayPtr>& columns) {
  Hashes hashes(static_cast<size_t>(columns.front()->length()), 0);
  for (const ArrayPtr& column : columns) {
    EXPECT_TRUE(IsHashable(*column->type())) << column->type()->ToString();
    EXPECT_TRUE(CombineHashes(column, hashes).ok());
  }
  return hashes;
}

// These never change: they decide about the splits of tables that exist. Computed by another program
// after the comment in the header.
TEST(ValueHash, IsFixed) {
  EXPECT_EQ(
      HashesOf({Int64s({0, 1, -1}, /*null=*/true)}),
      (Hashes{0xA706DD2F4D197E6F, 0x5E41AB087439611E, 0x5DC20AA7B2A27137, 0xF725441D87A5FE5E}));
  EXPECT_EQ(HashesOf({Make(arrow::UInt64Builder(), std::vector<uint64_t>{uint64_t{1} << 63})}),
            (Hashes{0x86DB92E833B0C1A0}));
  EXPECT_EQ(HashesOf({Make(arrow::BooleanBuilder(), std::vector<bool>{true, false})}),
            (Hashes{0x5E41AB087439611E, 0xA706DD2F4D197E6F}));
  EXPECT_EQ(HashesOf({Strings({"", "cat"})}), (Hashes{0x21FA69A58F3D62F5, 0xF701C6821AEFA76A}));
  EXPECT_EQ(
      HashesOf({Make(arrow::BinaryBuilder(), std::vector<std::string>{std::string("\0\xFF", 2)})}),
      (Hashes{0x8FF4D68439037CA0}));
  EXPECT_EQ(
      HashesOf({Doubles({0.0, 1.5, std::nan(""), -HUGE_VAL})}),
      (Hashes{0xA706DD2F4D197E6F, 0x6A09D17EBA9BF03E, 0x5366251C28A3E1FF, 0xE4E60FCE9A1E91C7}));
}

TEST(ValueHash, OfSeveralColumnsIsFixed) {
  const auto one = Int64s({1});
  const auto cat = Strings({"cat"});
  EXPECT_EQ(HashesOf({one, cat}), (Hashes{0x56E98E2470087BFD}));
  EXPECT_EQ(HashesOf({cat, one}), (Hashes{0x66292B155CB4D238}));
  EXPECT_EQ(HashesOf({Strings({}, true), Int64s({}, true)}), (Hashes{0x805A363E54AA0D04}));
}

TEST(ValueHash, DoesNotDependOnTheWidthOfIntegersAndTexts) {
  const auto numbers = Int64s({-5, 0, 100}, /*null=*/true);
  for (const auto& type : {arrow::int8(), arrow::int16(), arrow::int32()})
    EXPECT_EQ(HashesOf({Cast(numbers, type)}), HashesOf({numbers})) << type->ToString();
  const auto counts = Int64s({0, 100});
  for (const auto& type : {arrow::uint8(), arrow::uint16(), arrow::uint32(), arrow::uint64()})
    EXPECT_EQ(HashesOf({Cast(counts, type)}), HashesOf({counts})) << type->ToString();
  const auto texts = Strings({"", "cat"}, /*null=*/true);
  for (const auto& type : {arrow::large_utf8(), arrow::binary(), arrow::large_binary()})
    EXPECT_EQ(HashesOf({Cast(texts, type)}), HashesOf({texts})) << type->ToString();
}

TEST(ValueHash, OfEqualNumbersIsEqual) {
  const auto hashes = HashesOf({Doubles({0.0, -0.0, std::nan(""), -std::nan(""),
                                         std::numeric_limits<double>::signaling_NaN(), 0.5})});
  EXPECT_EQ(hashes[0], hashes[1]);
  EXPECT_EQ(hashes[2], hashes[3]);
  EXPECT_EQ(hashes[2], hashes[4]);
  EXPECT_NE(hashes[0], hashes[5]);
  const auto halves = Doubles({0.5, -2.0, 0.0});
  EXPECT_EQ(HashesOf({Cast(halves, arrow::float32())}), HashesOf({halves}));
  EXPECT_EQ(HashesOf({Cast(Cast(halves, arrow::float32()), arrow::float16())}), HashesOf({halves}));
}

TEST(ValueHash, OfADictionaryIsThatOfItsValues) {
  const auto texts = Strings({"a", "b", "a"}, /*null=*/true);
  const auto type = arrow::dictionary(arrow::int8(), arrow::utf8());
  EXPECT_EQ(HashesOf({Cast(texts, type)}), HashesOf({texts}));
}

TEST(ValueHash, OfASliceIsThatOfItsValues) {
  const auto numbers = Int64s({1, 2, 3}, /*null=*/true);
  const auto all = HashesOf({numbers});
  EXPECT_EQ(HashesOf({numbers->Slice(1, 3)}), Hashes(all.begin() + 1, all.end()));
  const auto flags = Make(arrow::BooleanBuilder(), std::vector<bool>{false, true, true}, true);
  const auto flag_hashes = HashesOf({flags});
  EXPECT_EQ(HashesOf({flags->Slice(2, 2)}), Hashes(flag_hashes.begin() + 2, flag_hashes.end()));
}

TEST(ValueHash, OfTimesIsThatOfTheirNumbers) {
  const auto numbers = Int64s({-1, 0, 86'400'000}, /*null=*/true);
  for (const auto& type : {arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                           arrow::duration(arrow::TimeUnit::SECOND), arrow::date64()}) {
    const auto times = numbers->View(type).ValueOrDie();
    EXPECT_EQ(HashesOf({times}), HashesOf({numbers})) << type->ToString();
  }
}

TEST(ValueHash, OfNulls) {
  const auto nulls = std::make_shared<arrow::NullArray>(2);
  const auto hashes = HashesOf({nulls});
  EXPECT_EQ(hashes, (Hashes{0xF725441D87A5FE5E, 0xF725441D87A5FE5E}));
}

TEST(ValueHash, OfDecimalsDiffersByValue) {
  const auto hashes =
      HashesOf({Make(arrow::Decimal128Builder(arrow::decimal128(10, 2)),
                     std::vector<arrow::Decimal128>{arrow::Decimal128(150), arrow::Decimal128(151),
                                                    arrow::Decimal128(150)})});
  EXPECT_EQ(hashes[0], hashes[2]);
  EXPECT_NE(hashes[0], hashes[1]);
}

TEST(ValueHash, IsNotForValuesOfSeveralParts) {
  for (const auto& type :
       {arrow::list(arrow::int64()), arrow::fixed_size_list(arrow::float32(), 2),
        arrow::struct_({arrow::field("x", arrow::int64())}),
        arrow::map(arrow::utf8(), arrow::utf8()),
        arrow::dictionary(arrow::int8(), arrow::list(arrow::int64())), arrow::month_interval()})
    EXPECT_FALSE(IsHashable(*type)) << type->ToString();
}

}  // namespace
}  // namespace pilum::permutation
