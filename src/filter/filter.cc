#include "filter/filter.h"

#include <bit>
#include <limits>
#include <utility>

#include <arrow/compute/initialize.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>

#include "filter/binder.h"
#include "filter/parser.h"
#include "filter/program.h"
#include "filter/scanner.h"
#include "filter/source_text.h"
#include "pilum/error.h"

namespace pilum::filter {
namespace {

// The 64 bits of `bitmap` from bit `begin` on; those from `count` on are zero.
uint64_t LoadBits(const uint8_t* bitmap, int64_t begin, int64_t count) {
  const uint8_t* bytes = bitmap + begin / 8;
  const int shift = static_cast<int>(begin % 8);
  uint64_t word = 0;
  if (count >= 64) {
    word = arrow::bit_util::FromLittleEndian(arrow::util::SafeLoadAs<uint64_t>(bytes)) >> shift;
    if (shift != 0) word |= static_cast<uint64_t>(bytes[8]) << (64 - shift);
    return word;
  }
  for (int64_t i = 0; i < count; ++i) {
    word |= static_cast<uint64_t>(arrow::bit_util::GetBit(bitmap, begin + i)) << i;
  }
  return word;
}

std::vector<uint32_t> RowsOfSetBits(const arrow::BooleanArray& mask) {
  const uint8_t* values = mask.values()->data();
  const uint8_t* validity = mask.null_bitmap_data();
  std::vector<uint32_t> rows;
  rows.reserve(static_cast<size_t>(mask.true_count()));
  for (int64_t base = 0; base < mask.length(); base += 64) {
    const int64_t count = mask.length() - base;
    uint64_t word = LoadBits(values, mask.offset() + base, count);
    if (word == 0) continue;
    if (validity != nullptr) word &= LoadBits(validity, mask.offset() + base, count);
    for (; word != 0; word &= word - 1) {
      rows.push_back(static_cast<uint32_t>(base + std::countr_zero(word)));
    }
  }
  return rows;
}

}  // namespace

Expression::Expression(std::unique_ptr<const Program> program, std::string text)
    : program_(std::move(program)), text_(std::move(text)) {
  for (const Input& input : program_->inputs) columns_.push_back(input.path);
}

Expression::~Expression() = default;

const std::shared_ptr<arrow::DataType>& Expression::type() const {
  return program_->steps.back().type;
}

arrow::Result<std::shared_ptr<const Expression>> Expression::Parse(std::string_view sql,
                                                                   const arrow::Schema& schema,
                                                                   bool predicate) {
  static const arrow::Status initialized = cp::Initialize();
  ARROW_RETURN_NOT_OK(initialized);
  const SourceText source(sql);
  ARROW_ASSIGN_OR_RAISE(PreparedSql prepared, PrepareSql(source));
  ARROW_ASSIGN_OR_RAISE(NodePtr root, ParseSql(source, prepared));
  ARROW_ASSIGN_OR_RAISE(auto program, Bind(source, *root, schema, predicate));
  return std::shared_ptr<const Expression>(
      new Expression(std::move(program), std::move(prepared.normal_form)));
}

arrow::Result<std::shared_ptr<const Expression>> Expression::ParsePredicate(
    std::string_view sql, const arrow::Schema& schema) {
  return Parse(sql, schema, /*predicate=*/true);
}

arrow::Result<std::shared_ptr<const Expression>> Expression::ParseValue(
    std::string_view sql, const arrow::Schema& schema) {
  return Parse(sql, schema, /*predicate=*/false);
}

arrow::Result<std::shared_ptr<arrow::Array>> Expression::Evaluate(
    const arrow::RecordBatch& batch) const {
  return Run(*program_, batch);
}

arrow::Result<std::vector<uint32_t>> Expression::Select(const arrow::RecordBatch& batch) const {
  if (type()->id() != arrow::Type::BOOL) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "only a boolean expression selects rows: " + text_);
  }
  if (batch.num_rows() > std::numeric_limits<uint32_t>::max()) {
    return MakeError(ErrorKind::kInvalidArgument, "a batch of more than 2^32 - 1 rows");
  }
  ARROW_ASSIGN_OR_RAISE(auto mask, Evaluate(batch));
  return RowsOfSetBits(static_cast<const arrow::BooleanArray&>(*mask));
}

}  // namespace pilum::filter
