// Tables as plain bytes, for those that live in the memory of a process.
#include <utility>

#include "pilum/database.h"
#include "pilum/error.h"
#include "table/lance_table.h"

namespace pilum {
namespace {

using arrow::Result;
using arrow::Status;

Status AddObjects(ObjectStore& store, const std::string& folder, TableContent* content) {
  ARROW_ASSIGN_OR_RAISE(auto objects, store.List(folder));
  const std::string prefix = folder.empty() ? "" : folder + "/";
  for (const ObjectInfo& info : objects) {
    ARROW_ASSIGN_OR_RAISE(auto object, store.Open(info.path, info.size));
    std::string bytes(object->size(), '\0');
    ARROW_RETURN_NOT_OK(object->ReadAt(0, std::as_writable_bytes(std::span(bytes))));
    content->emplace(info.path, std::move(bytes));
  }
  ARROW_ASSIGN_OR_RAISE(auto folders, store.ListFolders(folder));
  for (const std::string& name : folders)
    ARROW_RETURN_NOT_OK(AddObjects(store, prefix + name, content));
  return Status::OK();
}

}  // namespace

Result<TableContent> ExportTable(const Table& table) {
  const auto* lance = dynamic_cast<const table::LanceTable*>(&table);
  if (lance == nullptr)
    return MakeError(ErrorKind::kUnsupported, "table '" + table.name() + "' has no files",
                     {.path = table.uri()});
  TableContent content;
  ARROW_RETURN_NOT_OK(AddObjects(*lance->store(), "", &content));
  return content;
}

Result<std::shared_ptr<Table>> ImportTable(std::string name, std::string uri,
                                           const TableContent& content) {
  auto store = MakeMemoryStore();
  for (const auto& [path, bytes] : content)
    ARROW_RETURN_NOT_OK(store->Put(path, std::as_bytes(std::span(bytes))));
  return OpenTableIn(std::move(store), std::move(name), std::move(uri));
}

}  // namespace pilum
