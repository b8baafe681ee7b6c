#include "dataset/commit.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "dataset/apply.h"
#include "dataset/compatibility.h"
#include "dataset/conflict.h"
#include "dataset/manifest_file.h"
#include "dataset/read_object.h"
#include "dataset/rebase.h"
#include "io/store_path.h"
#include "pilum/error.h"
#include "pilum/runtime.h"

namespace pilum::dataset {
namespace {

constexpr char kTransactionsFolder[] = "_transactions/";

bytes::Bytes AsBytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A version as its file has it, and as readers see it.
struct Version {
  ManifestFile file;
  std::shared_ptr<const Manifest> manifest;
};

/// Another writer's transaction.
struct Committed {
  TransactionSummary transaction;
  uint64_t version = 0;
};

/// A moment that grows with the attempts and differs from writer to writer.
void Wait(int attempt) {
  std::random_device random;
  const unsigned most = 1000u << std::min(attempt, 6);
  std::this_thread::sleep_for(std::chrono::microseconds(random() % most));
}

/// What made a version. A version that does not say so conflicts with everything.
arrow::Result<TransactionSummary> TransactionOf(ObjectStore& store, const ManifestFile& file) {
  if (file.transaction) return ParseTransaction(*file.transaction);
  const std::string& name = file.message.transaction_file();
  if (name.empty() || !io::IsInnerPath(name)) {
    return TransactionSummary{.operation = "unrecorded operation"};
  }
  ARROW_ASSIGN_OR_RAISE(WholeObject object, ReadObject(store, kTransactionsFolder + name));
  auto parsed = ParseTransaction(std::string_view(*object.buffer));
  if (!parsed.ok()) return WithContext(parsed.status(), {.path = object.name});
  return parsed;
}

/// One call of Commit.
class Committer {
 public:
  Committer(ObjectStore& store, const Transaction& transaction,
            std::optional<CommittedVersion> known, const CommitOptions& options)
      : store_(store),
        wanted_(transaction),
        known_(std::move(known)),
        options_(options),
        seen_(transaction.read_version) {}

  arrow::Result<CommittedVersion> Run() {
    ARROW_ASSIGN_OR_RAISE(ours_, ParseTransaction(SerializeTransaction(wanted_)));
    for (int attempt = 0;; ++attempt) {
      ARROW_RETURN_NOT_OK(CancelScope::Check());
      ARROW_RETURN_NOT_OK(CatchUp());
      if (done_) return *std::move(done_);
      ARROW_RETURN_NOT_OK(Rebase());
      ARROW_ASSIGN_OR_RAISE(bool created, TryNext());
      if (created) return *std::move(done_);
      if (attempt >= options_.max_retries && ours_.kind != OperationKind::kAppend) {
        return MakeError(ErrorKind::kCommitConflict,
                         "other writers were faster " + std::to_string(attempt + 1) +
                             " times; try again when there are fewer of them",
                         {.path = store_.root()});
      }
      Wait(attempt);
    }
  }

 private:
  /// Steps 1 and 2: reads the versions up to the latest and checks them.
  arrow::Status CatchUp() {
    ARROW_ASSIGN_OR_RAISE(auto latest, FindLatest(store_));
    if (latest) like_ = latest->path;
    if (!latest || wanted_.read_version == 0) return CheckCreates();
    // A listing made while others commit may lack versions, but not those before seen_.
    const uint64_t last = std::max(latest->version, seen_);
    if (latest->version < wanted_.read_version) return NoSuchReadVersion();
    for (uint64_t version = seen_ + 1; version <= last && !done_; ++version) {
      ARROW_RETURN_NOT_OK(CheckVersion(version));
    }
    if (done_ || latest_) return arrow::Status::OK();
    if (known_ && known_->file && known_->info.version == last) {
      auto now = DescribeVersion(store_, known_->info);
      if (now.ok() && *now == known_->info) {
        latest_ = Version{*std::move(known_->file), std::move(known_->manifest)};
        return arrow::Status::OK();
      }
    }
    ARROW_ASSIGN_OR_RAISE(latest_, ReadVersion(last));
    return arrow::Status::OK();
  }

