#include "io/fault_store.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "io/writer_step.h"

namespace pilum::io {
namespace {

bool Matches(std::string_view path, const std::string& part) {
  return path.find(part) != std::string_view::npos;
}

}  // namespace

class FaultStore::FaultObject final : public ReadableObject {
 public:
  FaultObject(std::shared_ptr<FaultStore> store, std::string path,
              std::shared_ptr<ReadableObject> object)
      : store_(std::move(store)), path_(std::move(path)), object_(std::move(object)) {}

  const std::string& name() const override { return object_->name(); }
  const ReadPolicy& policy() const override { return object_->policy(); }

  uint64_t size() const override {
    auto truncation = store_->TruncationOf(path_);
    bool shorter = truncation && truncation->noticed;
    return shorter ? std::min(truncation->size, object_->size()) : object_->size();
  }

  arrow::Status ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    ARROW_RETURN_NOT_OK(store_->Enter(Call::kRead, path_));
    auto truncation = store_->TruncationOf(path_);
    if (truncation && !out.empty() &&
        (offset >= truncation->size || out.size() > truncation->size - offset)) {
      return MakeError(
          ErrorKind::kCorruptData,
          "'" + name() + "' ends at byte " + std::to_string(truncation->size) + " (injected)",
          {.path = name(), .offset = offset});
    }
    ARROW_RETURN_NOT_OK(object_->ReadAt(offset, out));
    store_->bytes_read_ += static_cast<int64_t>(out.size());
    store_->FlipIn(path_, offset, out);
    return arrow::Status::OK();
  }

 private:
  const std::shared_ptr<FaultStore> store_;
  const std::string path_;
  const std::shared_ptr<ReadableObject> object_;
};

class FaultStore::FaultWriter final : public ObjectWriter {
 public:
  FaultWriter(std::shared_ptr<FaultStore> store, std::string path,
              std::unique_ptr<ObjectWriter> writer)
      : store_(std::move(store)), path_(std::move(path)), writer_(std::move(writer)) {}

  uint64_t size() const override { return size_; }

  arrow::Status Append(std::span<const std::byte> bytes) override {
    return WriterStep(writer_, path_, [&](ObjectWriter& writer) {
      ARROW_RETURN_NOT_OK(store_->Enter(Call::kAppend, path_));
      size_ += bytes.size();
      return writer.Append(bytes);
    });
  }

  arrow::Status Finish() override {
    return WriterStep(writer_, path_, [&](ObjectWriter& writer) {
      ARROW_RETURN_NOT_OK(store_->Enter(Call::kFinish, path_));
      ARROW_RETURN_NOT_OK(writer.Finish());
      return store_->Leave(Call::kFinish, path_);
    });
  }

 private:
  const std::shared_ptr<FaultStore> store_;
  const std::string path_;
  std::unique_ptr<ObjectWriter> writer_;
  uint64_t size_ = 0;
};

void FaultStore::Fail(Call call, ErrorKind kind, WhichCalls which) {
  std::lock_guard<std::mutex> lock(mutex_);
  call_faults_.push_back({call, std::move(which), kind});
}

void FaultStore::FailAfterwards(Call call, ErrorKind kind, WhichCalls which) {
  std::lock_guard<std::mutex> lock(mutex_);
  call_faults_.push_back({call, std::move(which), kind, {}, /*afterwards=*/true});
}

void FaultStore::Delay(Call call, std::chrono::microseconds delay, WhichCalls which) {
  std::lock_guard<std::mutex> lock(mutex_);
  call_faults_.push_back({call, std::move(which), std::nullopt, delay});
}

void FaultStore::Truncate(uint64_t size, bool noticed, std::string path_contains) {
  std::lock_guard<std::mutex> lock(mutex_);
  truncations_.push_back({std::move(path_contains), size, noticed});
}

void FaultStore::FlipBits(uint64_t offset, std::byte mask, std::string path_contains) {
  std::lock_guard<std::mutex> lock(mutex_);
  flips_.push_back({std::move(path_contains), offset, mask});
}

void FaultStore::Clear() {
  std::lock_guard<std::mutex> lock(mutex_);
  call_faults_.clear();
  truncations_.clear();
  flips_.clear();
}

