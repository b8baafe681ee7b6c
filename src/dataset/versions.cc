#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "bytes/byte_reader.h"
#include "dataset/manifest.h"
#include "dataset/read_object.h"
#include "pilum/error.h"

namespace pilum::dataset {
namespace {

constexpr char kVersionsFolder[] = "_versions";
constexpr std::string_view kManifestSuffix = ".manifest";
constexpr size_t kV2Digits = 20;

/// V1 names are the version, "7.manifest". V2 names count down from the largest number in 20
/// digits, so that the latest version is listed first.
enum class Naming { kV1, kV2 };

struct ManifestName {
  uint64_t version;
  Naming naming;
};

/// Nothing when the file is no manifest of the table's history: detached versions, hints, staging
/// files.
std::optional<ManifestName> ParseManifestName(std::string_view name) {
  if (!name.ends_with(kManifestSuffix)) return std::nullopt;
  std::string_view digits = name.substr(0, name.size() - kManifestSuffix.size());
  uint64_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (digits.size() == kV2Digits) {
    return ManifestName{std::numeric_limits<uint64_t>::max() - number, Naming::kV2};
  }
  if (digits.front() == '0' && digits.size() > 1) return std::nullopt;
  return ManifestName{number, Naming::kV1};
}

std::string PathOf(std::string_view name) { return kVersionsFolder + ("/" + std::string(name)); }

/// Calls visit(name, version) for all manifests of the table's history.
template <typename Visit>
arrow::Status VisitManifests(ObjectStore& store, Visit visit) {
  std::optional<Naming> naming;
  bool mixed = false;
  ARROW_RETURN_NOT_OK(store.VisitNames(kVersionsFolder, [&](std::string_view name) {
    const auto parsed = ParseManifestName(name);
    if (!parsed) return;
    mixed |= naming.value_or(parsed->naming) != parsed->naming;
    naming = parsed->naming;
    visit(name, parsed->version);
  }));
  if (!mixed) return arrow::Status::OK();
  return MakeError(ErrorKind::kCorruptData,
                   "the folder mixes old and new manifest names ('1.manifest' and '" +
                       std::to_string(std::numeric_limits<uint64_t>::max() - 1) +
                       ".manifest'); finish the migration of the manifest paths with the "
                       "reference library",
                   {.path = store.root() + "/" + kVersionsFolder});
}

arrow::Status NoSuchVersion(const ObjectStore& store, const std::vector<ListedVersion>& versions,
                            std::optional<uint64_t> version) {
  if (versions.empty()) {
    return MakeError(ErrorKind::kNotFound,
                     "there is no table at '" + store.root() +
                         "': it has no manifest in the "
                         "folder '" +
                         kVersionsFolder + "'; check the path",
                     {.path = store.root()});
  }
  return MakeError(ErrorKind::kNotFound,
                   "version " + std::to_string(*version) + " does not exist; the table at '" +
                       store.root() + "' has " + std::to_string(versions.size()) +
                       " versions between " + std::to_string(versions.front().version) + " and " +
                       std::to_string(versions.back().version),
                   {.path = store.root(), .version = version});
}

}  // namespace

arrow::Result<std::vector<ListedVersion>> ListVersions(ObjectStore& store) {
  std::vector<ListedVersion> versions;
  ARROW_RETURN_NOT_OK(VisitManifests(store, [&](std::string_view name, uint64_t version) {
    versions.push_back({version, PathOf(name)});
  }));
  std::sort(versions.begin(), versions.end(),
            [](const ListedVersion& a, const ListedVersion& b) { return a.version < b.version; });
  return versions;
}

arrow::Result<std::optional<ListedVersion>> FindLatest(ObjectStore& store) {
  std::string latest;
  uint64_t last = 0;
  ARROW_RETURN_NOT_OK(VisitManifests(store, [&](std::string_view name, uint64_t version) {
    if (!latest.empty() && version < last) return;
    latest = name;
    last = version;
  }));
  if (latest.empty()) return std::nullopt;
  return ListedVersion{last, PathOf(latest)};
}

std::string ManifestPath(uint64_t version, std::string_view like) {
  std::string name = std::to_string(version);
  auto known = ParseManifestName(like.substr(like.rfind('/') + 1));
  if (!known || known->naming == Naming::kV2) {
    name = std::to_string(std::numeric_limits<uint64_t>::max() - version);
    name.insert(0, kV2Digits - name.size(), '0');
  }
  return kVersionsFolder + ("/" + name).append(kManifestSuffix);
}

arrow::Result<ListedVersion> FindVersion(const ObjectStore& store,
                                         const std::vector<ListedVersion>& versions,
                                         std::optional<uint64_t> version) {
  if (versions.empty()) return NoSuchVersion(store, versions, version);
  if (!version) return versions.back();
  auto at = std::lower_bound(
      versions.begin(), versions.end(), *version,
      [](const ListedVersion& info, uint64_t wanted) { return info.version < wanted; });
  if (at == versions.end() || at->version != *version) {
    return NoSuchVersion(store, versions, version);
  }
  return *at;
}

arrow::Result<VersionInfo> DescribeVersion(ObjectStore& store, ListedVersion version) {
  ARROW_ASSIGN_OR_RAISE(const ObjectInfo object, store.Describe(version.path));
  return VersionInfo{{std::move(version)}, object.size, object.stamp};
}

arrow::Result<std::shared_ptr<const Manifest>> ReadListed(ObjectStore& store,
                                                          const ListedVersion& version) {
  ARROW_ASSIGN_OR_RAISE(WholeObject object, ReadObject(store, version.path));
  ARROW_ASSIGN_OR_RAISE(Manifest manifest, ParseManifest(object.bytes(), object.name));
  if (manifest.version != version.version) {
    return MakeError(ErrorKind::kCorruptData,
                     "by its name the manifest is version " + std::to_string(version.version) +
                         ", by its content version " + std::to_string(manifest.version),
                     {.path = object.name, .version = version.version});
  }
  return std::make_shared<const Manifest>(std::move(manifest));
}

arrow::Result<std::shared_ptr<const Manifest>> ReadManifest(ObjectStore& store,
                                                            std::optional<uint64_t> version) {
  ARROW_ASSIGN_OR_RAISE(std::vector<ListedVersion> versions, ListVersions(store));
  ARROW_ASSIGN_OR_RAISE(ListedVersion found, FindVersion(store, versions, version));
  return ReadListed(store, found);
}

}  // namespace pilum::dataset
