// Transactions: what a writer wants to do to a table, or did.
//
//   Transaction ─► SerializeTransaction ─► the bytes of a .txn file and of a manifest's section
//   the bytes of anybody's transaction ─► ParseTransaction ─► TransactionSummary, for conflicts
//
// Values; pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <arrow/result.h>

#include "dataset/manifest.h"
#include "dataset/schema.h"

namespace pilum::dataset {

/// Adds rows. Fragments get their ids, and row ids where the table has stable ones, at the commit.
struct Append {
  std::vector<Fragment> fragments;
};

/// Replaces schema and rows; also the first version of a table. The table's config is merged with
/// `config`.
struct Overwrite {
  Schema schema;
  std::vector<Fragment> fragments;  ///< as of Append
  FileVersion file_version = FileVersion::kV2_2;
  bool stable_row_ids = false;  ///< of a new table; an existing one stays as it is
  std::map<std::string, std::string> config = {};
};

/// Deletes rows: `updated` are whole fragments with a new deletion file, of `removed` no row is
/// left.
struct Delete {
  std::vector<Fragment> updated;
  std::vector<uint64_t> removed;
  std::string predicate;
};

/// Changes rows: they are deleted where they were and written to new fragments, or fragments get
/// new files for some of their columns.
struct Update {
  std::vector<uint64_t> removed;
  std::vector<Fragment> updated;
  /// As of Append. In a table with stable row ids they may carry the row ids and created_at_versions
  /// of the rows that moved into them, all of the fragment's.
  std::vector<Fragment> added;
  std::vector<uint32_t> fields_modified;  ///< in `updated`, ids
};

/// The same rows in other fragments, whose ids were reserved.
struct Rewrite {
  struct Group {
    std::vector<Fragment> before;
    std::vector<Fragment> after;
  };
  std::vector<Group> groups;
};

/// Takes the next `count` fragment ids.
struct ReserveFragments {
  uint32_t count = 0;
};

/// Makes an old version the latest again.
struct Restore {
  uint64_t version = 0;
};

using Operation =
    std::variant<Append, Overwrite, Delete, Update, Rewrite, ReserveFragments, Restore>;

struct Transaction {
  uint64_t read_version = 0;  ///< the version it was made from; 0 = there is no table yet
  std::string uuid;
  Operation operation;
};

/// A new random uuid, "0b7e151628aed2a6abf7158809cf4f3c" with hyphens.
std::string MakeUuid();

std::string SerializeTransaction(const Transaction& transaction);

/// Every operation of the format, also those that only others commit.
enum class OperationKind {
  kAppend,
  kDelete,
  kUpdate,
  kOverwrite,
  kRewrite,
  kReserveFragments,
  kRestore,
  kMerge,
  kProject,
  kCreateIndex,
  kUpdateConfig,
  kDataReplacement,
  kUpdateBases,
  kOther,  ///< known by name only, or not at all
};

/// What can conflict about a transaction.
struct TransactionSummary {
  OperationKind kind = OperationKind::kOther;
  std::string operation;  ///< as the reference library calls it, for messages
  uint64_t read_version = 0;
  std::string uuid;
  std::vector<uint64_t> fragments;       ///< existing ones that it changes or removes, sorted
  std::vector<uint64_t> removed;         ///< those of them that are gone, sorted
  std::vector<std::string> config_keys;  ///< that it sets or deletes, sorted
  bool replaces_config = false;          ///< all keys
};

arrow::Result<TransactionSummary> ParseTransaction(std::string_view bytes);

}  // namespace pilum::dataset
