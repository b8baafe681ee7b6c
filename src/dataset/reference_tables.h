// Support of tests: the tables that the reference library wrote, with the rows it reads from them.
//
// Those in tests/data/golden, and at run time those of the folder that PILUM_CORPUS names. Each
// folder of tables has a manifest.json; tests/reference.py reads the same.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <nlohmann/json.hpp>

namespace pilum::dataset {

struct ReferenceTable {
  std::string name;
  std::filesystem::path folder;          // of dataset.lance and the expected rows
  std::string storage_version;           // "2.2"
  uint64_t version = 0;                  // the newest
  std::map<std::string, uint64_t> tags;  // those whose version the listing states

  std::string uri() const { return (folder / "dataset.lance").string(); }
  /// Whether the storage version is one that pilum does not read.
  bool refused() const { return storage_version == "0.1" || storage_version == "2.3"; }
};

/// What a reference table holds in one version.
struct ExpectedVersion {
  std::string name;                 // "history-2.2" or "history-2.2, version 3"
  std::string uri;                  // of the table
  std::filesystem::path rows;       // the Arrow file with its rows, _rowid and _rowaddr last
  std::optional<uint64_t> version;  // none = the latest
};

struct ReferenceListing {
  std::vector<ReferenceTable> tables;
  std::vector<ExpectedVersion> versions;  // of the tables that are not refused
};

inline void AddListedTable(const nlohmann::json& entry, const std::filesystem::path& folder,
                           ReferenceListing* listing) {
  ReferenceTable table{.name = entry.at("name"),
                       .folder = folder / entry.at("name").get<std::string>(),
                       .storage_version = entry.at("storage_version"),
                       .version = entry.at("version")};
  const auto tags = entry.value("tags", nlohmann::json::object());
  for (const auto& [tag, version] : tags.items()) {
    if (!version.is_null()) table.tags[tag] = version;
  }
  if (!table.refused()) {
    listing->versions.push_back({table.name, table.uri(), table.folder / "expected.arrow", {}});
    const auto versions = entry.value("versions", nlohmann::json::object());
    for (const auto& [number, about] : versions.items()) {
      listing->versions.push_back({table.name + ", version " + number, table.uri(),
                                   table.folder / about.at("file").get<std::string>(),
                                   std::stoull(number)});
    }
  }
  listing->tables.push_back(std::move(table));
}

/// Exceptions end the test that asks: nothing may pass because there was nothing to read.
inline void AddFolder(const std::filesystem::path& folder, ReferenceListing* listing) {
  std::ifstream file(folder / "manifest.json");
  const nlohmann::json json = nlohmann::json::parse(file);
  const nlohmann::json& entries = json.at("datasets");
  if (entries.empty()) throw std::invalid_argument("no tables in " + folder.string());
  for (const nlohmann::json& entry : entries) AddListedTable(entry, folder, listing);
}

/// All reference tables there are.
inline const ReferenceListing& AllReferenceTables() {
  static const ReferenceListing listing = [] {
    ReferenceListing all;
    AddFolder(PILUM_GOLDEN, &all);
    const char* corpus = std::getenv("PILUM_CORPUS");
    if (corpus != nullptr && *corpus != 0) AddFolder(corpus, &all);
    return all;
  }();
  return listing;
}

/// A golden table by name.
inline const ReferenceTable& GoldenTable(const std::string& name) {
  const auto& tables = AllReferenceTables().tables;
  auto found = std::find_if(tables.begin(), tables.end(),
                            [&](const ReferenceTable& table) { return table.name == name; });
  if (found == tables.end()) throw std::invalid_argument("there is no golden table " + name);
  return *found;
}

inline std::shared_ptr<arrow::ipc::RecordBatchFileReader> OpenArrowFile(
    const std::filesystem::path& path,
    arrow::ipc::IpcReadOptions options = arrow::ipc::IpcReadOptions::Defaults()) {
  auto file = arrow::io::ReadableFile::Open(path.string()).ValueOrDie();
  return arrow::ipc::RecordBatchFileReader::Open(file, options).ValueOrDie();
}

}  // namespace pilum::dataset
