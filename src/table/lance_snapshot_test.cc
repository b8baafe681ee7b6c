#include "table/lance_snapshot.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "io/fault_store.h"
#include "pilum/error.h"
#include "pilum/storage.h"
#include "table/lance_table.h"

namespace pilum::table {
namespace {

constexpr char kMixed[] = "mixed-2.2";

/// The newest version of a golden table, read through a store that counts.
struct CountedTable {
  explicit CountedTable(const std::string& name) {
    const std::string uri = std::string(PILUM_GOLDEN) + "/" + name + "/dataset.lance";
    store = std::make_shared<io::FaultStore>(OpenLocalStore(uri).ValueOrDie());
    snapshot = LanceTable::Open(store, name, uri).ValueOrDie()->Latest().ValueOrDie();
  }

  /// Bytes read by an action, metadata not counted: it is kept from a first run.
  template <typename Action>
  int64_t BytesRead(Action action) const {
    action();
    const int64_t before = store->bytes_read();
    action();
    return store->bytes_read() - before;
  }

  int64_t StoredBytes(const std::string& column) const {
    for (const ColumnReport& report : snapshot->Inspect().ValueOrDie()) {
      if (report.path == column) return static_cast<int64_t>(report.stored_bytes);
    }
    ADD_FAILURE() << "no column " << column;
    return 0;
  }

  std::shared_ptr<io::FaultStore> store;
  std::shared_ptr<const Snapshot> snapshot;
};

TEST(LanceSnapshot, CountingReadsTheColumnsOfTheFilterOnly) {
  for (const char* name : {"mixed-2.0", "mixed-2.1", kMixed}) {
    SCOPED_TRACE(name);
    const CountedTable table(name);
    const int64_t read = table.BytesRead(
        [&] { EXPECT_EQ(table.snapshot->CountRows({.filter = {"id < 100"}}).ValueOrDie(), 100u); });
    EXPECT_GT(read, 0);
    EXPECT_LE(read, table.StoredBytes("id"));
  }
}

TEST(LanceSnapshot, CountingAllRowsReadsNothing) {
  const CountedTable table(kMixed);
  EXPECT_EQ(table.BytesRead([&] { EXPECT_EQ(table.snapshot->CountRows().ValueOrDie(), 400u); }), 0);
}

TEST(LanceSnapshot, CountsWhatAScanDelivers) {
  const CountedTable table("history-2.2");
  const std::vector<FragmentInfo> fragments = table.snapshot->fragments();
  const std::vector<uint64_t> some = {fragments.front().id, fragments.back().id};
  for (const char* filter : {"", "id % 3 = 0", "id < 0"}) {
    for (const ScanOptions& options :
         {ScanOptions{}, ScanOptions{.limit = 7}, ScanOptions{.offset = 20},
          ScanOptions{.limit = 1000, .offset = 30}, ScanOptions{.limit = 5, .offset = 5000},
          ScanOptions{.limit = 30, .offset = 10, .fragments = some}}) {
      ScanOptions filtered = options;
      if (*filter) filtered.filter = {filter};
      auto rows = table.snapshot->Scan(filtered).ValueOrDie()->ToTable().ValueOrDie();
      EXPECT_EQ(table.snapshot->CountRows(filtered).ValueOrDie(),
                static_cast<uint64_t>(rows->num_rows()))
          << filter;
    }
  }
}

TEST(LanceSnapshot, ColumnsOutsideTheFilterAreReadForMatchesOnly) {
  const CountedTable table(kMixed);
  const int64_t read = table.BytesRead([&] {
    auto stream = table.snapshot->Scan({.filter = {"id < 0"}}).ValueOrDie();
    EXPECT_EQ(stream->ToTable().ValueOrDie()->num_rows(), 0);
  });
  EXPECT_LE(read, table.StoredBytes("id"));
}

TEST(LanceSnapshot, PreparedScanHasTheSchemaOfItsBatches) {
  const CountedTable table(kMixed);
  for (const Columns& columns :
       {Columns{}, Columns{.with_row_id = true, .with_row_address = true},
        Columns{.names = {{"text", "id", "_rowoffset"}}}, Columns{.names = {{}}},
        Columns{.expressions = {{"next", "id + 1"}, {"text", "text"}}, .with_row_id = true}}) {
    const int64_t before = table.store->bytes_read();
    auto schema = table.snapshot->Prepare({.columns = columns}).ValueOrDie()->schema();
    EXPECT_EQ(table.store->bytes_read(), before);
    auto stream = table.snapshot->Scan({.columns = columns}).ValueOrDie();
    EXPECT_TRUE(schema->Equals(*stream->schema(), /*check_metadata=*/true)) << schema->ToString();
    EXPECT_TRUE(schema->Equals(*stream->ToTable().ValueOrDie()->schema())) << schema->ToString();
  }
}

TEST(LanceSnapshot, PrepareRefusesUnknownColumns) {
  const CountedTable table(kMixed);
  for (const Columns& columns :
       {Columns{.names = {{"nowhere"}}}, Columns{.expressions = {{"x", "nowhere + 1"}}}}) {
    const arrow::Status status = table.snapshot->Prepare({.columns = columns}).status();
    EXPECT_EQ(GetErrorKind(status), ErrorKind::kInvalidArgument) << status;
    EXPECT_NE(status.message().find("nowhere"), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace pilum::table
