#include <algorithm>
#include <cctype>
#include <chrono>
#include <ctime>
#include <span>
#include <string>
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

arrow::Status CheckTagName(std::string_view name) {
  auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_';
  };
  if (!name.empty() && std::all_of(name.begin(), name.end(), allowed) && !name.starts_with('.') &&
      !name.ends_with('.') && !name.ends_with(".lock") &&
      name.find("..") == std::string_view::npos) {
    return arrow::Status::OK();
  }
  return MakeError(ErrorKind::kInvalidArgument,
                   "'" + std::string(name) +
                       "' cannot be the name of a tag: use letters, digits, '.', '-' and '_', no "
                       "'.' at the ends, no '..' and no '.lock' at the end");
}

std::string TagPath(const std::string& name) {
  return std::string(kTagsFolder) + "/" + name + std::string(kSuffix);
}

/// "2026-01-31T12:00:00.000123Z"
std::string Now() {
  const auto now = std::chrono::system_clock::now();
  const time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto since = std::chrono::floor<std::chrono::seconds>(now);
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now - since).count();
  tm parts;
  ::gmtime_r(&seconds, &parts);
  char text[64];
  const size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string fraction = std::to_string(1'000'000 + micros);
  fraction[0] = '.';
  return std::string(text, length) + fraction + "Z";
}

/// Points a tag to a version.
void SetTag(const std::string& branch, const VersionInfo& version, nlohmann::json* tag) {
  (*tag)["branch"] = branch.empty() ? nlohmann::json() : nlohmann::json(branch);
  (*tag)["version"] = version.version;
  (*tag)["manifestSize"] = version.size;
  (*tag)["updatedAt"] = Now();
}

arrow::Status NoSuchTag(const ObjectStore& store, const std::string& name) {
  return MakeError(ErrorKind::kNotFound,
                   "the table at '" + store.root() + "' has no tag '" + name + "'",
                   {.path = store.root()});
}

/// The file of a tag that must exist.
arrow::Result<ObjectInfo> FindTagFile(ObjectStore& store, const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(std::vector<ObjectInfo> objects, store.List(kTagsFolder));
  auto found = std::find_if(objects.begin(), objects.end(),
                            [&](const ObjectInfo& object) { return object.path == TagPath(name); });
  if (found == objects.end()) return NoSuchTag(store, name);
  return *found;
}

arrow::Status PutTag(ObjectStore& store, const std::string& name, const nlohmann::json& tag,
                     bool create_only) {
  const std::string text = tag.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  return store.Put(TagPath(name), std::as_bytes(std::span(text)), create_only);
}

}  // namespace

arrow::Status CreateTag(ObjectStore& store, const std::string& name, const std::string& branch,
                        const VersionInfo& version) {
  ARROW_RETURN_NOT_OK(CheckTagName(name));
  nlohmann::json tag;
  SetTag(branch, version, &tag);
  tag["createdAt"] = tag["updatedAt"];
  tag["metadata"] = nlohmann::json::object();
  arrow::Status put = PutTag(store, name, tag, /*create_only=*/true);
  if (put.ok() || GetErrorKind(put) != ErrorKind::kAlreadyExists) return put;
  return MakeError(ErrorKind::kAlreadyExists,
                   "the table at '" + store.root() + "' has a tag '" + name +
                       "' already; update it, or delete it first",
                   {.path = store.root()});
}

arrow::Status UpdateTag(ObjectStore& store, const std::string& name, const std::string& branch,
                        const VersionInfo& version) {
  ARROW_ASSIGN_OR_RAISE(ObjectInfo file, FindTagFile(store, name));
  auto tag = ReadJson(store, file);
  if (!tag.ok()) return WithContext(tag.status(), {.path = store.root() + "/" + file.path});
  SetTag(branch, version, &*tag);
  return PutTag(store, name, *tag, /*create_only=*/false);
}

arrow::Status DeleteTag(ObjectStore& store, const std::string& name) {
  ARROW_ASSIGN_OR_RAISE(ObjectInfo file, FindTagFile(store, name));
  return store.Delete(file.path);
}

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