  /// A transaction without a version to start from creates the table, as version 1.
  arrow::Status CheckCreates() {
    const bool creates = wanted_.read_version == 0 && ours_.kind == OperationKind::kOverwrite;
    if (!creates) return NoSuchReadVersion();
    ARROW_ASSIGN_OR_RAISE(std::vector<ListedVersion> versions, ListVersions(store_));
    if (versions.empty()) return arrow::Status::OK();
    if (versions.front().version == 1) {
      ARROW_ASSIGN_OR_RAISE(Version first, ReadVersion(1));
      ARROW_ASSIGN_OR_RAISE(TransactionSummary theirs, TransactionOf(store_, first.file));
      if (theirs.uuid == ours_.uuid) ARROW_RETURN_NOT_OK(FoundCommitted(std::move(first)));
    }
    if (done_) return arrow::Status::OK();
    return MakeError(ErrorKind::kAlreadyExists,
                     "there is a table at '" + store_.root() + "' already",
                     {.path = store_.root()});
  }

  arrow::Status NoSuchReadVersion() const {
    ARROW_ASSIGN_OR_RAISE(std::vector<ListedVersion> versions, ListVersions(store_));
    return FindVersion(store_, versions, wanted_.read_version).status();
  }

  /// Whether ours can come after this version.
  arrow::Status CheckVersion(uint64_t number) {
    ARROW_ASSIGN_OR_RAISE(Version version, ReadVersion(number));
    ARROW_ASSIGN_OR_RAISE(TransactionSummary theirs, TransactionOf(store_, version.file));
    if (theirs.uuid == ours_.uuid) {
      return FoundCommitted(std::move(version));
    }
    const Verdict verdict = CheckConflict(ours_, theirs, version.manifest->stable_row_ids);
    if (verdict == Verdict::kRetry || verdict == Verdict::kFail) {
      return ConflictError(ours_, theirs, number, verdict);
    }
    const bool new_schema =
        theirs.kind == OperationKind::kMerge || theirs.kind == OperationKind::kProject;
    if (verdict == Verdict::kMerge) merge_with_ = Committed{theirs, number};
    if (new_schema) new_schema_by_ = Committed{theirs, number};
    latest_ = std::move(version);
    seen_ = number;
    return arrow::Status::OK();
  }

  /// Step 3. Begins with what was wanted each time: what a lost attempt merged is in theirs now.
  arrow::Status Rebase() {
    rebased_ = wanted_;
    const bool adds_rows =
        ours_.kind == OperationKind::kAppend || ours_.kind == OperationKind::kUpdate;
    if (!merge_with_ && !(new_schema_by_ && adds_rows)) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(Version read, ReadVersion(wanted_.read_version));
    const Manifest& latest = *latest_->manifest;
    if (new_schema_by_ && adds_rows && !AcceptsRowsOf(read.manifest->schema, latest.schema)) {
      return Conflict(*new_schema_by_);
    }
    if (!merge_with_) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(bool merged, MergeDeletions(store_, *read.manifest, latest, &rebased_));
    return merged ? arrow::Status::OK() : Conflict(*merge_with_);
  }

  arrow::Status Conflict(const Committed& theirs) const {
    return ConflictError(ours_, theirs.transaction, theirs.version, Verdict::kRetry);
  }

  /// Steps 4 to 6; false when the version exists already.
  arrow::Result<bool> TryNext() {
    ARROW_ASSIGN_OR_RAISE(ManifestFile next, MakeNext());
    next.transaction = SerializeTransaction(rebased_);
    ARROW_RETURN_NOT_OK(WriteTransactionFile(&next));
    const uint64_t version = next.message.version();
    ListedVersion listed{version, ManifestPath(version, like_)};
    const std::string bytes = SerializeManifestFile(&next);
    auto manifest = ReadManifestMessage(next.message, NameOf(listed.path), before_.get());
    if (!manifest.ok()) {
      return MakeError(ErrorKind::kInvalidArgument,
                       "the transaction would make a version that cannot be read: " +
                           manifest.status().message());
    }
    arrow::Status put = store_.Put(listed.path, AsBytes(bytes), /*create_only=*/true);
    if (!put.ok() && GetErrorKind(put) == ErrorKind::kAlreadyExists) return false;
    if (!put.ok()) return MayHaveCommitted(put, version);
    // Whoever removes it right now has made a newer one.
    auto info = DescribeVersion(store_, listed);
    done_.emplace(info.ok() ? *std::move(info) : VersionInfo{{std::move(listed)}},
                  std::make_shared<const Manifest>(*std::move(manifest)), std::move(next));
    return true;
  }

