#include "scan/take.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include <arrow/compute/api_vector.h>

#include "io/fault_store.h"
#include "pilum/error.h"
#include "scan/test_dataset.h"

namespace pilum::scan {
namespace {

std::vector<uint64_t> Numbers(const arrow::ChunkedArray& column) {
  std::vector<uint64_t> numbers;
  for (const auto& chunk : column.chunks()) {
    const auto& values = static_cast<const arrow::UInt64Array&>(*chunk);
    numbers.insert(numbers.end(), values.raw_values(), values.raw_values() + values.length());
  }
  return numbers;
}

struct Golden {
  explicit Golden(const std::string& name)
      : dataset(OpenGolden(GoldenStore(name))),
        expected(ExpectedGolden(name)->CombineChunks().ValueOrDie()),
        ids(Numbers(*expected->GetColumnByName(kRowId))),
        addresses(Numbers(*expected->GetColumnByName(kRowAddress))),
        projection(FullPlan(dataset).projection) {}

  // Rows by their positions, under each kind of key.
  void ExpectRows(const std::vector<uint64_t>& positions) const {
    arrow::UInt64Builder builder;
    ASSERT_TRUE(builder.AppendValues(positions).ok());
    const auto want = arrow::compute::Take(expected, *builder.Finish()).ValueOrDie().table();
    for (RowKey kind : {RowKey::kOffset, RowKey::kRowId, RowKey::kRowAddress}) {
      std::vector<uint64_t> keys;
      for (uint64_t position : positions) {
        keys.push_back(kind == RowKey::kOffset  ? position
                       : kind == RowKey::kRowId ? ids[position]
                                                : addresses[position]);
      }
      auto batch = TakeRows(dataset, projection, keys, kind);
      ASSERT_TRUE(batch.ok()) << batch.status();
      ASSERT_TRUE((*batch)->ValidateFull().ok()) << (*batch)->ValidateFull();
      ASSERT_EQ((*batch)->num_rows(), static_cast<int64_t>(positions.size()));
      for (int i = 0; i < want->num_columns(); ++i) {
        const auto id = want->column(i)->type()->id();
        if (id == arrow::Type::DICTIONARY || id == arrow::Type::EXTENSION) continue;
        const arrow::ChunkedArray have((*batch)->column(i));
        EXPECT_TRUE(have.Equals(*want->column(i), arrow::EqualOptions().nans_equal(true)))
            << want->field(i)->name();
      }
    }
  }

  std::shared_ptr<const DatasetReader> dataset;
  std::shared_ptr<arrow::Table> expected;
  std::vector<uint64_t> ids, addresses;
  std::shared_ptr<const Projection> projection;
};

TEST(Take, RowsInAnyOrderWithRepeats) {
  for (const char* name :
       {"history-2.0", "history-2.1", "history-2.2", "dense-deletions", "stable-row-ids",
        "mixed-2.0", "mixed-2.1", "mixed-2.2", "encodings-2.1", "encodings-2.2"}) {
    SCOPED_TRACE(name);
    const Golden golden(name);
    const uint64_t n = golden.addresses.size();
    std::mt19937 random(6);
    std::vector<uint64_t> positions(std::min<uint64_t>(n, 500));
    std::iota(positions.begin(), positions.end(), 0);
    golden.ExpectRows(positions);
    std::reverse(positions.begin(), positions.end());
    golden.ExpectRows(positions);
    for (size_t count : {1, 2, 17, 300, 5000}) {
      positions.resize(count);
      for (uint64_t& position : positions) position = random() % n;
      golden.ExpectRows(positions);
    }
    golden.ExpectRows({n - 1, 0, n - 1, n - 1, 0});
  }
}

TEST(Take, NoKeysAreNoRows) {
  const Golden golden("history-2.2");
  golden.ExpectRows({});
}

TEST(Take, RowsThatAreNotThereAreIndexErrors) {
  const Golden golden("history-2.2");
  const uint64_t n = golden.addresses.size();
  const auto fails = [&](uint64_t key, RowKey kind) {
    const uint64_t keys[] = {kind == RowKey::kOffset ? 0 : golden.addresses[0], key};
    auto batch = TakeRows(golden.dataset, golden.projection, keys, kind);
    return batch.status().IsIndexError();
  };
  EXPECT_TRUE(fails(n, RowKey::kOffset));
  EXPECT_TRUE(fails(~uint64_t{0}, RowKey::kOffset));
  EXPECT_TRUE(fails(uint64_t{9999} << 32, RowKey::kRowAddress));
  EXPECT_TRUE(fails(~uint64_t{0}, RowKey::kRowId));
  EXPECT_TRUE(fails(golden.addresses[0] | 0xFFFFFFFF, RowKey::kRowAddress));
  // Deleted rows: addresses below the physical rows that no live row has.
  size_t deleted = 0;
  for (size_t f = 0; f < golden.dataset->num_fragments(); ++f) {
    const auto& fragment = golden.dataset->fragment(f);
    for (uint64_t row = 0; row < fragment.physical_rows; ++row) {
      const uint64_t address = fragment.id << 32 | row;
      if (std::find(golden.addresses.begin(), golden.addresses.end(), address) !=
          golden.addresses.end())
        continue;
      EXPECT_TRUE(fails(address, RowKey::kRowAddress)) << address;
      ++deleted;
    }
  }
  EXPECT_GT(deleted, 0u);
}

TEST(Take, FailedReadsNameTheFile) {
  auto store = std::make_shared<io::FaultStore>(GoldenStore("history-2.2"));
  const auto dataset = OpenGolden(store);
  const std::string path = dataset->fragment(0).files[0].path;
  store->Fail(io::FaultStore::Call::kRead, ErrorKind::kUnavailable,
              {.path_contains = path, .skip = 1});
  const uint64_t keys[] = {0};
  auto batch = TakeRows(dataset, FullPlan(dataset).projection, keys, RowKey::kOffset);
  EXPECT_EQ(GetErrorKind(batch.status()), ErrorKind::kUnavailable) << batch.status();
  EXPECT_NE(batch.status().ToString().find(path), std::string::npos) << batch.status();
}

}  // namespace
}  // namespace pilum::scan