arrow::Status FaultStore::Enter(Call call, std::string_view path) {
  ++calls_[static_cast<size_t>(call)];
  return Apply(call, path, /*afterwards=*/false);
}

arrow::Status FaultStore::Leave(Call call, std::string_view path) {
  return Apply(call, path, /*afterwards=*/true);
}

arrow::Status FaultStore::Apply(Call call, std::string_view path, bool afterwards) {
  std::chrono::microseconds delay{0};
  std::optional<ErrorKind> kind;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    for (CallFault& fault : call_faults_) {
      if (fault.call != call || fault.afterwards != afterwards) continue;
      if (!Matches(path, fault.which.path_contains)) continue;
      int64_t hit = fault.seen++ - fault.which.skip;
      if (hit < 0 || hit >= fault.which.times) continue;
      delay += fault.delay;
      if (!kind) kind = fault.kind;
    }
  }
  if (delay.count() > 0) std::this_thread::sleep_for(delay);
  if (!kind) return arrow::Status::OK();
  return MakeError(*kind, "injected failure", {.path = std::string(path)});
}

std::optional<FaultStore::Truncation> FaultStore::TruncationOf(std::string_view path) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const Truncation& truncation : truncations_) {
    if (Matches(path, truncation.path_contains)) return truncation;
  }
  return std::nullopt;
}

void FaultStore::FlipIn(std::string_view path, uint64_t offset, std::span<std::byte> bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const Flip& flip : flips_) {
    if (flip.offset < offset || flip.offset - offset >= bytes.size()) continue;
    if (Matches(path, flip.path_contains)) bytes[flip.offset - offset] ^= flip.mask;
  }
}

arrow::Result<std::shared_ptr<ReadableObject>> FaultStore::Open(std::string_view path,
                                                                uint64_t known_size) {
  ARROW_RETURN_NOT_OK(Enter(Call::kOpen, path));
  ARROW_ASSIGN_OR_RAISE(auto object, store_->Open(path, known_size));
  return std::make_shared<FaultObject>(shared_from_this(), std::string(path), std::move(object));
}

arrow::Result<std::vector<ObjectInfo>> FaultStore::List(std::string_view prefix) {
  ARROW_RETURN_NOT_OK(Enter(Call::kList, prefix));
  return store_->List(prefix);
}

arrow::Status FaultStore::VisitNames(std::string_view prefix,
                                     const std::function<void(std::string_view)>& visit) {
  ARROW_RETURN_NOT_OK(Enter(Call::kList, prefix));
  return store_->VisitNames(prefix, visit);
}

arrow::Result<ObjectInfo> FaultStore::Describe(std::string_view path) {
  ARROW_RETURN_NOT_OK(Enter(Call::kOpen, path));
  return store_->Describe(path);
}

arrow::Result<std::vector<std::string>> FaultStore::ListFolders(std::string_view prefix) {
  ARROW_RETURN_NOT_OK(Enter(Call::kList, prefix));
  return store_->ListFolders(prefix);
}

arrow::Status FaultStore::Put(std::string_view path, std::span<const std::byte> bytes,
                              bool create_only) {
  ARROW_RETURN_NOT_OK(Enter(Call::kPut, path));
  ARROW_RETURN_NOT_OK(store_->Put(path, bytes, create_only));
  return Leave(Call::kPut, path);
}

arrow::Result<std::unique_ptr<ObjectWriter>> FaultStore::Create(std::string_view path) {
  ARROW_RETURN_NOT_OK(Enter(Call::kCreate, path));
  ARROW_ASSIGN_OR_RAISE(auto writer, store_->Create(path));
  return std::make_unique<FaultWriter>(shared_from_this(), std::string(path), std::move(writer));
}

arrow::Status FaultStore::Delete(std::string_view path) {
  ARROW_RETURN_NOT_OK(Enter(Call::kDelete, path));
  return store_->Delete(path);
}

arrow::Status FaultStore::DeleteFolder(std::string_view path) {
  ARROW_RETURN_NOT_OK(Enter(Call::kDelete, path));
  return store_->DeleteFolder(path);
}

arrow::Status FaultStore::RenameFolder(std::string_view from, std::string_view to) {
  ARROW_RETURN_NOT_OK(Enter(Call::kRename, from));
  return store_->RenameFolder(from, to);
}

}  // namespace pilum::io
