#include "batches/rebatcher.h"

#include <gtest/gtest.h>

#include <deque>
#include <numeric>

#include <arrow/api.h>

#include "pilum/error.h"

namespace pilum::batches {
namespace {

std::shared_ptr<arrow::RecordBatch> Numbers(int64_t first, int64_t count) {
  std::vector<int64_t> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), first);
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), count,
                                  {*builder.Finish()});
}

/// Numbers from 0 on, in batches of these lengths. Then an error, or the end.
class NumberStream final : public BatchStream {
 public:
  explicit NumberStream(std::deque<int64_t> lengths, arrow::Status end = arrow::Status::OK())
      : lengths_(std::move(lengths)), end_(std::move(end)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return Numbers(0, 0)->schema(); }
  bool WaitNext(std::chrono::milliseconds) override { return ready_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    out->reset();
    if (lengths_.empty()) return end_;
    *out = Numbers(next_, lengths_.front());
    next_ += lengths_.front();
    lengths_.pop_front();
    return arrow::Status::OK();
  }
  void BecomeBusy() { ready_ = false; }

 private:
  std::deque<int64_t> lengths_;
  const arrow::Status end_;
  int64_t next_ = 0;
  bool ready_ = true;
};

auto HasRows(const Rebatcher& rows, int64_t least) {
  return [&rows, least] { return rows.rows() >= least; };
}

TEST(Rebatcher, CutsAndPutsTogether) {
  Rebatcher rows(std::make_shared<NumberStream>(std::deque<int64_t>{5, 1, 1, 8}));
  int64_t next = 0;
  for (const int64_t most : {2, 3, 4, 1, 100}) {
    ASSERT_TRUE(rows.ReadUntil(HasRows(rows, most)).ok());
    const int64_t expected = std::min<int64_t>(most, 15 - next);
    EXPECT_GE(rows.rows(), expected);
    const auto batch = rows.Take(most).ValueOrDie();
    ASSERT_TRUE(batch->Equals(*Numbers(next, expected))) << batch->ToString();
    next += expected;
  }
  EXPECT_EQ(next, 15);
  EXPECT_EQ(rows.rows(), 0);
  EXPECT_EQ(rows.Take(1).ValueOrDie(), nullptr);
}

TEST(Rebatcher, CopiesNothingOfOneBatch) {
  Rebatcher rows(std::make_shared<NumberStream>(std::deque<int64_t>{5}));
  ASSERT_TRUE(rows.ReadUntil(HasRows(rows, 1)).ok());
  const auto first = rows.Take(2).ValueOrDie();
  EXPECT_EQ(rows.front_rows(), 3);
  const auto second = rows.Take(3).ValueOrDie();
  EXPECT_EQ(rows.front_rows(), 0);
  EXPECT_EQ(first->column_data(0)->buffers[1], second->column_data(0)->buffers[1]);
}

TEST(Rebatcher, ReadsNoMoreThanIsAskedFor) {
  Rebatcher rows(std::make_shared<NumberStream>(std::deque<int64_t>{2, 2, 2}));
  ASSERT_TRUE(rows.ReadUntil(HasRows(rows, 3)).ok());
  EXPECT_EQ(rows.rows(), 4);
  EXPECT_EQ(rows.front_rows(), 2);
}

TEST(Rebatcher, ErrorsComeAfterTheRowsBeforeAndStay) {
  const auto error = MakeError(ErrorKind::kUnavailable, "no more numbers");
  Rebatcher rows(std::make_shared<NumberStream>(std::deque<int64_t>{3}, error));
  EXPECT_EQ(rows.ReadUntil(HasRows(rows, 4)), error);
  ASSERT_TRUE(rows.ReadUntil(HasRows(rows, 3)).ok());
  EXPECT_EQ(rows.Take(3).ValueOrDie()->num_rows(), 3);
  EXPECT_EQ(rows.ReadUntil(HasRows(rows, 1)), error);
}

TEST(Rebatcher, HasNothingWhenClosed) {
  Rebatcher rows(std::make_shared<NumberStream>(std::deque<int64_t>{2, 2, 2}));
  ASSERT_TRUE(rows.ReadUntil(HasRows(rows, 3)).ok());
  ASSERT_NE(rows.Take(1).ValueOrDie(), nullptr);
  ASSERT_TRUE(rows.Close().ok());
  ASSERT_TRUE(rows.ReadUntil(HasRows(rows, 1)).ok());
  EXPECT_EQ(rows.front_rows(), 0);
  EXPECT_EQ(rows.Take(1).ValueOrDie(), nullptr);
}

TEST(Rebatcher, WaitsForTheSourceAndNotBeyondItsEnd) {
  const auto source = std::make_shared<NumberStream>(std::deque<int64_t>{3});
  Rebatcher rows(source);
  constexpr std::chrono::milliseconds kNoTime(0);
  EXPECT_TRUE(rows.WaitUntil(HasRows(rows, 3), kNoTime));
  EXPECT_EQ(rows.rows(), 3);
  source->BecomeBusy();
  EXPECT_FALSE(rows.WaitUntil(HasRows(rows, 4), kNoTime));
  ASSERT_TRUE(rows.ReadUntil(HasRows(rows, 4)).ok());
  EXPECT_TRUE(rows.WaitUntil(HasRows(rows, 4), kNoTime));  // there are no more
}

}  // namespace
}  // namespace pilum::batches
