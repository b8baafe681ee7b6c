// Databases: named tables under one location. Start here.
//
//   auto db = pilum::Connect("/data/db").ValueOrDie();
//   auto table = db->OpenTable("images").ValueOrDie();
//   auto snapshot = table->Latest().ValueOrDie();
//   auto stream = snapshot->Scan({.filter = {"label = 3"}}).ValueOrDie();
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "pilum/storage.h"
#include "pilum/table.h"

namespace pilum {

/// Thread-safe.
class Database {
 public:
  virtual ~Database() = default;

  /// The absolute folder, or "memory://".
  virtual const std::string& uri() const = 0;
  /// Of the tables that OpenTable can open, sorted.
  virtual arrow::Result<std::vector<std::string>> TableNames() = 0;
  /// kNotFound if there is no such table, kInvalidArgument for names with other characters than
  /// letters, digits, '_', '-' and '.'.
  virtual arrow::Result<std::shared_ptr<Table>> OpenTable(const std::string& name) = 0;
  /// Makes a table of these rows, none of which is fine. kAlreadyExists if there is one.
  virtual arrow::Result<std::shared_ptr<Table>> CreateTable(const std::string& name,
                                                            arrow::RecordBatchReader* rows,
                                                            const WriteOptions& options = {}) = 0;
  /// Removes a table with all its versions; kNotFound if there is none. Readers of it fail from
  /// then on.
  virtual arrow::Status DropTable(const std::string& name) = 0;
  /// Gives a table another name. kNotFound if there is none, kAlreadyExists if the new name is
  /// taken. Tables that are open under the old name fail from then on.
  virtual arrow::Status RenameTable(const std::string& name, const std::string& new_name) = 0;
};

/// Opens a database: "memory://" (fresh and private to the result), a path or "file://" URI
/// (created if it does not exist; "~" and relative paths are resolved now). "s3://" and "db://" are
/// kUnsupported, other schemes kInvalidArgument with the list of valid ones.
arrow::Result<std::shared_ptr<Database>> Connect(const std::string& uri,
                                                 const StorageOptions& options = {});

/// A database over any store.
std::shared_ptr<Database> OpenDatabase(std::shared_ptr<ObjectStore> store, std::string uri);

/// Opens the table in the folder `uri` itself ("…/images.lance"). kNotFound if there is none; for
/// schemes as Connect, and kInvalidArgument for "memory://", whose tables have no addresses.
arrow::Result<std::shared_ptr<Table>> OpenTableAt(const std::string& uri,
                                                  const StorageOptions& options = {});

/// Makes a table in the folder `uri`. kAlreadyExists if there is one.
arrow::Result<std::shared_ptr<Table>> CreateTableAt(const std::string& uri,
                                                    arrow::RecordBatchReader* rows,
                                                    const WriteOptions& options = {},
                                                    const StorageOptions& storage = {});

/// The table whose folder a store is; `name` and `uri` are for messages. kNotFound if there is
/// none.
arrow::Result<std::shared_ptr<Table>> OpenTableIn(std::shared_ptr<ObjectStore> store,
                                                  std::string name, std::string uri);

/// The objects of a table by their paths in its folder, all versions and branches included.
using TableContent = std::map<std::string, std::string>;

/// Copies a table: how one that lives in the memory of a process gets into another one.
arrow::Result<TableContent> ExportTable(const Table& table);

/// A table in memory that starts with this content. `name` and `uri` are for messages.
arrow::Result<std::shared_ptr<Table>> ImportTable(std::string name, std::string uri,
                                                  const TableContent& content);

}  // namespace pilum
