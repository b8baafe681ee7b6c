// Object stores: the only door to the outside world.
//
// A store holds immutable objects under '/'-separated relative paths ("data/x.lance"). All calls
// block, are thread-safe, and report errors as pilum::ErrorDetail kinds (kNotFound, kPermission,
// kUnavailable…). Concurrency is the caller's: pilum runs as many reads at once as the policy
// allows. A store that waits for long asks CancelScope::Check (runtime.h) now and then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/result.h>
#include <arrow/status.h>

namespace pilum {

/// How a store likes to be read. Whoever schedules reads obeys it; nobody else knows.
struct ReadPolicy {
  uint64_t max_gap = 4096;          ///< bytes: two ranges nearer than this are read as one
  uint64_t max_request = 8u << 20;  ///< bytes: larger ranges are split
  int concurrency = 16;             ///< reads in flight that the store can use
};

/// One object of a listing.
struct ObjectInfo {
  std::string path;         ///< relative to the store
  uint64_t size = 0;        ///< bytes
  uint64_t stamp = 0;       ///< another one whenever the object is written again; no order
  int64_t modified_us = 0;  ///< when it was written, microseconds since 1970, by the store's clock
};

/// An object opened for positional reads. Immutable, thread-safe, valid in a forked child.
class ReadableObject {
 public:
  virtual ~ReadableObject() = default;

  /// The name to show in errors (absolute where the store has absolute names).
  virtual const std::string& name() const = 0;
  virtual uint64_t size() const = 0;  ///< bytes
  virtual const ReadPolicy& policy() const = 0;

  /// Fills `out` with the bytes from `offset` on. Fewer bytes than asked for is an error
  /// (kCorruptData, naming file and offset), never a short success.
  virtual arrow::Status ReadAt(uint64_t offset, std::span<std::byte> out) const = 0;

  /// The same into two pieces of memory: what comes after `head` goes to `rest`. Reads both together
  /// and copies them, where it is not implemented.
  virtual arrow::Status ReadInTwo(uint64_t offset, std::span<std::byte> head,
                                  std::span<std::byte> rest) const;

  /// The same if that takes no waiting, for a device or for anybody. False if it would, or fails, or
  /// nobody knows: then the pieces have anything in them. `head` may be empty.
  virtual bool ReadNow(uint64_t /*offset*/, std::span<std::byte> /*head*/,
                       std::span<std::byte> /*rest*/) const {
    return false;
  }

  /// The bytes [offset, offset + length), at least one and all in the object, if it has them in
  /// memory: valid as long as it lives. Null if they must be read.
  virtual const std::byte* Resident(uint64_t /*offset*/, uint64_t /*length*/) const {
    return nullptr;
  }
};

/// An object being written piece by piece, for what is too large to hold in memory. For one thread
/// at a time. Until Finish has returned OK there is no object: without it, or after an error, the
/// destructor removes what was written.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;

  virtual uint64_t size() const = 0;  ///< bytes appended so far

  virtual arrow::Status Append(std::span<const std::byte> bytes) = 0;

  /// Makes the object durable as Put does, and then visible, all of it at once. The last call; what
  /// is called after it, or after an error, fails.
  virtual arrow::Status Finish() = 0;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// The root, for messages: "/data/db", "memory://".
  virtual const std::string& root() const = 0;
  virtual const ReadPolicy& policy() const = 0;

  /// Opens `path`. `known_size` spares the store a metadata request when it is right; 0 = unknown.
  virtual arrow::Result<std::shared_ptr<ReadableObject>> Open(std::string_view path,
                                                              uint64_t known_size = 0) = 0;

  /// All objects directly under the folder `prefix`, not below it, in no particular order. A folder
  /// that does not exist is an empty one.
  virtual arrow::Result<std::vector<ObjectInfo>> List(std::string_view prefix) = 0;

  /// Only the names of these objects, without the folder, which may cost a store much less to find
  /// out. Calls `visit` for each; the name is valid during the call.
  virtual arrow::Status VisitNames(std::string_view prefix,
                                   const std::function<void(std::string_view name)>& visit) = 0;

  /// What List says about one object; kNotFound if there is none.
  virtual arrow::Result<ObjectInfo> Describe(std::string_view path) = 0;

  /// Names of the folders directly under the folder `prefix`, in no particular order.
  virtual arrow::Result<std::vector<std::string>> ListFolders(std::string_view prefix) = 0;

  /// Writes a whole object, atomically: readers see all of it or nothing. With `create_only` an
  /// existing object is kAlreadyExists and stays as it was; otherwise it is replaced.
  virtual arrow::Status Put(std::string_view path, std::span<const std::byte> bytes,
                            bool create_only = false) = 0;

  /// Begins an object that is written in pieces. Finish fails with kAlreadyExists, and leaves the
  /// object of that name as it was, if there is one by then.
  virtual arrow::Result<std::unique_ptr<ObjectWriter>> Create(std::string_view path) = 0;

  /// Removes an object; removing what is not there is not an error.
  virtual arrow::Status Delete(std::string_view path) = 0;

  /// Removes a folder with all that is below it. Not atomic; what is not there is not an error.
  virtual arrow::Status DeleteFolder(std::string_view path) = 0;

  /// Gives a folder another name, atomically. kNotFound if it does not exist, kAlreadyExists if the
  /// new name is taken; then nothing has changed. Objects that are open stay readable.
  virtual arrow::Status RenameFolder(std::string_view from, std::string_view to) = 0;
};

struct LocalStoreOptions {
  /// What was written survives a crash of the machine: files and the folders that name them are
  /// flushed to disk before a write returns. Without, writes are still atomic for other processes.
  bool sync = true;
};

/// Settings of a store by name, as users give them: {"sync": "false"} for LocalStoreOptions. Names
/// that a store does not know are left to others.
using StorageOptions = std::map<std::string, std::string>;

/// A directory of the local file system. Paths with empty or ".." parts are kInvalidArgument.
arrow::Result<std::shared_ptr<ObjectStore>> OpenLocalStore(const std::string& directory,
                                                           const LocalStoreOptions& options = {});

/// A fresh, private, empty store in memory.
std::shared_ptr<ObjectStore> MakeMemoryStore();

/// A view of `store` below the folder `prefix`.
std::shared_ptr<ObjectStore> SubStore(std::shared_ptr<ObjectStore> store, std::string prefix);

}  // namespace pilum