  /// An earlier call has committed it, and not got to know.
  arrow::Status FoundCommitted(Version version) {
    const uint64_t number = version.manifest->version;
    ARROW_ASSIGN_OR_RAISE(VersionInfo info,
                          DescribeVersion(store_, {number, ManifestPath(number, like_)}));
    done_.emplace(std::move(info), std::move(version.manifest), std::move(version.file));
    return arrow::Status::OK();
  }

  arrow::Status WriteTransactionFile(ManifestFile* next) {
    const bool without = (next->message.writer_feature_flags() & kNoTransactionFiles) != 0;
    if (!options_.write_transaction_file || without) return arrow::Status::OK();
    const std::string name = std::to_string(wanted_.read_version) + "-" + wanted_.uuid + ".txn";
    next->message.set_transaction_file(name);
    if (written_ == *next->transaction) return arrow::Status::OK();  // by an attempt before
    ARROW_RETURN_NOT_OK(store_.Put(kTransactionsFolder + name, AsBytes(*next->transaction)));
    written_ = *next->transaction;
    return arrow::Status::OK();
  }

  arrow::Result<ManifestFile> MakeNext() {
    const auto* restore = std::get_if<Restore>(&rebased_.operation);
    if (restore == nullptr) {
      ManifestFile previous;
      if (latest_) {
        previous = std::move(latest_->file);
        before_ = std::move(latest_->manifest);
      }
      latest_.reset();  // when another writer is faster, it is not the latest any more
      return ApplyTransaction(std::move(previous), rebased_);
    }
    ARROW_ASSIGN_OR_RAISE(Version restored, ReadVersion(restore->version));
    return ApplyRestore(latest_->file, std::move(restored.file));
  }

  arrow::Status MayHaveCommitted(const arrow::Status& status, uint64_t version) const {
    return WithContext(
        status.WithMessage(status.message(), "; whether version ", version,
                           " was committed is not known: open the table again and look before it "
                           "is done again (transaction ",
                           wanted_.uuid, ")"),
        {.version = version});
  }

  arrow::Result<Version> ReadVersion(uint64_t number) const {
    auto object = ReadObject(store_, ManifestPath(number, like_));
    if (!object.ok() && GetErrorKind(object.status()) == ErrorKind::kNotFound) {
      return MakeError(ErrorKind::kNotFound,
                       "version " + std::to_string(number) +
                           " does not exist any more; open the table again and redo the operation",
                       {.path = store_.root(), .version = number});
    }
    ARROW_RETURN_NOT_OK(object.status());
    Version version;
    auto file = ParseManifestFile(object->bytes());
    if (!file.ok()) return WithContext(file.status(), {.path = object->name});
    version.file = *std::move(file);
    ARROW_ASSIGN_OR_RAISE(Manifest manifest,
                          ReadManifestMessage(version.file.message, object->name));
    version.manifest = std::make_shared<const Manifest>(std::move(manifest));
    return version;
  }

  std::string NameOf(const std::string& path) const {
    return store_.root() + (store_.root().ends_with('/') ? "" : "/") + path;
  }

  ObjectStore& store_;
  const Transaction& wanted_;  ///< as it was made
  std::optional<CommittedVersion> known_;
  const CommitOptions options_;
  TransactionSummary ours_;
  Transaction rebased_;  ///< as it fits latest_

  std::string written_;  ///< what the transaction file holds

  std::string like_;  ///< a manifest of the table, for the names of others
  uint64_t seen_;     ///< the versions up to here do not conflict
  std::optional<Version> latest_;
  std::shared_ptr<const Manifest> before_;  ///< what the next version was made of, if it shares
  std::optional<Committed> merge_with_;
  std::optional<Committed> new_schema_by_;
  std::optional<CommittedVersion> done_;
};

}  // namespace

arrow::Result<CommittedVersion> Commit(ObjectStore& store, const Transaction& transaction,
                                       std::optional<CommittedVersion> known,
                                       const CommitOptions& options) {
  if (transaction.uuid.empty()) {
    return MakeError(ErrorKind::kInvalidArgument, "a transaction needs a uuid (MakeUuid)");
  }
  return Committer(store, transaction, std::move(known), options).Run();
}

}  // namespace pilum::dataset
