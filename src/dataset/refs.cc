#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "bytes/byte_reader.h"
#include "dataset/manifest.h"
#include "dataset/read_object.h"
#include "io/store_path.h"
#include "pilum/error.h"

namespace pilum::dataset {
namespace {

constexpr char kTagsFolder[] = "_refs/tags";
constexpr char kBranchesFolder[] = "_refs/branches";
constexpr std::string_view kSuffix = ".json";
constexpr uint64_t kMaxRefSize = 1 << 20;

arrow::Status WrongName(std::string_view name) {
  return MakeError(ErrorKind::kCorruptData,
                   "'" + std::string(name) + "' is no name of a tag or branch");
}

/// The name of a tag or branch: '/' is written "%2F" in file names.
arrow::Result<std::string> RefName(const ObjectInfo& info) {
  constexpr std::string_view kSlash = "%2F";
  std::string name = info.path.substr(info.path.rfind('/') + 1);
  name.resize(name.size() - kSuffix.size());
  for (size_t at = name.find(kSlash); at != std::string::npos; at = name.find(kSlash, at + 1)) {
    name.replace(at, kSlash.size(), "/");
  }
  if (!io::IsInnerPath(name)) return WrongName(name);
  return name;
}

arrow::Result<nlohmann::json> ReadJson(ObjectStore& store, const ObjectInfo& info) {
  if (info.size > kMaxRefSize) {
    return MakeError(ErrorKind::kCorruptData,
                     "the file is " + std::to_string(info.size) +
                         " bytes long; the description of a tag or branch has a few hundred");
  }
  ARROW_ASSIGN_OR_RAISE(WholeObject object, ReadObject(store, info.path, info.size));
  std::string_view text(*object.buffer);
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return MakeError(ErrorKind::kCorruptData, "the file does not hold a JSON object");
  }
  return json;
}

arrow::Status WrongKey(std::string_view key, std::string_view expected) {
  return MakeError(ErrorKind::kCorruptData,
                   "the key \"" + std::string(key) + "\" should hold " + std::string(expected));
}

arrow::Result<uint64_t> GetNumber(const nlohmann::json& json, const char* key) {
  auto entry = json.find(key);
  if (entry == json.end() || !entry->is_number_unsigned()) {
    return WrongKey(key, "a number that is not negative");
  }
  return entry->get<uint64_t>();
}

/// The name of a branch; the main branch is written as null.
arrow::Result<std::string> GetBranch(const nlohmann::json& json, const char* key) {
  auto entry = json.find(key);
  if (entry == json.end() || entry->is_null()) return std::string();
  if (!entry->is_string()) return WrongKey(key, "the name of a branch or null");
  auto name = entry->get<std::string>();
  if (!io::IsInnerPath(name)) return WrongName(name);
  return name;
}

arrow::Result<Tag> ReadTag(ObjectStore& store, const ObjectInfo& info) {
  ARROW_ASSIGN_OR_RAISE(nlohmann::json json, ReadJson(store, info));
  Tag tag;
  ARROW_ASSIGN_OR_RAISE(tag.name, RefName(info));
  ARROW_ASSIGN_OR_RAISE(tag.branch, GetBranch(json, "branch"));
  ARROW_ASSIGN_OR_RAISE(tag.version, GetNumber(json, "version"));
  ARROW_ASSIGN_OR_RAISE(tag.manifest_size, GetNumber(json, "manifestSize"));
  return tag;
}

arrow::Result<Branch> ReadBranch(ObjectStore& store, const ObjectInfo& info) {
  ARROW_ASSIGN_OR_RAISE(nlohmann::json json, ReadJson(store, info));
  Branch branch;
  ARROW_ASSIGN_OR_RAISE(branch.name, RefName(info));
  ARROW_ASSIGN_OR_RAISE(branch.parent, GetBranch(json, "parentBranch"));
  ARROW_ASSIGN_OR_RAISE(branch.parent_version, GetNumber(json, "parentVersion"));
  return branch;
}

template <typename Ref>
using Read = arrow::Result<Ref> (*)(ObjectStore&, const ObjectInfo&);

template <typename Ref>
arrow::Result<Ref> ReadRef(ObjectStore& store, const ObjectInfo& object, Read<Ref> read) {
  auto ref = read(store, object);
  if (!ref.ok()) return WithContext(ref.status(), {.path = store.root() + "/" + object.path});
  return ref;
}

// Only the file of that name is read: damage to another must not get in the way.
template <typename Ref>
arrow::Result<std::optional<Ref>> FindRef(ObjectStore& store, std::string_view folder,
                                          const std::string& name, Read<Ref> read) {
  ARROW_ASSIGN_OR_RAISE(std::vector<ObjectInfo> objects, store.List(folder));
  for (const ObjectInfo& object : objects) {
    if (!object.path.ends_with(kSuffix)) continue;
    auto found = RefName(object);
    if (found.ok() && *found == name) return ReadRef(store, object, read);
  }
  return std::nullopt;
}

template <typename Ref>
arrow::Result<std::vector<Ref>> ListRefs(ObjectStore& store, std::string_view folder,
                                         Read<Ref> read) {
  ARROW_ASSIGN_OR_RAISE(std::vector<ObjectInfo> objects, store.List(folder));
  std::vector<Ref> refs;
  for (const ObjectInfo& object : objects) {
    if (!object.path.ends_with(kSuffix)) continue;
    ARROW_ASSIGN_OR_RAISE(Ref ref, ReadRef(store, object, read));
    refs.push_back(std::move(ref));
  }
  std::sort(refs.begin(), refs.end(), [](const Ref& a, const Ref& b) { return a.name < b.name; });
  return refs;
}

}  // namespace

arrow::Result<std::optional<Tag>> FindTag(ObjectStore& store, const std::string& name) {
  return FindRef<Tag>(store, kTagsFolder, name, ReadTag);
}

arrow::Result<std::optional<Branch>> FindBranch(ObjectStore& store, const std::string& name) {
  return FindRef<Branch>(store, kBranchesFolder, name, ReadBranch);
}

arrow::Result<std::vector<Tag>> ListTags(ObjectStore& store) {
  return ListRefs<Tag>(store, kTagsFolder, ReadTag);
}

arrow::Result<std::vector<Branch>> ListBranches(ObjectStore& store) {
  return ListRefs<Branch>(store, kBranchesFolder, ReadBranch);
}

}  // namespace pilum::dataset
