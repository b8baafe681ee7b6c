// A store that misbehaves on request, for tests.
//
//   auto faulty = std::make_shared<FaultStore>(MakeMemoryStore());
//   faulty->Fail(FaultStore::Call::kRead, ErrorKind::kUnavailable, {.path_contains = "data/"});
//
// Passes everything on to another store except what the faults ask for. Faults apply to objects
// opened before and after they are set. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pilum/error.h"
#include "pilum/storage.h"

namespace pilum::io {

/// Which calls a fault hits: those on paths that contain a text, less the first `skip`, then
/// `times`.
struct WhichCalls {
  std::string path_contains = {};
  int64_t skip = 0;
  int64_t times = std::numeric_limits<int64_t>::max();
};

class FaultStore final : public ObjectStore, public std::enable_shared_from_this<FaultStore> {
 public:
  enum class Call { kOpen, kRead, kList, kPut, kCreate, kAppend, kFinish, kDelete, kRename };

  explicit FaultStore(std::shared_ptr<ObjectStore> store) : store_(std::move(store)) {}

  void Fail(Call call, ErrorKind kind, WhichCalls which = {});
  /// The calls do what they should and then fail, as when the answer of a server is lost.
  void FailAfterwards(Call call, ErrorKind kind, WhichCalls which = {});
  /// Calls take that much longer.
  void Delay(Call call, std::chrono::microseconds delay, WhichCalls which = {});
  /// The objects end at byte `size`. With `noticed` they say so; otherwise they still claim their
  /// full size, as a file that shrank while it was open.
  void Truncate(uint64_t size, bool noticed, std::string path_contains = {});
  /// Reads that cover byte `offset` see it with the bits of `mask` flipped.
  void FlipBits(uint64_t offset, std::byte mask, std::string path_contains = {});
  /// Back to normal.
  void Clear();

  int64_t calls(Call call) const { return calls_[static_cast<size_t>(call)]; }
  int64_t bytes_read() const { return bytes_read_; }

  const std::string& root() const override { return store_->root(); }
  const ReadPolicy& policy() const override { return store_->policy(); }
  arrow::Result<std::shared_ptr<ReadableObject>> Open(std::string_view path,
                                                      uint64_t known_size = 0) override;
  arrow::Result<std::vector<ObjectInfo>> List(std::string_view prefix) override;
  arrow::Status VisitNames(std::string_view prefix,
                           const std::function<void(std::string_view)>& visit) override;
  arrow::Result<ObjectInfo> Describe(std::string_view path) override;
  arrow::Result<std::vector<std::string>> ListFolders(std::string_view prefix) override;
  arrow::Status Put(std::string_view path, std::span<const std::byte> bytes,
                    bool create_only = false) override;
  arrow::Result<std::unique_ptr<ObjectWriter>> Create(std::string_view path) override;
  arrow::Status Delete(std::string_view path) override;
  arrow::Status DeleteFolder(std::string_view path) override;
  arrow::Status RenameFolder(std::string_view from, std::string_view to) override;

 private:
  class FaultObject;
  class FaultWriter;
  struct CallFault {
    Call call;
    WhichCalls which;
    std::optional<ErrorKind> kind;
    std::chrono::microseconds delay{0};
    bool afterwards = false;
    int64_t seen = 0;
  };
  struct Truncation {
    std::string path_contains;
    uint64_t size;
    bool noticed;
  };
  struct Flip {
    std::string path_contains;
    uint64_t offset;
    std::byte mask;
  };

  /// Counts a call, waits and fails as the faults ask for.
  arrow::Status Enter(Call call, std::string_view path);
  /// Fails a call that was made and went well, if the faults ask for it.
  arrow::Status Leave(Call call, std::string_view path);
  arrow::Status Apply(Call call, std::string_view path, bool afterwards);
  std::optional<Truncation> TruncationOf(std::string_view path);
  void FlipIn(std::string_view path, uint64_t offset, std::span<std::byte> bytes);

  const std::shared_ptr<ObjectStore> store_;
  std::array<std::atomic<int64_t>, 8> calls_{};
  std::atomic<int64_t> bytes_read_{0};
  std::mutex mutex_;
  std::vector<CallFault> call_faults_;
  std::vector<Truncation> truncations_;
  std::vector<Flip> flips_;
};

}  // namespace pilum::io
